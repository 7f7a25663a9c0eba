"""CMPP: the one session of an SP account; a DELIVER is answered when Kafka holds it, and replies go out beside it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ClassVar, NamedTuple

from pydantic import SecretStr

from connectors import faults, metrics
from connectors.base import Emit, city_of, utc_now
from connectors.message_id import day_of, digest_of
from connectors.runtime.window import Window, until_held
from connectors.sms_cmpp import codec
from connectors.sms_cmpp.codec import CmppCodec
from connectors.sms_cmpp.sender import CmppSender
from connectors.sms_cmpp.settings import CmppSettings, Major
from connectors.sms_common.frames import Frame
from connectors.sms_common.link import Link, opened
from normalizers.sms import CMPP
from normalizers.sms.cmpp import LAYOUTS, deliver
from schemas.errors import MalformedError, RetriableError, UnreachableError
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
        self._link: Link[CmppCodec] | None = None

    def sender(self) -> CmppSender:
        """Return what sends replies over the session."""
        return CmppSender(self._settings, self._account, lambda: self._link)

    async def run(self, emit: Emit) -> None:
        """Serve one login until it ends, both what comes and what `sender` sends.

        Raises UnreachableError, or UnauthorizedError when the ISMG says no.
        """
        chosen = self._settings
        link = await opened(CmppCodec(chosen, self._now), chosen.host, chosen.port, chosen.patience, emit.alive)
        self._link = link
        window = Window(chosen.window, link.give_up)
        session = _Session(link, window, chosen, emit, lambda frame: self.message(frame, link.codec.major))
        settle_seconds = SETTLE_SECONDS
        try:
            await session.read()
        except RetriableError as error:
            settle_seconds = 0  # the link is broken: nothing can be answered any more, and it comes again
            raise window.fault or error from error
        finally:
            self._link = None
            try:
                await window.settle(settle_seconds)
            finally:  # also if the runner's patience is over
                await link.close()
        raise UnreachableError("the ISMG ended the session: it stops, or the account has logged in elsewhere")

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
    """The messages of one login; those that came again before they were answered share one record."""

    def __init__(
        self,
        link: Link[CmppCodec],
        window: Window,
        settings: CmppSettings,
        emit: Emit,
        message: Callable[[Frame], RawMessage],
    ) -> None:
        self._link = link
        self._window = window
        self._busy = settings.busy
        self._emit = emit
        self._message = message
        self._waiting: dict[str, list[Frame]] = {}

    async def read(self) -> None:
        """Take messages until the ISMG leaves; raises what broke the link."""
        async for frame in self._link.requests():
            if frame.command == codec.DELIVER:  # CMPP has no answer to an unknown command
                await self._arrived(frame)

    async def _arrived(self, frame: Frame) -> None:
        message = self._message(frame)
        identifier = message.envelope.id
        if identifier in self._waiting:  # sent again before we could answer: one record will do
            self._waiting[identifier].append(frame)
            return
        self._waiting[identifier] = [frame]
        await self._window.take(partial(self._take, message))

    async def _take(self, message: RawMessage) -> None:
        result = await self._kept(message)
        frames = self._waiting.pop(message.envelope.id)
        metrics.CMPP_MESSAGES.labels(message.envelope.account, _OUTCOMES[result]).inc()
        metrics.CMPP_MESSAGES.labels(message.envelope.account, "repeated").inc(len(frames) - 1)
        if result is not None:
            for frame in frames:
                body = codec.deliver_answer(frame.body[:8], result, self._link.codec.major)
                await self._link.write(codec.frame(codec.DELIVER | codec.ANSWER, frame.sequence, body))

    async def _kept(self, message: RawMessage) -> int | None:
        """Return the Result to answer with; None for no answer, as the message is not safe."""
        pause = None if self._busy == "throttle" else RETRY_SECONDS
        try:
            return codec.OK if await until_held(message, self._emit, pause) else None
        except RetriableError:
            return codec.FLOW_CONTROL


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
