"""HTTP callbacks of the gateways: Twilio, Aliyun (阿里云), Tencent (腾讯云) and Kannel; one message each."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct, field

from normalizers.base import Draft, File
from normalizers.parse import json
from normalizers.parse.times import believed, written
from normalizers.sms import udh as segments
from normalizers.sms.coding import Format, decode
from schemas import ids
from schemas.codec import UNREADABLE
from schemas.errors import MalformedError
from schemas.records import Part, Party

_FIRST = datetime(1992, 12, 3, tzinfo=UTC)
"""Date of the first SMS."""

_MEDIA_MAX = 100


class Received(Struct, frozen=True, kw_only=True):
    """A gateway's record of one message; `identifier` is "" if it has none."""

    identifier: str = ""
    sender: str = ""
    to: str = ""
    text: str = ""
    read_as: str | None = None
    time: datetime | None = None
    files: tuple[File, ...] = ()
    part: Part | None = None
    report: bool = False
    extra: dict[str, str] = field(default_factory=dict)


def draft_of(received: Received) -> Draft:
    """Return the draft of a message."""
    silent = "unsupported" if received.files else "person"
    return Draft(
        message_class="event" if received.report else "person" if received.text else silent,
        channel_kind="sms_http",
        sender=Party(kind="phone", value=received.sender) if received.sender else None,
        recipients=(Party(kind="phone", value=received.to),) if received.to else (),
        text=received.text,
        files=received.files,
        part=received.part,
        received_at=received.time,
        extra=received.extra | ({"read_as": received.read_as} if received.read_as else {}),
    )


def sensible(at: datetime | None, recorded: datetime) -> datetime | None:
    """Return a time at which a message can have been sent that we took then."""
    return believed(at, _FIRST, recorded)


def read(provider: str, body: bytes, options: Mapping[str, str]) -> Received:
    """Return the message in a provider's body; `options` are the parameters of its content type. Raises
    MalformedError.
    """
    reader = PROVIDERS.get(provider)
    if reader is None:
        raise MalformedError("unknown provider of SMS callbacks: see docs/how-to/channels/sms.md")
    return reader(body, options)


def _twilio(body: bytes, options: Mapping[str, str]) -> Received:
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    files = tuple(filter(None, (_media(fields, number) for number in range(_count(fields.pop("NumMedia", "0"))))))
    taken = {name: fields.pop(name, "") for name in ("MessageSid", "From", "To", "Body")}
    if not taken["MessageSid"]:
        raise MalformedError("a Twilio callback without MessageSid is not a message")
    return Received(
        identifier=taken["MessageSid"],
        sender=taken["From"],
        to=taken["To"],
        text=taken["Body"],
        files=files,
        report=fields.get("MessageStatus", "received") not in ("receiving", "received"),
        extra={name: value for name, value in fields.items() if value and name not in _TWILIO_REPEATS},
    )


def _media(fields: dict[str, str], number: int) -> File | None:
    url, kind = fields.pop(f"MediaUrl{number}", ""), fields.pop(f"MediaContentType{number}", "")
    return File(media_type=kind or "application/octet-stream", media_id=url) if url else None


def _count(text: str) -> int:
    return min(int(text), _MEDIA_MAX) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _aliyun(body: bytes, options: Mapping[str, str]) -> Received:
    fields = _object(body)
    taken = {name: _text(fields.pop(name, None)) for name in ("sequence_id", "phone_number", "dest_code", "content")}
    return Received(
        identifier=taken["sequence_id"],
        sender=taken["phone_number"],
        to=taken["dest_code"],
        text=taken["content"],
        time=written(_text(fields.pop("send_time", None)), ids.SHANGHAI),
        report="success" in fields and not taken["content"],
        extra=_rest(fields),
    )


def _tencent(body: bytes, options: Mapping[str, str]) -> Received:
    fields = _object(body)
    taken = {name: _text(fields.pop(name, None)) for name in ("mobile", "nationcode", "extend", "text")}
    nation = taken["nationcode"].removeprefix("+")
    return Received(
        sender=f"+{nation}{taken['mobile']}" if nation and taken["mobile"] else taken["mobile"],
        to=taken["extend"],
        text=taken["text"],
        time=written(_text(fields.pop("time", None)), ids.SHANGHAI),
        report="report_status" in fields and not taken["text"],
        extra=_rest(fields),
    )


def _kannel(body: bytes, options: Mapping[str, str]) -> Received:
    """The body is the text alone; sender, time and id are in the headers, so in the record's envelope.

    A piece of a long message has its user data header (`udh`) if Kannel does not join the pieces itself.
    """
    coding = _KANNEL.get(options.get("charset", "").lower(), "gb")
    found, part = decode(body, coding), _piece(options.get("udh", ""), coding, body)
    files = (File(name="message.bin", data=body),) if found.text is None and part is None else ()
    return Received(to=options.get("to", ""), text=found.text or "", read_as=found.read_as, files=files, part=part)


def _piece(udh: str, coding: Format, body: bytes) -> Part | None:
    try:
        segment = segments.split(bytes.fromhex(udh)).segment
    except ValueError:
        return None
    if segment is None:
        return None
    return Part(reference=segment.reference, total=segment.total, number=segment.number, format=coding, bytes=body)


def _object(body: bytes) -> dict[str, msgspec.Raw]:
    """Return a JSON object, its fields as they are written; one in GBK is read too."""
    decoded = decode(body, "gb").text or ""
    try:
        return json.read(decoded.encode(), dict[str, msgspec.Raw])[0]
    except (*UNREADABLE, UnicodeEncodeError) as error:
        raise MalformedError("the callback is not a JSON object: check that its address is the provider's") from error


def _text(written: msgspec.Raw | None) -> str:
    """Return a field as text: the same field is a number in one version of the documents, a string in another.

    A number stays as it is written: an id of twenty digits is more than most programs can count to.
    """
    literal = bytes(written or b"null")
    if not literal.startswith(b'"'):
        return "" if literal == b"null" else literal.decode()
    try:
        return msgspec.json.decode(literal, type=str)
    except UNREADABLE as error:  # half a surrogate pair
        raise MalformedError("a text of the callback is not Unicode: check the gateway's output") from error


def _rest(fields: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    return {name: text for name, value in fields.items() if (text := _text(value))}


_TWILIO_REPEATS = frozenset({"SmsSid", "SmsMessageSid", "AccountSid", "NumSegments"})

_KANNEL: Mapping[str, Format] = MappingProxyType(
    {"utf-16be": "ucs2", "ucs-2": "ucs2", "8-bit": "binary", "iso-8859-1": "latin1", "ascii": "ascii"}
)
"""By the charset that Kannel names; UTF-8 and a missing one are distinguished by the bytes."""

PROVIDERS: Mapping[str, Callable[[bytes, Mapping[str, str]], Received]] = MappingProxyType(
    {"twilio": _twilio, "aliyun": _aliyun, "tencent": _tencent, "kannel": _kannel}
)
