"""Serves the receiver over HTTP until it is told to stop: one uvicorn, with limits against those who dawdle."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from ipaddress import ip_address
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

from connectors import metrics
from connectors.headers import SafeHeaders
from connectors.receiver import Receiver
from connectors.receiver_settings import ReceiverSettings
from connectors.shares import Shares, subscriber
from schemas.errors import MisconfiguredError

_UNHEARD = metrics.PUSH_UNHEARD.labels("any", "connections")
_BEYOND_SHARE = metrics.PUSH_UNHEARD.labels("any", "share")

_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 38\r\n"
    b"Retry-After: 5\r\nConnection: close\r\n\r\ntoo many connections from this address"
)


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:
    _UNHEARD.inc()
    await PlainTextResponse("too many connections", 503, {"Connection": "close"})(scope, receive, send)


class _Impatient(H11Protocol):
    """Closes a connection that brings no whole request header in time, also when it dribbles.

    One too many is answered 503; uvicorn would answer so on all of them, and nobody would count it.
    """

    def __init__(
        self, config: uvicorn.Config, *more: Any, is_trusted: Callable[[str], bool], shares: Shares, **options: Any
    ) -> None:
        super().__init__(config, *more, **options)
        self._is_trusted = is_trusted
        self._shares = shares
        self._address: str | None = None
        """Whose share this connection counts in; None of a trusted proxy."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the parent
        host = get_remote_addr(transport)
        if host and not self._is_trusted(host[0]):
            address = subscriber(host[0])
            if not self._shares.take(address):
                _BEYOND_SHARE.inc()
                transport.write(_TOO_MANY)
                transport.close()  # at once: it must take no place of others
                return
            self._address = address
        super().connection_made(transport)
        most, self.limit_concurrency = self.config.limit_concurrency, None
        if most is not None and len(self.connections) > most:
            self.app = SafeHeaders(_crowded, self.config.h11_max_incomplete_event_size or 0)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is None:
            return  # beyond a share
        if self._address is not None:
            self._shares.give_back(self._address)
            self._address = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport is not None:
            super().data_received(data)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_request()

    def _expect_request(self) -> None:
        self.loop.call_later(self.timeout_keep_alive, self._hang_up, self.cycle)

    def _hang_up(self, last: object) -> None:
        if self.cycle is last:
            self.transport.close()


class _Server(uvicorn.Server):
    """Leaves the process's signals to those who started it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override] # the same, without a generator
        return nullcontext()


async def serve_until(app: Receiver, settings: ReceiverSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; running requests end first. Raises MisconfiguredError when the port is taken."""
    server = _Server(_config(app, settings))
    serving = asyncio.create_task(_serve(server, _listen(settings)))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    with listening:
        try:
            await server.serve([listening])
        except SystemExit as error:  # in a task it would tear down the whole event loop
            raise MisconfiguredError("the receiver cannot start: see the log above") from error


def _listen(settings: ReceiverSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=settings.connections_max)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise MisconfiguredError(f"cannot listen on {where} ({error.strerror}): set receiver.port") from error


def _config(app: Receiver, settings: ReceiverSettings) -> uvicorn.Config:
    """Return uvicorn's settings. No access log: query strings hold openids."""
    return uvicorn.Config(
        app,
        http=partial(  # type: ignore[arg-type] # a factory, as uvicorn calls it
            _Impatient,
            is_trusted=partial(_is_trusted, settings),
            shares=Shares(settings.connections_per_address),
        ),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the application believes those that it was told to, and no address by default
        server_header=False,
        limit_concurrency=settings.connections_max,
        timeout_keep_alive=settings.idle_timeout_seconds,
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
        h11_max_incomplete_event_size=settings.header_max_bytes,
    )


def _is_trusted(settings: ReceiverSettings, host: str) -> bool:
    """Say whether this is a proxy that brings requests of many: each of those has a share of its own."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in settings.trusted_proxies)
