"""CMPP: the session of an SP account; a DELIVER is answered after Kafka holds it, and replies use the same session."""

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
"""Seconds before a message that Kafka did not accept is published again."""

SETTLE_SECONDS = 2.0
"""Seconds to wait for Kafka before the logout: an ISMG sends a message three times in all."""

_OUTCOMES = {codec.OK: "answered", codec.FLOW_CONTROL: "throttled", None: "failed"}


class Cmpp:
    """Logs in at the ISMG of one account, and publishes messages from citizens."""

    channel: ClassVar[str] = "sms"

    def __init__(self, settings: CmppSettings, account_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._now = now
        self._link: Link[CmppCodec] | None = None

    def sender(self) -> CmppSender:
        """Return the sender of replies over the session."""
        return CmppSender(self._settings, self._account, lambda: self._link)

    async def run(self, emit: Emit) -> None:
        """Serve one login until it ends: incoming messages, and the replies of `sender`.

        Raises UnreachableError, or UnauthorizedError if the ISMG refuses the login.
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
            settle_seconds = 0  # the link is broken: no answer can be sent, and the ISMG repeats the messages
            raise window.fault or error from error
        finally:
            self._link = None
            try:
                await window.settle(settle_seconds)
            finally:  # also after the runner's time limit
                await link.close()
        raise UnreachableError("the ISMG ended the session: it stops, or the account has logged in elsewhere")

    def message(self, frame: Frame, major: Major) -> RawMessage:
        """Return the raw message of a DELIVER; an unreadable one becomes a dead letter later."""
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
            time=now,  # the protocol has no other time
            recorded=now,
            sender=named.sender,
        )

    def _named(self, frame: Frame, major: Major, now: datetime) -> "_Named":
        key = self._settings.naming_key
        return faults.or_plainly(
            self.channel, self._account, lambda: _named(frame, major, now, key), lambda: _unread(frame, major, key)
        )


class _Session:
    """Messages of one login; repeats that arrive before the answer share one record."""

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
        """Process messages until the ISMG leaves; raises the fault of the link."""
        async for frame in self._link.requests():
            if frame.command == codec.DELIVER:  # CMPP has no answer to an unknown command
                await self._arrived(frame)

    async def _arrived(self, frame: Frame) -> None:
        message = self._message(frame)
        identifier = message.envelope.id
        if identifier in self._waiting:  # a repeat before the answer: one record is enough
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
        """Return the Result of the answer; None for no answer, because the message is not safe."""
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
    """Return the id of a DELIVER: Msg_Id, sender and content, because some gateways reuse a Msg_Id.

    Without a Msg_Id the day of arrival takes its place, or the same words would be a repeat for ever.
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
