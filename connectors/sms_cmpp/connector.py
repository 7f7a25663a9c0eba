"""CMPP: the one session of an SP account; a DELIVER is answered when Kafka holds it, and replies go out beside it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, NamedTuple

from pydantic import SecretStr

from connectors import faults, metrics
from connectors.base import Emit, city_of, utc_now
from connectors.message_id import day_of, digest_of
from connectors.sms_cmpp import codec
from connectors.sms_cmpp.codec import Frame, Major
from connectors.sms_cmpp.link import Link
from connectors.sms_cmpp.sender import CmppSender
from connectors.sms_cmpp.settings import CmppSettings
from normalizers.sms import CMPP
from normalizers.sms.cmpp import LAYOUTS, deliver
from schemas.errors import MalformedError, PipelineError, RetriableError
from schemas.records import RawMessage, raw_message

CHANNEL_KIND = "sms_cmpp"

RETRY_SECONDS = 1.0
"""How long a message waits that Kafka did not take, before it is tried again."""

SETTLE_SECONDS = 2.0
"""How long what is on its way to Kafka is waited for before we log out: an ISMG tries a message three times in all."""

_OUTCOMES = {codec.OK: "answered", codec.FLOW_CONTROL: "throttled", None: "failed"}


class Cmpp:
    """Logs in at the ISMG of one account, and takes what citizens send."""

    channel: ClassVar[str] = "sms"

    def __init__(self, settings: CmppSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now = now
        self._link: Link | None = None

    def sender(self) -> CmppSender:
        """Return what sends replies over the session."""
        return CmppSender(self._settings, self._account, lambda: self._link)

    async def run(self, emit: Emit) -> None:
        """Serve one login until it ends, both what comes and what `sender` sends.

        Raises UnreachableError, or UnauthorizedError when the ISMG says no.
        """
        link = await Link.open(self._settings, now=self._now)
        self._link = link
        session = _Session(link, self._settings, emit, lambda frame: self.message(frame, link.major))
        try:
            await session.serve()
        except asyncio.CancelledError:
            self._link = None
            await session.settle(SETTLE_SECONDS)
            await link.leave()
            raise
        finally:
            self._link = None
            session.drop()
            link.drop()

    def message(self, frame: Frame, major: Major) -> RawMessage:
        """Return the raw message of a DELIVER: also of one that cannot be read, which then becomes a dead letter."""
        now = self._now()
        named = self._named(frame, major, now)
        return raw_message(
            channel=self.channel,
            channel_kind=CHANNEL_KIND,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=named.identifier,
            value=frame.raw,
            content_type=f"{CMPP}; version={named.major}",
            time=now,  # the protocol tells no other
            recorded=now,
            sender=named.sender,
        )

    def _named(self, frame: Frame, major: Major, now: datetime) -> "_Named":
        key = self._settings.naming_key
        return faults.or_plainly(
            self.channel, self._account, lambda: _named(frame, major, now, key), lambda: _unread(frame, major, key)
        )


class _Session:
    """The window of one login: what Kafka does not hold yet."""

    def __init__(self, link: Link, settings: CmppSettings, emit: Emit, message: Callable[[Frame], RawMessage]) -> None:
        self._link = link
        self._busy = settings.busy
        self._emit = emit
        self._message = message
        self._room = asyncio.Semaphore(settings.window)
        self._waiting: dict[str, list[Frame]] = {}
        self._taking: set[asyncio.Task[None]] = set()
        self._fault: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def settle(self, seconds: float) -> None:
        """Let those on their way arrive and be answered; what is left after `seconds` comes again."""
        if self._taking:
            await asyncio.wait(self._taking, timeout=seconds)

    def drop(self) -> None:
        """Give up what is on its way. Safe twice."""
        for task in self._taking:
            task.cancel()
        self._fault.cancel()

    async def serve(self) -> None:
        """Take frames until the link breaks; raises what broke it."""
        self._emit.alive()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.keep_alive())
                tasks.create_task(self._read())
                tasks.create_task(self._failed())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _failed(self) -> None:
        """Raise what makes it impossible to take a message."""
        await self._fault

    async def _read(self) -> None:
        while True:
            frame = await self._link.read()
            if frame.command == codec.DELIVER:
                await self._arrived(frame)
                continue
            if frame.command & ~codec.ANSWER == codec.ACTIVE_TEST:
                self._emit.alive()
            self._link.answered(frame)  # CMPP has no answer to an unknown command

    async def _arrived(self, frame: Frame) -> None:
        """Take a message in; with a full window, nothing more is read until the first is safe."""
        message = self._message(frame)
        identifier = message.envelope.id
        if identifier in self._waiting:  # sent again before we could answer: one record will do
            self._waiting[identifier].append(frame)
            return
        self._waiting[identifier] = [frame]
        if self._room.locked():
            with self._link.paused():
                await self._room.acquire()
        else:
            await self._room.acquire()
        task = asyncio.create_task(self._take(message))
        self._taking.add(task)
        task.add_done_callback(self._taken)

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._taking.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._fault.done():
            self._fault.set_exception(error)
            self._fault.exception()  # the session may have ended meanwhile

    async def _take(self, message: RawMessage) -> None:
        result = await self._kept(message)
        frames = self._waiting.pop(message.envelope.id)
        metrics.CMPP_MESSAGES.labels(message.envelope.account, _OUTCOMES[result]).inc()
        metrics.CMPP_MESSAGES.labels(message.envelope.account, "repeated").inc(len(frames) - 1)
        if result is not None:
            for frame in frames:
                self._link.answer(frame, codec.deliver_answer(frame.body[:8], result, self._link.major))
        self._room.release()

    async def _kept(self, message: RawMessage) -> int | None:
        """Return the Result to answer with; None for no answer, as the message is not safe."""
        while True:
            try:
                await self._emit(message)
            except RetriableError:
                if self._busy == "throttle":
                    return codec.FLOW_CONTROL
                await asyncio.sleep(RETRY_SECONDS)
            except PipelineError:
                raise
            except Exception as error:  # noqa: BLE001 - a fault of ours with this one: the session goes on, it comes again
                faults.told(message.channel, message.envelope.account or "", error)
                return None
            else:
                return codec.OK


class _Named(NamedTuple):
    identifier: str
    sender: str | None
    major: Major


def _named(frame: Frame, major: Major, now: datetime, key: SecretStr | None) -> _Named:
    """Return what names a DELIVER: Msg_Id, sender and content, as some gateways give two messages one Msg_Id.

    One without a Msg_Id has the day it came on in its place, or the same words would be a repeat for ever.
    """
    for version in (major, *(other for other in LAYOUTS if other != major)):
        try:
            fields = deliver(frame.raw, version)
        except MalformedError:
            continue
        name = fields.msg_id if any(fields.msg_id) else day_of(now).encode()
        named = name + fields.sender.encode() + b"\n" + fields.content
        return _Named(digest_of(named, key), fields.sender or None, 2 if version == 2 else 3)
    return _unread(frame, major, key)


def _unread(frame: Frame, major: Major, key: SecretStr | None) -> _Named:
    return _Named(digest_of(frame.body, key), None, major)
