"""Raw records as the connectors make them, from bytes that lie in a file; no clock, so a repeat gives the same."""

import re
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from connectors.http import callback
from connectors.phone.message_id import identifier
from connectors.wechat.settings import CHANNEL_KIND, CONTENT_TYPE
from connectors.weibo import message_id
from hotline.importer.attachments import with_files
from hotline.trial.inputs import Input
from normalizers import record
from normalizers.mapped_webhook import CHANNEL_KINDS
from normalizers.parse.codes import is_code, is_kind
from normalizers.phone import AMI, JSON, KINDS, READERS
from schemas.errors import RecordError
from schemas.ids import SHANGHAI, is_adcode
from schemas.records import RawMessage, raw_message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the time of an input that names none: `evaluate` takes it as it is, `try` takes the present."""

END = datetime(2999, 1, 1, tzinfo=UTC)
"""No clock: every time that a message claims before this is taken for true."""

ACCOUNT = "try"

_HEADER_BYTES = 64 * 1024


class _Transport(NamedTuple):
    """The transport facts that a connector would add to an input."""

    kind: str
    content_type: str
    identifier: str
    time: datetime = EPOCH
    account: str = ACCOUNT
    jurisdiction: str | None = None
    sender: str | None = None


def raw_of(one: Input, jurisdiction: str, now: datetime = EPOCH) -> RawMessage:
    """Return the raw record of an input. Its own claims stand for the transport's facts, `now` for no time."""
    facts = _mapped(one) if one.content_type else _TRANSPORTS.get(one.channel, _plain)(one)
    time = now if facts.time == EPOCH else facts.time
    return raw_message(
        channel=one.channel,
        channel_kind=facts.kind,
        account=facts.account,
        jurisdiction=facts.jurisdiction or jurisdiction,
        identifier=facts.identifier,
        value=with_files(one.data, one.folder) if one.channel == "record" else one.data,
        content_type=facts.content_type,
        time=time,
        recorded=time,
        sender=facts.sender,
    )


def _mapped(one: Input) -> _Transport:
    return _Transport(CHANNEL_KINDS[one.channel], one.content_type, one.sha256)


def _plain(one: Input) -> _Transport:
    return _Transport(one.channel, "application/octet-stream", one.sha256)


def _mail(one: Input) -> _Transport:
    head = re.split(rb"\r?\n\r?\n", one.data[:_HEADER_BYTES], maxsplit=1)[0]
    date = BytesHeaderParser().parsebytes(head).get("Date")
    return _Transport("mailbox", "message/rfc822", one.sha256, _mail_time(date))


def _mail_time(date: Any) -> datetime:
    try:
        time = parsedate_to_datetime(str(date))
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return EPOCH


def _wechat(one: Input) -> _Transport:
    named = callback.read(one.data, END)
    return _Transport(CHANNEL_KIND, CONTENT_TYPE, named.identifier, named.time or EPOCH, sender=named.sender)


def _weibo(one: Input) -> _Transport:
    named = message_id.named(one.data, END)
    return _Transport(named.kind, "application/json", named.identifier, named.time or EPOCH, sender=named.sender)


def _record(one: Input) -> _Transport:
    fields = _fields(one.data)
    texts = {key: str(value) for key, value in fields.items() if type(value) in (str, int, float)}
    city, kind, account = (texts.get(name, "") for name in ("jurisdiction", "channel_kind", "account"))
    return _Transport(
        kind if is_kind(kind) else "record",
        "application/json",
        texts.get("id") or one.sha256,
        _record_time(fields),
        account if is_code(account) else ACCOUNT,
        city if is_adcode(city) else None,
    )


def _fields(line: bytes) -> dict[str, Any]:
    """Return the fields of a record; empty for an unreadable line, whose reason the normalizer reports."""
    try:
        return record.parse(line)
    except RecordError:
        return {}


def _record_time(fields: dict[str, Any]) -> datetime:
    try:
        return record.time_of(fields) or EPOCH
    except RecordError:
        return EPOCH


def _phone(one: Input) -> _Transport:
    """Take a record of our JSON shape, or an event of Asterisk's manager interface."""
    which = (AMI, "event") if one.data.lstrip()[:6].lower() == b"event:" else (JSON, "call")
    try:
        told = READERS[which](one.data, SHANGHAI)
    except RecordError:
        return _Transport(KINDS[which], which[0], one.sha256)
    return _Transport(KINDS[which], which[0], identifier(told, one.sha256), told.started_at or EPOCH)


_TRANSPORTS = {"mailbox": _mail, "phone": _phone, "wechat": _wechat, "weibo": _weibo, "record": _record}
