"""Who calls: what a named proxy says of it, and one warning where a proxy stands that nobody named."""

from typing import Any

import structlog
from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_log = structlog.get_logger(__name__)


class Proxies(ProxyHeadersMiddleware):
    """Takes the caller's address from X-Forwarded-For of trusted proxies alone.

    Behind a proxy that is not named all citizens have one address, and share what each may send. Anybody can write the
    header, so this is told once, and without any address.
    """

    _told = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # uvicorn has other names for ASGI's types
        """Serve one request, or the server's start and stop."""
        if not self._told and scope["type"] == "http" and self._is_unnamed(scope):
            self._told = True
            _log.warning("proxy_not_named", setting="receiver.trusted_proxies")
        await super().__call__(scope, receive, send)

    def _is_unnamed(self, scope: Scope) -> bool:
        client: tuple[str, Any] | None = scope.get("client")
        named = client is not None and client[0] in self.trusted_hosts
        return not named and any(name == b"x-forwarded-for" for name, _ in scope["headers"])
