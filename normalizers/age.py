"""How old a message was when it came: no single clock that is wrong makes an emergency old news."""

from datetime import datetime

from schemas import ids, topics
from schemas.records import Message, RawMessage

_PUSHED = {
    ids.source_of("sms", ""): frozenset({"sms_http", "sms_smpp", "sms_cmpp"}),
    ids.source_of("wechat", ""): frozenset({"wechat_mp", "wecom"}),
}
"""By the beginning of a source: kinds of message that are brought to us as soon as they are written, and not asked for
later. So they were written when they came, whatever the gateway's or the platform's clock says; if they were kept for
us over an outage of ours, nobody has heard them yet."""


def seconds_of(raw: RawMessage, received_at: datetime, newest_at: datetime | None) -> float:
    """Return the seconds between the newest time that a clock on its way tells, ours included, and when we took it."""
    envelope = raw.envelope
    if _is_pushed(envelope.source, envelope.channelkind, is_old=raw.backfill):
        return 0.0
    known = (at for at in (received_at, newest_at, envelope.notbefore) if at is not None)
    return (envelope.recordedtime - max(known)).total_seconds()


def seconds(message: Message) -> float:
    """Return the same of a message whose text was made out later."""
    if _is_pushed(message.source, message.channel_kind, is_old=message.raw.topic == topics.BACKFILL):
        return 0.0
    return (message.ingested_at - message.received_at).total_seconds()


def _is_pushed(source: str, kind: str | None, *, is_old: bool) -> bool:
    return not is_old and any(source.startswith(door) and kind in kinds for door, kinds in _PUSHED.items())
