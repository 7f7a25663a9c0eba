"""Neutral records: imports, letters, visits and transfers, one JSON object each (docs/how-to/import.md)."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from normalizers.base import Draft, File, Policy
from normalizers.parse.codes import is_category, is_code, is_hotline, is_kind, is_reference
from normalizers.parse.contacts import is_nobodys, phone_number
from normalizers.parse.times import written
from normalizers.rules import DEFAULT_RULES
from schemas import ids, topics
from schemas.codec import UNREADABLE
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
"""诉求类型: the words of other systems, and our codes."""

_CODES = frozenset(KINDS.values())
_PARTY_KINDS = frozenset({"phone", "email", "openid", "uid", "name"})
_FINDINGS = ("category", "place", "external_ticket_no", "hotline_code")
_SAID = frozenset({"kind", *_FINDINGS})
_KNOWN = frozenset(
    {"id", "text", "title", "channel", "channel_kind", "account", "jurisdiction", "sender", "received_at", "thread_id"}
    | {"attachments", *_SAID}
)

_ACCOUNT = re.compile(r"(?=.*[0-9])[A-Za-z0-9_.-]{4,64}")
"""A user's id in another system, such as A00074795; a name is written otherwise."""

_SHORT = re.compile(r"[0-9]{1,5}")
"""A seat, an extension or a short number: many write by it. Who means a user's id says so (`kind`: `uid`)."""

_LOCAL = re.compile(r"[2-9][0-9]{6,7}|85[23][0-9]{8}|886[0-9]{8,9}")
"""A telephone of the city itself, or of Hongkong, Macau or Taiwan without a plus sign."""

_MAILS_NAME = re.compile(r"<[^<>\s]+@[^<>\s]+>")

_decode = msgspec.json.Decoder().decode


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a neutral record; raises MalformedError naming the field that cannot be read."""
    record = parse(raw.value)
    _scalar(record, "id")  # its value is in the envelope, where the digest of the line stands for a missing one
    account = _coded(record, "account")
    thread = _thread(record, account or raw.envelope.account or "")
    return Draft(
        channel=_channel(record),
        channel_kind=_coded(record, "channel_kind"),
        account=account,
        sender=_sender(record),
        thread=Thread(message_id_header=thread, references=(thread,)) if thread else _NO_THREAD,
        title=_scalar(record, "title"),
        text=_text(record),
        files=_files(record),
        findings=_findings(record),
        received_at=(received_at := time_of(record)),
        extra=_extra(record, raw.jurisdiction) | _unread_time(record, received_at),
    )


def parse(value: bytes) -> dict[str, Any]:
    """Return the JSON object in `value`: UTF-8 with or without a byte order mark, else GB18030.

    Raises MalformedError.
    """
    try:
        record = _decode(value)
    except UNREADABLE:
        record = _parse_leniently(value)
    if not isinstance(record, dict):
        raise MalformedError("a neutral record must be one JSON object per line")
    return record


def _parse_leniently(value: bytes) -> Any:
    """Read what msgspec refuses and other systems write: byte order marks, GBK, lone surrogates, NaN, raw tabs."""
    for encoding in ("utf-8-sig", "utf-16" if value[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"):
        try:
            return json.loads(value.decode(encoding), strict=False)
        except UnicodeDecodeError:
            continue
        except (ValueError, RecursionError) as error:
            raise MalformedError("not JSON: a neutral record must be one JSON object per line") from error
    raise MalformedError("not text: a neutral record must be UTF-8")


def _text(record: dict[str, Any]) -> str:
    text = _scalar(record, "text")
    if text is None:
        raise MalformedError("the field text of the neutral record is missing: every record needs it")
    return text


def _thread(record: dict[str, Any], account: str) -> str | None:
    """Return the name of the thread: of a mail its own, which no other has, else the one that this system gave."""
    given = _scalar(record, "thread_id")
    return given if not given or not account or _MAILS_NAME.fullmatch(given) else f"record:{account}:{given}"


def _scalar(record: dict[str, Any], name: str) -> str | None:
    """Return a string field; numbers are taken as written, anything else is refused."""
    value = record.get(name)
    if value is None or type(value) is str:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise _unreadable(name, "a string")


def _coded(record: dict[str, Any], name: str) -> str | None:
    """Return a field that stays in clear in the masked ticket: a code, or nothing and its words stand in `extra`."""
    value = _scalar(record, name)
    return value if value and _CODED[name](value) else None


_CODED: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "channel_kind": is_kind,
        "account": is_code,
        "category": lambda text: is_category(text, DEFAULT_RULES),
        "external_ticket_no": is_reference,
        "hotline_code": is_hotline,
    }
)


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
    if _is_telephone(value):
        return Party(kind="phone", value=value, name=name)
    if "@" in value:
        return Party(kind="email", value=value, name=name)
    return Party(kind="uid" if _ACCOUNT.fullmatch(value) else "name", value=value, name=name)


def _is_telephone(value: str) -> bool:
    """Tell a telephone from the number that a system gave its user; what is nobody's is no user's."""
    number = phone_number(value)
    if number is None:
        return is_nobodys(value.strip()) or _SHORT.fullmatch(value.strip()) is not None
    return number.startswith("+") or _LOCAL.fullmatch(number) is not None


def time_of(record: dict[str, Any]) -> datetime | None:
    """Return `received_at` in UTC, None without one that can be read; one without an offset is Chinese time.

    A time nobody can read is no reason to lose the words: it stands in `extra`.
    """
    text = _scalar(record, "received_at")
    return written(text, ids.SHANGHAI) if text else None


def _unread_time(record: dict[str, Any], received_at: datetime | None) -> dict[str, str]:
    text = _scalar(record, "received_at")
    return {"received_at": text} if text and received_at is None else {}


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
    said += [(name, _coded(record, name) if name in _CODED else _scalar(record, name)) for name in _FINDINGS]
    return tuple(Finding(kind=kind, value=value, source="channel") for kind, value in said if value)


def _kind(word: str | None) -> str | None:
    if not word:
        return None
    return word if word in _CODES else KINDS.get(word, "unknown")


def _extra(record: dict[str, Any], jurisdiction: str) -> dict[str, str]:
    unread = {name: _kept(record[name]) for name in _CODED if record.get(name) and _coded(record, name) is None}
    if record.keys() <= _PLAIN:
        return unread
    extra = unread | {name: _kept(value) for name, value in record.items() if name not in _KNOWN and value is not None}
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
