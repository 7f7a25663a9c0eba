"""Headers that every answer of the receiver has, also those of nobody's paths and of faults."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
"""What no browser may make of an answer; an answer that says otherwise itself keeps its own."""

_FRAMINGS = frozenset({b"content-length", b"transfer-encoding"})

_TOO_LARGE = Response(status_code=431, headers={"Connection": "close"}, media_type="text/plain")

_DOUBTFUL = Response(status_code=400, headers={"Connection": "close"}, media_type="text/plain")


class SafeHeaders:
    """Adds them where they are missing; a request that says twice where it ends is refused, and its connection ends.

    RFC 9112, 6.1: what stands behind such a request may be a stranger's, smuggled past a proxy that read it otherwise.
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
        elif _size_of(scope) > self._header_max_bytes:  # h11 looks at the size of what has not yet arrived whole
            await _TOO_LARGE(scope, receive, sending)
        elif {name for name, _ in scope["headers"]} >= _FRAMINGS:
            await _DOUBTFUL(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)


def _size_of(scope: Scope) -> int:
    """Return the bytes of a request's head: its target and its headers with colon, space and line end."""
    target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return target + sum(len(name) + len(value) + 4 for name, value in scope["headers"])
