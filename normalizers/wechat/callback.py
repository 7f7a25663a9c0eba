"""One callback (微信公众号, 小程序, 企业微信), verified and decrypted, in XML or JSON."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from msgspec import structs

from normalizers.base import Draft, File, Policy
from normalizers.parse.coordinates import located
from normalizers.parse.times import believed
from normalizers.wechat.fields import Fields, read
from schemas.errors import MalformedError, UnsupportedError
from schemas.records import Party, RawMessage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = 10**11
"""A CreateTime from here on counts milliseconds: as seconds it would lie in the year 5138."""

_MOST_DIGITS = 14
"""More milliseconds exceed the range of `datetime`."""

FIRST = datetime(2011, 1, 21, tzinfo=UTC)
"""WeChat's first day."""


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a callback: messages, events, and unknown kinds (`unsupported`).

    Raises RecordError for an unreadable callback, or one without a kind.
    """
    fields = read(raw.value)
    kind = fields.word("MsgType").lower()
    if not kind:
        _explain(fields)
    sender, received_at = fields.word("FromUserName"), _time(fields, raw.envelope.recordedtime)
    channel_kind = _channel_kind(fields, raw.envelope.channelkind)
    draft = _KINDS.get(kind, _unsupported)(fields)
    if draft.message_class != "person":
        fields.setdefault("MsgType", kind)
    for name in ("MsgId", "Encrypt"):  # the envelope has the id; compatible mode repeats it all, encrypted
        fields.pop(name, None)
    return structs.replace(
        draft,
        channel_kind=channel_kind,
        sender=Party(kind="openid", value=sender) if sender else None,
        received_at=received_at,
        extra=fields.left(),
    )


_KNOWN = ("wechat_mini", "wecom")


def _channel_kind(fields: Fields, told: str | None) -> str:
    """Return the connector's channel kind; for records without one, an AgentID means 企业微信."""
    return told if told in _KNOWN else "wecom" if "AgentID" in fields else "wechat_mp"


def _explain(fields: Fields) -> None:
    """Return why a callback without MsgType is no message."""
    if "Encrypt" in fields:
        raise UnsupportedError(
            "the callback is still encrypted: its connector must publish the decrypted body (check EncodingAESKey)"
        )
    if not fields.get("FromUserName", "").strip():
        raise MalformedError("the callback has neither MsgType nor FromUserName: it is not a message")


def _time(fields: Fields, recorded: datetime) -> datetime | None:
    """Return CreateTime, in seconds or milliseconds; None when it makes no sense, so that the transport's counts."""
    text = fields.get("CreateTime", "").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        return None
    number = int(text)
    at = _EPOCH + timedelta(milliseconds=number if number >= _MILLISECONDS else number * 1000)
    if believed(at, FIRST, recorded) is None:
        return None
    del fields["CreateTime"]
    return at


def _text(fields: Fields) -> Draft:
    return Draft(text=fields.take("Content"))


def _image(fields: Fields) -> Draft:
    return Draft(files=_media(fields, "image/*", "Image"))


def _voice(fields: Fields) -> Draft:
    """Use the text that WeChat recognised; the sound is the attachment."""
    audio = _AUDIO.get(fields.get("Format", "").strip().lower(), "audio/*")
    return Draft(text=fields.take("Recognition"), files=_media(fields, audio, "Voice"))


def _video(fields: Fields) -> Draft:
    return Draft(files=_media(fields, "video/*", "Video"))


def _location(fields: Fields) -> Draft:
    label = fields.take("Label")
    findings = located(label.strip(), fields.get("Location_Y", ""), fields.get("Location_X", ""), datum="gcj02")
    return Draft(text=label, findings=findings)


def _link(fields: Fields) -> Draft:
    title, description, url = fields.word("Title"), fields.take("Description"), fields.word("Url")
    return Draft(title=title or None, text="\n".join(filter(None, (description, url))))


def _file(fields: Fields) -> Draft:
    name = fields.word("FileName") or fields.word("Title")
    file = File(name=name or None, media_id=fields.word("MediaId") or None)
    return Draft(text=fields.take("Description"), files=(file,))


def _mini_program_page(fields: Fields) -> Draft:
    return Draft(title=fields.word("Title") or None)


def _event(fields: Fields) -> Draft:
    """Keep the event under `extra`: a tap or a scan has no words."""
    return Draft(message_class="event")


def _unsupported(fields: Fields) -> Draft:
    """Keep whatever words a new kind of message has."""
    title = fields.word("Title") or None
    return Draft(message_class="unsupported", title=title, text=fields.take("Content") or fields.take("Description"))


def _media(fields: Fields, media_type: str, nested: str) -> tuple[File, ...]:
    media = fields.word("MediaId") or fields.word(f"{nested}.MediaId")
    return (File(media_type=media_type, media_id=media or None),)


_AUDIO: Mapping[str, str] = MappingProxyType({"amr": "audio/amr", "mp3": "audio/mpeg", "speex": "audio/speex"})

_KINDS: Mapping[str, Callable[[Fields], Draft]] = MappingProxyType(
    {
        "text": _text,
        "image": _image,
        "voice": _voice,
        "video": _video,
        "shortvideo": _video,
        "location": _location,
        "link": _link,
        "file": _file,
        "miniprogrampage": _mini_program_page,
        "event": _event,
    }
)
