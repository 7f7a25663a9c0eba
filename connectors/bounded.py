"""Answers by requests that end: who dribbles is hung up on, and no body grows over its limit.

The limits of requests are for each read: a byte every few seconds would keep a call for ever, in the header as in the
body.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connectors.watch import Watch

PIECE_BYTES = 64 * 1024

_here = threading.local()


class TooLongError(requests.RequestException):
    """A body is larger than its limit."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Hang up on whom this thread asks by a `Session` and who takes longer; then it raises requests.ReadTimeout."""
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
    if watch.is_over:  # a body without a length ends where we hung up
        raise requests.ReadTimeout


def whole(response: requests.Response, limit: int) -> bytes:
    """Return the body of a streamed answer; raises TooLongError before more of it than that is held."""
    body = bytearray()
    with response:
        for piece in response.iter_content(PIECE_BYTES):
            body += piece
            if len(body) > limit:
                raise TooLongError
    return bytes(body)


class Session(requests.Session):
    """Gives an answer whole, within these limits, and follows no redirect; what is streamed its asker must bound."""

    def __init__(self, seconds: float, body_max_bytes: int) -> None:
        super().__init__()
        self._seconds = seconds
        self._limit = body_max_bytes
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; raises what requests does, and TooLongError."""
        if options.get("stream"):
            return super().send(request, **options)
        with within(self._seconds):
            response = super().send(request, **{**options, "stream": True, "allow_redirects": False})
            if response.is_redirect:  # our secret, or what a citizen is told, would go to whoever is named
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
    """Makes connections that the watch of their thread sees, through a proxy as well."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # those connect in a way of their own
            manager.pool_classes_by_scheme = _POOLS
        return manager
