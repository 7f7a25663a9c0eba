"""Commands over HTTP: a signed request is answered after it is in `hotline.command.v1`; its outcome can be requested.

POST /commands takes one command and answers 202; GET /commands/ID?jurisdiction=&since= returns its outcome.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors import faults, metrics
from connectors.backoffice import command_status
from connectors.backoffice.settings import PATH, BackOfficeSettings
from connectors.base import utc_now
from connectors.http.request_body import read_body
from connectors.http.server import headers_of
from connectors.http.signature import check_signature
from connectors.runtime.clock import Moments
from normalizers.parse import json
from normalizers.parse.codes import is_code
from schemas import ids
from schemas.codec import NO_TIME, UNREADABLE, Outbound
from schemas.command_signature import Signer
from schemas.errors import PipelineError, RefusedRequest
from schemas.records import Command, Event
from schemas.records.common import Time
from tickets.admission import PERSONAL
from tickets.commands import check
from tickets.commands.order import presumed
from tickets.commands.refusal import RefusalError

CHANNEL, COMPONENT = "command", "backoffice"
BODY_MAX_BYTES = 64 * 1024
BODY_SECONDS = 3.0

AHEAD = timedelta(minutes=5)
"""Limit by which a command's time may be ahead of this clock."""

SLACK = timedelta(minutes=1)
"""Limit of the difference between the clocks of the event log's writer and of this process."""

LOOK_BACK = timedelta(hours=1)
"""A repeated command may have been decided at its first arrival: from its `at` on, but not longer ago than this."""

LOOKS_AT_ONCE = 4

KEY_HEADER = "hotline-key"

_NOBODY = b"no such key: compared with all the same, so that an answer's time tells nothing"

_NAMED = re.compile(r"`(?:\$\.)?(\w+)")
"""Field name in an error of msgspec."""

A_CODE = "a code: A-Z a-z 0-9 _ . : / + -, 40 of them at most, without a number that a citizen could have"

_log = structlog.get_logger(__name__)


class Producer(Protocol):
    """Publishes records to Kafka."""

    def deliver(self, records: Sequence[Outbound]) -> "Future[None]":
        """Queue records; the future is done when the broker holds all of them."""
        ...


Find = Callable[[str, str, datetime, float], Event | None]
"""`command_status.find` without its connection: command_id, jurisdiction, since, seconds."""


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request: a Command with the client system's `command_id` and `author`; `at` is now by default.

    Without `at`, `seen_at` and a version, the author may have read the ticket some time ago.
    """

    command_id: str
    jurisdiction: str
    kind: str
    author: str
    ticket_id: str | None = None
    handover_id: str | None = None
    at: Time | None = None
    seen_at: Time | None = None
    reason: str | None = None
    args: dict[str, Any] = msgspec.field(default_factory=dict)


class BackOffice:
    """Verifies signed requests; the receiver hosts `routes`."""

    def __init__(
        self,
        keys: Mapping[str, BackOfficeSettings],
        producer: Producer,
        find: Find,
        publish_timeout_seconds: float = 2.0,
        now: Callable[[], datetime] = utc_now,
        signer: Signer | None = None,
        *,
        is_closed: bool = False,
    ) -> None:
        self._keys = keys
        self._producer = producer
        self._find = find
        self._timeout = publish_timeout_seconds
        self._signer, self._is_closed = signer, is_closed
        self._now, self._moments = now, Moments(now)
        self._looking = asyncio.Semaphore(LOOKS_AT_ONCE)
        metrics.FAULTS_OF_OURS.labels(CHANNEL, COMPONENT)  # an alarm on the growth of this metric needs the initial 0
        metrics.PUSH_REQUESTS.labels(CHANNEL, "unsafe")

    def routes(self) -> list[Route]:
        """Return the routes for the receiver."""
        return [
            Route(PATH, self._answering(self._take), methods=["POST"]),
            Route(PATH + "/{command_id:path}", self._answering(self._tell), methods=["GET"]),
        ]

    def _answering(self, work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                response = await work(request)
                metrics.PUSH_REQUESTS.labels(CHANNEL, "answered").inc()
            except RefusedRequest as refused:
                metrics.PUSH_REFUSED.labels(CHANNEL, refused.reason).inc()
                metrics.PUSH_REQUESTS.labels(CHANNEL, "refused").inc()
                response = _json(refused.status, error=refused.reason, reason=str(refused))
            except (PipelineError, TimeoutError) as error:
                _log.error("command_not_safe", error=type(error).__name__)
                metrics.PUSH_REQUESTS.labels(CHANNEL, "unanswered" if request.method == "GET" else "unsafe").inc()
                response = _json(503, error="unreachable", reason="Kafka does not answer: send the same again later")
            except Exception as error:  # noqa: BLE001 - an internal error: no acknowledgement, no details
                faults.told(CHANNEL, COMPONENT, error)
                metrics.PUSH_REQUESTS.labels(CHANNEL, "failed").inc()
                response = _json(500, error="internal", reason="a fault of ours: nothing is known of the command")
            return response

        return endpoint

    async def _take(self, request: Request) -> Response:
        key, body = await self._verified(request)
        command = _command(body, key, self._now())
        _check_allowed(command, key)
        if self._is_closed:
            raise RefusedRequest(
                "no key can sign commands here: run `hotline doctor receiver`", status=503, reason="key"
            )
        async with asyncio.timeout(self._timeout):
            await self._published(command.outbound(self._now(), self._signer))
        since = int((self._first_sent(command) - SLACK).timestamp())
        where = f"{PATH}/{command.command_id}?jurisdiction={command.jurisdiction}&since={since}"
        return _json(202, {"location": where}, command_id=command.command_id, outcome=where)

    def _first_sent(self, command: Command) -> datetime:
        """Return the earliest time at which a repeated command may have been decided."""
        now = self._now()
        return max(min(command.at, now), now - LOOK_BACK)

    async def _tell(self, request: Request) -> Response:
        key, _ = await self._verified(request)
        command_id = request.path_params["command_id"]
        city, since = request.query_params.get("jurisdiction", ""), request.query_params.get("since", "")
        if city not in key.jurisdictions or not command_id.startswith(f"{key.system}:"):
            raise RefusedRequest("this key may not read that command", status=403, reason="permission")
        if not (since.isascii() and since.isdigit() and len(since) <= 11):
            raise RefusedRequest("since must be seconds since 1970", status=400, reason="parameters")
        async with self._looking:
            decision = await asyncio.to_thread(
                self._find, command_id, city, datetime.fromtimestamp(int(since), UTC), self._timeout
            )
        if decision is None:
            return _json(200, command_id=command_id, state="pending")
        return _told(command_id, decision)

    async def _published(self, record: Outbound) -> None:
        """Return when the brokers hold the record; a cancelled caller does not cancel the delivery."""
        delivery = await asyncio.to_thread(self._producer.deliver, [record])  # blocks until the topic is known
        waiter = asyncio.wrap_future(delivery)
        waiter.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(waiter)

    async def _verified(self, request: Request) -> tuple[BackOfficeSettings, bytes]:
        body = await read_body(request, BODY_MAX_BYTES, BODY_SECONDS)
        query = request.scope["query_string"].decode("latin-1")
        target = request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        headers = headers_of(request)
        key = self._keys.get(headers.get(KEY_HEADER, ""))
        secret = key.secret.get_secret_value().encode() if key else _NOBODY
        window = key.timestamp_window_seconds if key else 0
        check_signature([secret], headers, body, self._moments, window, request.method, target)
        if key is None:
            raise RefusedRequest("the request is not signed with a known key", status=401, reason="signature")
        return key, body


def _command(body: bytes, key: BackOfficeSettings, now: datetime) -> Command:
    """Return the command with its system's prefix. Raises RefusedRequest (400)."""
    try:
        order, _ = json.read(body, Order)
    except UNREADABLE as error:
        raise RefusedRequest(_misread(error), status=400, reason="body") from error
    if order.ticket_id is not None and ids.valid_ticket_no(order.ticket_id):
        meant = "ticket_id is the ticket's id, such as 210100-zakvpalbglvqczpx52u2, and not its number (工单编号)"
        raise RefusedRequest(meant, status=400, reason="body")
    command = Command(
        command_id=f"{key.system}:{order.command_id}",
        jurisdiction=order.jurisdiction,
        ticket_id=order.ticket_id,
        handover_id=order.handover_id,
        kind=order.kind,
        author=f"{key.system}/{order.author}",
        at=order.at or now,
        seen_at=order.seen_at or (presumed(now, order.args) if order.at is None else None),
        reason=order.reason,
        args=order.args,
    )
    for name in ("command_id", "author"):
        if not is_code(getattr(command, name)):
            raise RefusedRequest(f"{name} must be {A_CODE}", status=400, reason="body")
    for name in ("at", "seen_at"):  # a time in the future cannot have been read
        if (getattr(command, name) or now) > now + AHEAD:
            raise RefusedRequest(f"{name} lies in the future: check NTP", status=400, reason="body")
    if command.at < NO_TIME:
        raise RefusedRequest("at is before the year 2000: leave it out", status=400, reason="body")
    return command


def _misread(error: Exception) -> str:
    """Return which field of a body is invalid; the library's error text is not used, because it can quote a value."""
    fields, named = ", ".join(Order.__struct_fields__), set(_NAMED.findall(str(error)))
    faulty = [name for name in Order.__struct_fields__ if name in named]
    why = f"{faulty[0]} is missing, or is not what it must be" if faulty else f"a JSON object of {fields}"
    offset = ", a time with its offset" if faulty and faulty[0] in ("at", "seen_at") else ""
    return f"the body is no command: {why}{offset}"


def _check_allowed(command: Command, key: BackOfficeSettings) -> None:
    if command.kind in PERSONAL:
        two = f"{command.kind} takes two persons: `hotline command`, then `hotline approve`"
        raise RefusedRequest(two, status=403, reason="permission")
    if command.kind not in key.kinds or command.jurisdiction not in key.jurisdictions:
        raise RefusedRequest("this key may not give that command in that city", status=403, reason="permission")
    try:
        check(command)
    except RefusalError as refused:
        raise RefusedRequest(refused.reason, status=400, reason="arguments") from refused


def _told(command_id: str, decision: Event) -> Response:
    refused = command_status.refusal(decision)
    if refused is not None:
        return _json(200, command_id=command_id, state="refused", code=refused.code, reason=refused.reason)
    tickets = [{"ticket_id": one.ticket_id, "version": one.version} for one in decision.tickets]
    return _json(200, command_id=command_id, state="done", tickets=tickets)


def _json(status: int, headers: Mapping[str, str] | None = None, /, **content: Any) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")
