"""HTTP clients with total limits: an answer must end in time, and its body may not exceed its size.

requests limits each read only: a byte every few seconds, in the header or in the body, would keep a call for ever.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import requests
import structlog
import urllib3
from requests.adapters import HTTPAdapter
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from connectors.runtime.deadline import Watch

PIECE_BYTES = 64 * 1024

_here = threading.local()


class TooLongError(requests.RequestException):
    """A body is larger than its limit."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Close the connections that this thread's `Session` opens if the block takes longer; raises requests.ReadTimeout
    then.
    """
    watch, outer = Watch(seconds), getattr(_here, "watch", None)
    _here.watch = watch
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        if watch.is_over:
            raise requests.ReadTimeout from None
        raise
    finally:
        _here.watch = outer
        watch.end()
    if watch.is_over:  # a body without a length ends where the connection was closed
        raise requests.ReadTimeout


def whole(response: requests.Response, limit: int) -> bytes:
    """Return the body of a streamed answer; raises TooLongError before more than the limit is in memory."""
    body = bytearray()
    with response:
        for piece in response.iter_content(PIECE_BYTES):
            body += piece
            if len(body) > limit:
                raise TooLongError
    return bytes(body)


class Session(requests.Session):
    """Session with total limits that follows no redirect; the caller of a streamed answer limits it by itself."""

    def __init__(self, seconds: float, body_max_bytes: int) -> None:
        super().__init__()
        self._seconds = seconds
        self._limit = body_max_bytes
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; raises requests' errors and TooLongError."""
        if options.get("stream"):
            return super().send(request, **options)
        with within(self._seconds):
            response = super().send(request, **{**options, "stream": True, "allow_redirects": False})
            if response.is_redirect:  # a redirect would send a secret, or an answer to a citizen, to any host
                response.close()
                raise requests.TooManyRedirects
            response._content = whole(response, self._limit)  # as requests itself sets it after a read
        return response


def _watched(connection: HTTPConnection) -> None:
    watch: Watch | None = getattr(_here, "watch", None)
    if watch is not None and connection.sock is not None:
        watch.see(connection.sock)


class _Http(HTTPConnection):
    def getresponse(self) -> Any:
        _watched(self)
        return super().getresponse()


class _Https(HTTPSConnection):
    def getresponse(self) -> Any:
        _watched(self)
        return super().getresponse()


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(HTTPAdapter):
    """Registers its connections with the thread's watch, also behind a proxy."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # those connect in a way of their own
            manager.pool_classes_by_scheme = _POOLS
        return manager


# Headers of every answer of the receiver, also for unknown paths and errors.

SAFE: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
"""What a browser may do with an answer; an answer's own header wins."""

_FRAMINGS = frozenset({b"content-length", b"transfer-encoding"})

_TOO_LARGE = Response(status_code=431, headers={"Connection": "close"}, media_type="text/plain")

_DOUBTFUL = Response(status_code=400, headers={"Connection": "close"}, media_type="text/plain")


class SafeHeaders:
    """Adds missing headers; refuses a request with two lengths and closes its connection.

    RFC 9112, 6.1: the data behind such a request may be another's, smuggled past a proxy that read it otherwise.
    """

    def __init__(self, app: ASGIApp, header_max_bytes: int) -> None:
        self._app = app
        self._header_max_bytes = header_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _size_of(scope) > self._header_max_bytes:  # h11 limits only data that has not arrived whole
            await _TOO_LARGE(scope, receive, sending)
        elif {name for name, _ in scope["headers"]} >= _FRAMINGS:
            await _DOUBTFUL(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)


def _size_of(scope: Scope) -> int:
    """Return the bytes of a request's head: its target and its headers with colon, space and line end."""
    target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return target + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


# The caller's address behind trusted proxies, and one warning about an unnamed proxy.

_log = structlog.get_logger(__name__)


class Proxies(ProxyHeadersMiddleware):
    """Takes the caller's address from X-Forwarded-For of trusted proxies only.

    Behind an unnamed proxy all citizens have one address and share its limits. Any caller can send the header, so the
    warning comes once and names no address.
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
