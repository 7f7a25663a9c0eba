"""The receiver: one HTTP server for every push channel; it answers success only when the messages are safe."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs

import msgspec
import structlog
import uvicorn
from msgspec import Struct
from starlette import requests
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import get_remote_addr

from connectors import metrics
from connectors.base import Answer, PushConnector, Recognising, Request
from connectors.http.middleware import Proxies, SafeHeaders
from connectors.http.quota import SharedRequests, Shares, subscriber
from connectors.http.request_body import read_body
from connectors.http.settings import ReceiverSettings
from connectors.publish.durable_publisher import DurablePublisher, Outcome
from schemas.errors import MisconfiguredError, RefusedRequest, RetriableError
from schemas.host_port import join_host_port
from schemas.records import RawMessage

_log = structlog.get_logger(__name__)

SLICE_MESSAGES = 1000
"""Messages of one request that are made safe at once; a failed slice means 503, and the request is repeated whole."""

UNHEARD = ("size", "slow", "address", "overloaded", "failed")
"""Reasons for which a message may be lost although no stranger sent it: these refusals, load, internal errors."""

Keep = Callable[[Sequence[RawMessage]], Awaitable[Outcome]]
"""Returns when the messages are safe in Kafka or in the journal; raises UnreachableError if they are not."""


class ReceiverReport(Struct, frozen=True, kw_only=True):
    """State of the receiver at a moment; degraded if the journal is nearly full."""

    state: Literal["starting", "running", "degraded"]
    last_success: datetime | None
    journal_bytes: int
    journal_full: bool


class _Hosted(NamedTuple):
    """A connector, its check before the body, and the limit of the body."""

    connector: PushConnector
    recognise: Callable[[Request], None]
    limit: int

    @property
    def channel(self) -> str:
        return self.connector.channel


class Receiver:
    """An ASGI application: each path is one push connector; `doors` are other applications.

    A door of `keeping` gets the function that makes messages safe.
    """

    def __init__(
        self,
        routes: Mapping[str, PushConnector],
        durable: DurablePublisher,
        settings: ReceiverSettings | None = None,
        body_limits: Mapping[str, int] | None = None,
        doors: Sequence[Route] = (),
        keeping: Sequence[Callable[[Keep], Sequence[Route]]] = (),
    ) -> None:
        self._settings = settings or ReceiverSettings()
        self._durable = durable
        self._limits = body_limits or {}
        self._running = 0
        self._ready = False
        self._last_success: datetime | None = None
        hosted = [
            Route(path, self._endpoint(path, connector), methods=["GET", "POST"]) for path, connector in routes.items()
        ]
        health = [Route("/healthz", self._alive), Route("/readyz", self._readiness)]
        trusted = [str(network) for network in self._settings.trusted_proxies]
        kept = [route for door in keeping for route in door(self._kept)]
        app = Starlette(
            routes=[*health, *doors, *kept, *hosted],
            middleware=[
                Middleware(Proxies, trusted_hosts=trusted),
                Middleware(SharedRequests, most=self._settings.connections_per_address),
            ],
            lifespan=lambda _: self.lifespan(),
        )
        app.router.redirect_slashes = False  # it would lead to whatever host the caller names
        self._app = SafeHeaders(app, self._settings.header_max_bytes)  # around Starlette's own answer to an error, too

    @property
    def report(self) -> ReceiverReport:
        """Return the present report."""
        full = self._durable.full
        return ReceiverReport(
            state="starting" if not self._ready else "degraded" if full else "running",
            last_success=self._last_success,
            journal_bytes=self._durable.journal_bytes,
            journal_full=full,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and stop."""
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Publish what an earlier run left and what arrives; at the end everything is on the disk or in Kafka."""
        working = asyncio.create_task(self._durable.run())
        self._ready = True
        try:
            yield
        finally:
            self._ready = False
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await self._durable.close()

    def _endpoint(self, path: str, connector: PushConnector) -> Callable[[requests.Request], Awaitable[Response]]:
        hosted = _Hosted(
            connector,
            connector.recognise if isinstance(connector, Recognising) else _as_anybody,
            self._limits.get(path, self._settings.body_max_bytes),
        )
        for outcome in ("published", "journaled", "answered", "unsafe"):  # alarms on their growth have to see them at 0
            metrics.PUSH_REQUESTS.labels(connector.channel, outcome)
        for reason in ("timestamp", "signature", "token", "cipher", "mode"):
            metrics.PUSH_REFUSED.labels(connector.channel, reason)
        for reason in UNHEARD:
            metrics.PUSH_UNHEARD.labels(connector.channel, reason)

        async def endpoint(request: requests.Request) -> Response:
            started = time.perf_counter()
            outcome, answer = await self._admitted(hosted, request)
            metrics.PUSH_REQUESTS.labels(connector.channel, outcome).inc()
            metrics.PUSH_SECONDS.labels(connector.channel).observe(time.perf_counter() - started)
            return Response(answer.body, answer.status, media_type=answer.content_type)

        return endpoint

    async def _admitted(self, hosted: _Hosted, request: requests.Request) -> tuple[str, Answer]:
        if self._running >= self._settings.requests_max:
            metrics.PUSH_UNHEARD.labels(hosted.channel, "overloaded").inc()
            return "overloaded", Answer(status=503)
        self._running += 1
        try:
            return await self._judged(hosted, request)
        finally:
            self._running -= 1

    async def _judged(self, hosted: _Hosted, request: requests.Request) -> tuple[str, Answer]:
        """Return the outcome of a request and its answer: success only if the messages are safe."""
        channel = hosted.channel
        try:
            accepted = hosted.connector.accept(await self._read(request, hosted))
            outcome: str = "answered"
            for start in range(0, len(accepted.messages), SLICE_MESSAGES):
                outcome = await self._kept(accepted.messages[start : start + SLICE_MESSAGES])
        except RefusedRequest as refusal:
            metrics.PUSH_REFUSED.labels(channel, refusal.reason).inc()
            if refusal.reason in UNHEARD:
                metrics.PUSH_UNHEARD.labels(channel, refusal.reason).inc()
            return "refused", Answer(status=refusal.status)
        except RetriableError as error:
            _log.error("push_not_safe", channel=channel, error=type(error).__name__)
            return "unsafe", Answer(status=503)
        except Exception as error:  # noqa: BLE001 - a fault of ours: nothing is acknowledged, the next request goes on
            _log.error("push_failed", channel=channel, error=type(error).__name__)
            metrics.PUSH_UNHEARD.labels(channel, "failed").inc()
            return "failed", Answer(status=500)
        return outcome, accepted.answer

    async def _kept(self, messages: Sequence[RawMessage]) -> Outcome:
        outcome = await self._durable.publish(messages)
        self._last_success = datetime.now(UTC)
        for message in messages:
            last = metrics.LAST_SUCCESS.labels(message.channel, message.envelope.account)
            last.set(self._last_success.timestamp())
        return outcome

    async def _read(self, request: requests.Request, hosted: _Hosted) -> Request:
        """Return a request; the body of a stranger is not awaited."""
        query = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        head = Request(
            method=request.method,
            path=request.scope["path"],
            query={name: tuple(values) for name, values in query.items()},
            headers=headers_of(request),
            body=b"",
            client=caller_of(request),
        )
        hosted.recognise(head)
        body = await read_body(request, hosted.limit, self._settings.body_timeout_seconds)
        return msgspec.structs.replace(head, body=body)

    async def _alive(self, _: requests.Request) -> Response:
        return PlainTextResponse("ok")

    async def _readiness(self, _: requests.Request) -> Response:
        ready = self._ready and self._durable.ready
        return JSONResponse({"ready": ready, "journal_full": self._durable.full}, 200 if ready else 503)


def _as_anybody(_: Request) -> None:
    """A check for connectors that can verify nothing before the body."""


def headers_of(request: requests.Request) -> dict[str, str]:
    """Return the headers by their names in lower case; of a repeated one the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}


def caller_of(request: requests.Request) -> str:
    """Return the caller's address, "" if unknown."""
    return request.client.host if request.client else ""


# Serves the receiver over HTTP until it stops: one uvicorn, with limits against slow clients.

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
    """Closes a connection without a complete request header in time, even if bytes trickle in.

    One connection too many is answered 503; uvicorn would answer so on all of them, and no metric would count it.
    """

    def __init__(
        self, config: uvicorn.Config, *more: Any, is_trusted: Callable[[str], bool], shares: Shares, **options: Any
    ) -> None:
        super().__init__(config, *more, **options)
        self._is_trusted = is_trusted
        self._shares = shares
        self._address: str | None = None
        """Address whose share counts this connection; None for a trusted proxy."""

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
    """Leaves the process's signals to the main program."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override] # the same, without a generator
        return nullcontext()


async def serve_until(
    app: ASGIApp, settings: ReceiverSettings, stop: asyncio.Event, setting: str = "receiver.port"
) -> None:
    """Serve until `stop` is set; running requests end first.

    Raises MisconfiguredError if the port is taken; `setting` is where it is set.
    """
    server = _Server(_config(app, settings))
    serving = asyncio.create_task(_serve(server, _listen(settings, setting), setting))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving


async def _serve(server: uvicorn.Server, listening: socket.socket, setting: str) -> None:
    with listening:
        try:
            await server.serve([listening])
        except SystemExit as error:  # in a task it would tear down the whole event loop
            raise MisconfiguredError(f"the server of `{setting}` cannot start: see the log above") from error


def _listen(settings: ReceiverSettings, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=settings.connections_max)
    except OSError as error:
        where = join_host_port(settings.host, settings.port)
        raise MisconfiguredError(f"cannot listen on {where} ({error.strerror}): set {setting}") from error


def _config(app: ASGIApp, settings: ReceiverSettings) -> uvicorn.Config:
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
        proxy_headers=False,  # the application trusts the named proxies, and by default none
        server_header=False,
        limit_concurrency=settings.connections_max,
        timeout_keep_alive=settings.idle_timeout_seconds,
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
        h11_max_incomplete_event_size=settings.header_max_bytes,
    )


def _is_trusted(settings: ReceiverSettings, host: str) -> bool:
    """Return whether this is a proxy with requests of many callers, each of whom has its own share."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in settings.trusted_proxies)
