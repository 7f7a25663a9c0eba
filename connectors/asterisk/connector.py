"""Asterisk: one connection to the manager interface; it logs in, sends pings, and publishes events.

AMI has no acknowledgement, stores nothing for an absent client, and disconnects a client that does not read: events
that Kafka does not accept yet go to a journal (`listens`), and the file of call detail records has the rest.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import ClassVar

import structlog
from pydantic import SecretStr

from connectors import faults, metrics
from connectors.asterisk.settings import AsteriskSettings
from connectors.base import Emit, city_of, utc_now
from connectors.message_id import digest_of
from connectors.phone.message_id import number
from connectors.phone.zone_check import ZoneCheck
from connectors.publish.publisher import ATTEMPTS
from connectors.runtime.connection import connect, frames
from connectors.runtime.gaps import Gaps
from connectors.runtime.window import Window, until_held
from normalizers.phone import AMI, ami, cdr, values, zone_of
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError
from schemas.records import RawMessage, raw_message

WINDOW = 500
"""Limit of events that are being stored; then reading stops, and Asterisk disconnects when the buffers are full."""

RETRY_SECONDS = LEAVE_SECONDS = 1.0

SETTLE_SECONDS = 3.5
"""Seconds to wait for events at shutdown; with LEAVE_SECONDS less than the runner's limit."""

LEGS_MOST = 20_000

_END = b"\r\n\r\n"
_SEE = "see that it runs and manager.conf is on, and host, port and tls here"

_MARKS = frozenset({"CHAN_START", "ANSWER", "LINKEDID_END"})
"""The channel events (CEL) of a call that are published, out of many: start, answer and end."""

_PLAIN = re.compile(r"[\w.:-]{1,100}", re.ASCII)

_log = structlog.get_logger(__name__)


class Asterisk:
    """Follows the calls of one Asterisk."""

    channel: ClassVar[str] = "phone"
    listens: ClassVar[bool] = True

    def __init__(self, settings: AsteriskSettings, account_id: str, retry_seconds: float = RETRY_SECONDS) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._platform = settings.platform or account_id
        self._zone = zone_of(settings.timezone)
        self._content_type = f'{AMI}; platform={self._platform}; zone="{self._zone.key}"'
        self._retry = retry_seconds
        self._call_of_leg: dict[str, str] = {}
        self._gaps = Gaps("asterisk_not_heard", account_id, metrics.ASTERISK_GAP_SECONDS, utc_now)
        self._zone_check = ZoneCheck("asterisk", account_id, self._zone)
        self._events = partial(metrics.ASTERISK_EVENTS.labels, account_id)
        for outcome in ("too_large", "lost"):  # an alarm on the growth of this metric needs the initial 0
            self._events(outcome)

    async def run(self, emit: Emit) -> None:
        """Serve one connection until it ends; raises errors of `schemas.errors`."""
        async with self._logged_in() as (events, writer):
            emit.alive()
            self._gaps.logged_in()
            window = Window(WINDOW, writer.transport.abort)
            beside = [asyncio.create_task(one) for one in (self._ping(writer), self._gaps.follow(emit))]
            try:
                with suppress(OSError, TimeoutError):
                    async for value in events:
                        if (message := self._taken(value, emit)) is not None:
                            await window.take(partial(self._hold, message, emit))
                await window.settle(None)  # before the end is raised: these events are never sent again
            except asyncio.CancelledError:
                await window.settle(SETTLE_SECONDS)
                raise
            finally:
                for one in beside:
                    one.cancel()
        raise window.fault or self._gone("the connection ended")

    async def examine(self) -> None:
        """Log in and out; raises errors of `schemas.errors`."""
        async with self._logged_in() as (_, writer):
            writer.write(_action("Logoff"))

    @asynccontextmanager
    async def _logged_in(self) -> AsyncIterator[tuple[AsyncIterator[bytes | None], asyncio.StreamWriter]]:
        chosen, peer, patience = self._settings, f"Asterisk {self._account}", self._settings.connect_timeout_seconds
        most, tls = chosen.frame_max_bytes, chosen.tls_context()
        reader, writer = await connect(peer, chosen.host, chosen.port, patience, _SEE, tls, most)
        events = frames(reader, _END, most, chosen.silence_seconds)
        try:
            async with asyncio.timeout(patience):
                if not (await reader.readuntil(b"\r\n")).startswith(b"Asterisk Call Manager/"):
                    raise UnreachableError(f"{peer}: no manager interface answers there: check port")
                secret = chosen.secret.get_secret_value()
                writer.write(_action("Login", Username=chosen.username, Secret=secret, Events="call,cdr,user"))
                await writer.drain()
                answer = ""
                async for value in events:  # an event may come before the answer
                    if answer := ami.parse(value or b"").word("response"):
                        break
            if answer != "Success":
                raise UnauthorizedError(f"{peer} refuses the login: check username and secret")
            yield events, writer
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError) as error:
            raise self._gone(type(error).__name__) from error
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await writer.wait_closed()

    def _gone(self, why: str) -> UnreachableError:
        return UnreachableError(f"Asterisk {self._account} does not answer ({why}): {_SEE}")

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                writer.write(_action("Ping"))
                await writer.drain()
                await asyncio.sleep(self._settings.ping_seconds)

    async def _hold(self, message: RawMessage, emit: Emit) -> None:
        is_held = False
        try:
            is_held = await until_held(message, emit, self._retry, ATTEMPTS)  # then the publisher sets it aside
        finally:
            if not is_held:  # logged, too, because the metrics of a stopping process may not be read
                self._events("lost").inc()
                _log.error("asterisk_event_lost", connector=self._account)

    def _taken(self, value: bytes | None, emit: Emit) -> RawMessage | None:
        """Return the message of a frame, or None for a frame that is not published."""
        self._gaps.heard()
        if value is None:
            self._events("too_large").inc()
            return None
        digest = partial(digest_of, value, self._settings.naming_key)
        read = partial(self._read, value, emit)
        return faults.or_plainly(self.channel, self._account, read, lambda: self._record(value, digest()))

    def _read(self, value: bytes, emit: Emit) -> RawMessage | None:
        frame = ami.parse(value)
        if frame.word("response"):
            emit.alive()
        call = self._call_of(frame)
        self._zone_check.look(values.time_of(frame.word("starttime"), self._zone), frame.word("uniqueid"))
        if not is_kept(frame, self._settings):
            self._events("passed_over").inc()
            return None
        name = identifier(frame, value, call, self._settings.naming_key)
        caller = number(frame.word("calleridnum") or frame.word("source"))
        return self._record(value, name, caller, call, call or frame.call_id)

    def _call_of(self, frame: ami.Frame) -> str | None:
        """Record the call of an event's leg; return the recorded call if the event has none, as most Cdr events."""
        leg, call = frame.word("uniqueid"), frame.word("linkedid")
        if leg and call:
            self._call_of_leg.pop(leg, None)  # in the order of the legs' last events
            self._call_of_leg[leg] = call
            if len(self._call_of_leg) > LEGS_MOST:
                del self._call_of_leg[next(iter(self._call_of_leg))]
        known = "" if call else self._call_of_leg.get(leg, "")
        return known if _PLAIN.fullmatch(known) else None

    def _record(
        self, value: bytes, name: str, sender: str | None = None, call: str | None = None, thread: str = ""
    ) -> RawMessage:
        self._events("kept").inc()
        now = utc_now()
        return raw_message(
            channel=self.channel,
            channel_kind="phone_asterisk",
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=name,
            value=value,
            content_type=f"{self._content_type}; call={call}" if call else self._content_type,
            time=now,
            recorded=now,
            sender=sender,
            not_before=now,  # events are live or never sent
            conversation=f"{self._platform}\n{thread}",
        )


def is_kept(frame: ami.Frame, settings: AsteriskSettings) -> bool:
    """Return True if an event is published: of legs mostly the first, and of CEL events only `_MARKS`."""
    if frame.event not in settings.events or not frame.call_id:
        return False
    is_first_leg, name = frame.word("uniqueid") == frame.call_id, frame.word("eventname")
    if frame.event == "CEL":
        return name in _MARKS and (is_first_leg or name == "LINKEDID_END")
    if frame.event == "UserEvent":
        return not settings.user_events or frame.word("userevent") in settings.user_events
    return is_first_leg or frame.event == "Cdr"


def identifier(frame: ami.Frame, value: bytes, call: str | None, key: SecretStr | None) -> str:
    """Return the event's id, equal for all listeners: the call, and a part that is unique within the call."""
    named, leg = call or frame.call_id, frame.word("uniqueid")
    if frame.event == "Cdr":
        return f"{named}:cdr:{cdr.key(ami.as_row(frame))}"
    if frame.event == "CEL":
        return f"{named}:cel:{frame.word('eventname')}:{leg}"
    return f"{named}:hangup:{leg}" if frame.event == "Hangup" else f"{named}:user:{digest_of(value, key)[:16]}"


def _action(name: str, **fields: str) -> bytes:
    """Return an action's bytes; raises MisconfiguredError for a line break in a value, which would inject a header."""
    if any("\r" in value or "\n" in value for value in fields.values()):
        raise MisconfiguredError(f"{' or '.join(fields).lower()} of an Asterisk contains a line break")
    return "".join(f"{key}: {value}\r\n" for key, value in {"Action": name, **fields}.items()).encode() + b"\r\n"
