"""Asterisk: one connection to the manager interface; it logs in, asks for a sign of life, and takes events.

The interface knows no acknowledgement, keeps nothing for who is away, and hangs up on who makes it wait: what Kafka
does not take yet goes to a journal (`listening`), and the file of call detail records tells the rest (`call_files`).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, ClassVar

import structlog

from broker.tls import certificate_fault
from connectors import faults, metrics
from connectors.asterisk.clock import Clock
from connectors.asterisk.frames import action, read_frame
from connectors.asterisk.message_id import Calls, identifier, is_kept
from connectors.asterisk.settings import AsteriskSettings
from connectors.base import Emit, city_of, utc_now
from connectors.message_id import digest_of
from connectors.phone.connector import number
from connectors.publish.publisher import ATTEMPTS
from normalizers.phone import AMI, ami, zone_of
from schemas.errors import (
    MisconfiguredError,
    PipelineError,
    RetriableError,
    UnauthorizedError,
    UnreachableError,
)
from schemas.records import RawMessage, raw_message

_log = structlog.get_logger(__name__)

# Gaps: times without a connection to the Asterisk. Its events of a gap cannot be had later, so each gap is reported.

KEEP_SECONDS = 30.0
"""Seconds between two saved times of a live connection; no gap is measured finer."""

_HEARD = "heard"


class Gaps:
    """Of one account: between two connections, and between two processes."""

    def __init__(self, account: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._heard: float | None = None
        self._begun: float | None = None
        metrics.ASTERISK_GAP_SECONDS.labels(account)  # an alarm on its growth has to see it at 0

    def heard(self) -> None:
        """Note that something was just heard."""
        self._heard = self._now().timestamp()

    def logged_in(self) -> None:
        """Count the gap that ends with a login; the one before our first `follow` has to ask for."""
        before = self._heard
        self.heard()
        if before is None:
            self._begun = self._heard
        else:
            self._ended(before, self._heard)

    async def follow(self, emit: Emit) -> None:
        """Count the gap before our first login, and keep for the next process that somebody listens; until cancelled.

        Kafka may be long in answering: nothing that Asterisk says may wait for this.
        """
        while True:
            with suppress(RetriableError):
                if self._begun is not None:
                    self._ended((await emit.recall()).get(_HEARD), self._begun)
                    self._begun = None
                await emit.keep({_HEARD: self._heard})
            await asyncio.sleep(KEEP_SECONDS)

    def _ended(self, before: Any, at: float | None) -> None:
        seconds = (at or 0.0) - before if isinstance(before, int | float) else 0.0  # nothing is kept on a first start
        if seconds > 0:
            metrics.ASTERISK_GAP_SECONDS.labels(self._account).inc(seconds)
            _log.warning("asterisk_not_heard", connector=self._account, seconds=round(seconds))


CHANNEL_KIND = "phone_asterisk"
GREETING = b"Asterisk Call Manager/"

MASK = "call,cdr,user"
"""Classes of events: CEL comes as `call`."""

WINDOW = 500
"""Events on their way to the disk or Kafka; then reading stops, and Asterisk hangs up when the buffers are full."""

RETRY_SECONDS = 1.0
LEAVE_SECONDS = 1.0

SETTLE_SECONDS = 3.5
"""How long events on their way to Kafka are waited for when we stop; with LEAVE_SECONDS less than the runner waits."""


class Asterisk:
    """Follows the calls of one Asterisk."""

    channel: ClassVar[str] = "phone"
    listens: ClassVar[bool] = True

    def __init__(
        self,
        settings: AsteriskSettings,
        account_id: str,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._platform = settings.platform or account_id
        self._zone = zone_of(settings.timezone)
        self._retry = retry_seconds
        self._calls = Calls()
        self._gaps = Gaps(account_id, utc_now)
        self._clock = Clock(account_id, self._zone)
        for outcome in ("too_large", "lost"):  # an alarm on their growth has to see them at 0
            metrics.ASTERISK_EVENTS.labels(account_id, outcome)

    async def run(self, emit: Emit) -> None:
        """Serve one connection until it ends; raises errors of `schemas.errors`."""
        async with self._connected() as (reader, writer):
            await self._log_in(reader, writer)
            emit.alive()
            self._gaps.logged_in()
            await self._serve(reader, writer, emit)

    async def examine(self) -> None:
        """Log in and out; raises errors of `schemas.errors`."""
        async with self._connected() as (reader, writer):
            await self._log_in(reader, writer)
            writer.write(action("Logoff"))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        settings, context = self._settings, self._settings.tls_context()
        try:
            async with asyncio.timeout(settings.connect_timeout_seconds):
                reader, writer = await asyncio.open_connection(
                    settings.host, settings.port, limit=settings.frame_max_bytes, ssl=context
                )
        except ssl.SSLCertVerificationError as error:
            why = certificate_fault(error, "ssl_cafile")
            raise UnreachableError(f"Asterisk {self._account} cannot be trusted, its certificate {why}") from error
        except (OSError, TimeoutError) as error:
            raise self._gone(type(error).__name__) from error
        try:
            yield reader, writer
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise self._gone(type(error).__name__) from error
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await writer.wait_closed()

    def _gone(self, why: str) -> UnreachableError:
        return UnreachableError(
            f"Asterisk {self._account} does not answer ({why}): see that it runs and manager.conf is "
            "on, and host, port and tls here"
        )

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        settings = self._settings
        async with asyncio.timeout(settings.connect_timeout_seconds):
            try:
                greeting = await reader.readuntil(b"\r\n")
            except asyncio.LimitOverrunError:
                greeting = b""
            if not greeting.startswith(GREETING):
                raise UnreachableError(f"Asterisk {self._account}: no manager interface answers there: see port")
            login = {"Username": settings.username, "Secret": settings.secret.get_secret_value(), "Events": MASK}
            writer.write(self._login(login))
            await writer.drain()
            while (answer := ami.parse(await read_frame(reader) or b"")).word("response") == "":
                pass  # an event that overtook the answer
        if answer.word("response") != "Success":
            raise UnauthorizedError(f"Asterisk {self._account} refuses the login: see username and secret")

    def _login(self, fields: dict[str, str]) -> bytes:
        try:
            return action("Login", fields)
        except ValueError as error:
            raise MisconfiguredError(f"Asterisk {self._account}: a line break in username or secret") from error

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, emit: Emit) -> None:
        """Take events; those that Kafka does not hold yet are finished before the connection's end is told.

        Cancelled, it reads no more, and those that are on their way have a few seconds: nobody tells them again.
        """
        leaving = asyncio.Event()
        carrying = asyncio.create_task(self._carry(reader, writer, emit, leaving), name="events")
        try:
            await asyncio.shield(carrying)
        except asyncio.CancelledError:
            leaving.set()
            await asyncio.wait({carrying}, timeout=SETTLE_SECONDS)
            raise
        finally:
            carrying.cancel()
        raise self._gone("the connection ended")

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, emit: Emit, leaving: asyncio.Event
    ) -> None:
        """Return when the connection has ended, or we are leaving, and all that was taken is held."""
        try:
            async with asyncio.TaskGroup() as emitting:
                taking = emitting.create_task(self._take_all(reader, emit, emitting))
                left = emitting.create_task(leaving.wait())
                pinging = emitting.create_task(self._ping(writer))  # behind the first reading: it may meet a closed end
                keeping = emitting.create_task(self._gaps.follow(emit))
                await asyncio.wait({taking, left}, return_when=asyncio.FIRST_COMPLETED)
                for task in (taking, left, pinging, keeping):
                    task.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several

    async def _take_all(self, reader: asyncio.StreamReader, emit: Emit, emitting: asyncio.TaskGroup) -> None:
        window = asyncio.Semaphore(WINDOW)
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):  # what is on its way comes first
            while True:
                # Before an event is taken: one that waited for its place would be lost by a stop.
                await window.acquire()
                async with asyncio.timeout(self._settings.silence_seconds):
                    frame = await read_frame(reader)
                message = self._taken(frame, emit)
                if message is None:
                    window.release()
                else:
                    emitting.create_task(self._kept(message, emit, window))

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                writer.write(action("Ping"))
                await writer.drain()
                await asyncio.sleep(self._settings.ping_seconds)

    async def _kept(self, message: RawMessage, emit: Emit, window: asyncio.Semaphore) -> None:
        """Bring a message to Kafka, however long that takes: nobody could be asked for it again.

        A fault of ours over it ends no other one's way; after a few such faults the publisher puts it aside.
        """
        failures = 0
        try:
            while failures <= ATTEMPTS:
                try:
                    return await emit(message)
                except RetriableError:
                    pass
                except PipelineError:
                    raise
                except Exception as error:  # noqa: BLE001 - a fault of ours over one event ends no other one's way
                    failures += 1
                    faults.told(self.channel, self._account, error)
                await asyncio.sleep(self._retry)
            self._lost()
        except asyncio.CancelledError:
            self._lost()
            raise
        finally:
            window.release()

    def _lost(self) -> None:
        """Count an event, and say so: when we are stopping nobody may ask for our metrics any more."""
        self._count("lost")
        _log.error("asterisk_event_lost", connector=self._account)

    def _taken(self, value: bytes | None, emit: Emit) -> RawMessage | None:
        """Return the message of a frame, None for one that says nothing of a call worth keeping."""
        self._gaps.heard()
        if value is None:
            self._count("too_large")
            return None
        return faults.or_plainly(
            self.channel, self._account, lambda: self._read(value, emit), lambda: self._plain(value)
        )

    def _read(self, value: bytes, emit: Emit) -> RawMessage | None:
        frame = ami.parse(value)
        if frame.word("response"):
            emit.alive()
        self._calls.learn(frame)
        self._clock.look(frame)
        if not is_kept(frame, self._settings):
            self._count("passed_over")
            return None
        message = self._message(frame, value)
        self._count("kept")
        return message

    def _count(self, outcome: str) -> None:
        metrics.ASTERISK_EVENTS.labels(self._account, outcome).inc()

    def _message(self, frame: ami.Frame, value: bytes) -> RawMessage:
        call = self._calls.unsaid(frame)
        caller = frame.word("calleridnum") or frame.word("source")
        return self._record(
            value,
            identifier(frame, value, call, self._settings.naming_key),
            number(caller),
            call,
            call or frame.call_id,
        )

    def _plain(self, value: bytes) -> RawMessage:
        """Return an event that was not read, named by its bytes: nobody could be asked for it again."""
        self._count("kept")
        return self._record(value, digest_of(value, self._settings.naming_key))

    def _record(
        self, value: bytes, name: str, sender: str | None = None, call: str | None = None, thread: str = ""
    ) -> RawMessage:
        now, content_type = utc_now(), f'{AMI}; platform={self._platform}; zone="{self._zone.key}"'
        return raw_message(
            channel=self.channel,
            channel_kind=CHANNEL_KIND,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=name,
            value=value,
            content_type=f"{content_type}; call={call}" if call else content_type,
            time=now,
            recorded=now,
            sender=sender,
            not_before=now,  # it is told as it happens, or never
            conversation=f"{self._platform}\n{thread}",
        )
