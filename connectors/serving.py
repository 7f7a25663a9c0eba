"""Serves the receiver over HTTP until it is told to stop: one uvicorn, with limits against those who dawdle."""

import asyncio
import socket
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors import metrics
from connectors.headers import SafeHeaders
from connectors.receiver import Receiver
from connectors.receiver_settings import ReceiverSettings
from schemas.errors import MisconfiguredError

_UNHEARD = metrics.PUSH_UNHEARD.labels("any", "connections")


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:
    _UNHEARD.inc()
    await PlainTextResponse("too many connections", 503, {"Connection": "close"})(scope, receive, send)


class _Impatient(H11Protocol):
    """Closes a connection that brings no whole request header in time, also when it dribbles.

    One too many is answered 503; uvicorn would answer so on all of them, and nobody would count it.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the parent
        super().connection_made(transport)
        most, self.limit_concurrency = self.config.limit_concurrency, None
        if most is not None and len(self.connections) > most:
            self.app = SafeHeaders(_crowded)
        self._expect_request()

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
        http=_Impatient,
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
