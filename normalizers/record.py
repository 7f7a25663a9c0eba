"""Neutral records: imports, letters, visits and transfers, one JSON object each (records.md)."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from normalizers.draft import Draft, File
from normalizers.identity import phone_number
from normalizers.policy import Policy
from schemas import ids, topics
from schemas.errors import MalformedError
from schemas.records import Finding, Party, RawMessage, Thread

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "咨询": "consultation",
        "求助": "help_request",
        "求决": "help_request",
        "投诉": "complaint",
        "举报": "report",
        "建议": "suggestion",
        "意见": "suggestion",
        "表扬": "praise",
        "感谢": "praise",
        "其他": "other",
    }
)
"""诉求类型 (domain.md B2): the words of other systems, and our codes."""

_CODES = frozenset(KINDS.values())
_PARTY_KINDS = frozenset({"phone", "email", "openid", "uid", "name"})
_FINDINGS = ("category", "place", "external_ticket_no", "hotline_code")
_SAID = frozenset({"kind", *_FINDINGS})
_KNOWN = frozenset(
    {"id", "text", "title", "channel", "channel_kind", "account", "jurisdiction", "sender", "received_at", "thread_id"}
    | {"attachments", *_SAID}
)

_decode = msgspec.json.Decoder().decode


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a neutral record; raises MalformedError naming the field that cannot be read."""
    record = parse(raw.value)
    _scalar(record, "id")  # its value is in the envelope, where the digest of the line stands for a missing one
    thread = _scalar(record, "thread_id")
    return Draft(
        channel=_channel(record),
        channel_kind=_scalar(record, "channel_kind"),
        account=_scalar(record, "account"),
        sender=_sender(record),
        thread=Thread(message_id_header=thread, references=(thread,)) if thread else _NO_THREAD,
        title=_scalar(record, "title"),
        text=_text(record),
        files=_files(record),
        findings=_findings(record),
        received_at=_received_at(record),
        extra=_extra(record, raw.jurisdiction),
    )


def parse(value: bytes) -> dict[str, Any]:
    """Return the JSON object in `value`: UTF-8 with or without a byte order mark, else GB18030."""
    try:
        record = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        record = _parse_leniently(value)
    if not isinstance(record, dict):
        raise MalformedError("a neutral record must be one JSON object a line")
    return record


def _parse_leniently(value: bytes) -> Any:
    """Read what msgspec refuses and other systems write: byte order marks, GBK, lone surrogates, NaN, raw tabs."""
    for encoding in ("utf-8-sig", "utf-16" if value[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            return json.loads(value.decode(encoding), strict=False)
        except UnicodeDecodeError:
            continue
        except (ValueError, RecursionError) as error:
            raise MalformedError("not JSON: a neutral record must be one JSON object a line") from error
    raise MalformedError("not text: a neutral record must be UTF-8")


def _text(record: dict[str, Any]) -> str:
    text = _scalar(record, "text")
    if text is None:
        raise MalformedError("the field text of the neutral record is missing: every record needs it")
    return text


def _scalar(record: dict[str, Any], name: str) -> str | None:
    """Return a string field; numbers are taken as written, anything else is refused."""
    value = record.get(name)
    if value is None or type(value) is str:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise _unreadable(name, "a string")


def _unreadable(name: str, wanted: str) -> MalformedError:
    return MalformedError(f"the field {name} of the neutral record cannot be read: it must be {wanted}")


def _channel(record: dict[str, Any]) -> str | None:
    channel = _scalar(record, "channel")
    if channel is not None and channel not in topics.CHANNELS:
        raise _unreadable("channel", f"one of {', '.join(topics.CHANNELS)}")
    return channel


def _sender(record: dict[str, Any]) -> Party | None:
    sender = record.get("sender")
    if sender is None or sender == "":
        return None
    if isinstance(sender, dict):
        return _described(sender)
    return _guessed(_scalar(record, "sender") or "", None)


def _described(sender: dict[str, Any]) -> Party | None:
    try:
        kind, value, name = (_scalar(sender, field) for field in ("kind", "value", "name"))
    except MalformedError as error:
        raise _unreadable("sender", "a string or an object of the strings kind, value, name") from error
    if not value:
        return Party(kind="name", value=name, name=name) if name else None
    return Party(kind=kind, value=value, name=name) if kind in _PARTY_KINDS and kind else _guessed(value, name)


def _guessed(value: str, name: str | None) -> Party:
    if phone_number(value) is not None:
        return Party(kind="phone", value=value, name=name)
    return Party(kind="email" if "@" in value else "name", value=value, name=name)


def _received_at(record: dict[str, Any]) -> datetime | None:
    text = _scalar(record, "received_at")
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo is not None else time.replace(tzinfo=ids.SHANGHAI)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unreadable("received_at", "a time such as 2026-11-24T09:12:03+08:00") from error


def _files(record: dict[str, Any]) -> tuple[File, ...]:
    attachments = record.get("attachments")
    if not attachments:
        return ()
    if not isinstance(attachments, list) or not all(isinstance(item, (dict, str)) for item in attachments):
        raise _unreadable("attachments", "a list of objects with name and path")
    return tuple(map(_file, attachments))


def _file(item: dict[str, Any] | str) -> File:
    """Return a file by name; `data` is base64 that the front door read for us: no path is ever opened here."""
    if isinstance(item, str):
        return File(name=item)
    try:
        name = _scalar(item, "name") or _scalar(item, "path")
        data = _scalar(item, "data")
        media_type = _scalar(item, "media_type") or "application/octet-stream"
        return File(name=name, media_type=media_type, data=base64.b64decode(data, validate=True) if data else None)
    except (MalformedError, binascii.Error, ValueError) as error:
        raise _unreadable("attachments", "a list of objects with name, path, and data in base64") from error


def _findings(record: dict[str, Any]) -> tuple[Finding, ...]:
    """Return what the sending system itself says of the message."""
    if record.keys().isdisjoint(_SAID):
        return ()
    said = [("request_kind", _kind(_scalar(record, "kind")))]
    said += [(name, _scalar(record, name)) for name in _FINDINGS]
    return tuple(Finding(kind=kind, value=value, source="channel") for kind, value in said if value)


def _kind(word: str | None) -> str | None:
    return (word if word in _CODES else KINDS.get(word, "unknown")) if word else None


def _extra(record: dict[str, Any], jurisdiction: str) -> dict[str, str]:
    if record.keys() <= _PLAIN:
        return {}
    extra = {name: _kept(value) for name, value in record.items() if name not in _KNOWN and value is not None}
    for name, is_understood in _UNDERSTOOD.items():
        value = _scalar(record, name)
        if value and not is_understood(value, jurisdiction):
            extra[name] = value
    return extra


_PLAIN = _KNOWN - {"kind", "jurisdiction"}

_UNDERSTOOD: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "kind": lambda value, _: _kind(value) == value,
        "jurisdiction": lambda value, jurisdiction: value == jurisdiction,  # a message's city never changes
    }
)


def _kept(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_NO_THREAD = Thread()
