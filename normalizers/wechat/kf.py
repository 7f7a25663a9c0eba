"""微信客服: one message that was pulled by `kf/sync_msg`, as JSON."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from msgspec import structs

from normalizers.base import Draft, File, Policy
from normalizers.parse.coordinates import located
from normalizers.parse.times import believed
from normalizers.wechat.fields import Fields, of_json
from schemas.errors import MalformedError
from schemas.records import Party, RawMessage, Thread

CONTENT_TYPE = "application/vnd.wecom.kf+json"
"""Content type of a raw record that holds one element of `msg_list`."""

CUSTOMER = "3"
"""`origin`: 3 the customer, 4 the platform, 5 one of our staff."""


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a message; messages of the platform and of staff are events, kept under `extra`.

    Raises MalformedError for an unreadable message, or one without a kind.
    """
    fields = Fields(of_json(raw.value))
    kind, origin = fields.word("msgtype"), fields.word("origin")
    if not kind:
        raise MalformedError("the record of 微信客服 has no msgtype: it is not a message")
    sender, received_at = fields.word("external_userid"), _time(fields, raw.envelope.recordedtime)
    is_customer = origin in (CUSTOMER, "") and kind != "event"
    draft = _KINDS.get(kind, _unsupported)(fields) if is_customer else Draft(message_class="event")
    if draft.message_class != "person":
        fields |= {"msgtype": kind, "origin": origin}
    fields.pop("msgid", None)  # the envelope has it
    return structs.replace(
        draft,
        channel_kind="wecom_kf",
        sender=Party(kind="openid", value=sender) if sender and is_customer else None,
        thread=Thread(reply_to=fields.get("open_kfid", "").strip() or None),
        received_at=received_at,
        extra=fields.left(),
    )


def _time(fields: Fields, recorded: datetime) -> datetime | None:
    """Return send_time, seconds; None when it makes no sense."""
    text = fields.get("send_time", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    at = datetime.fromtimestamp(int(text), UTC)
    if believed(at, recorded - timedelta(days=3650), recorded) is None:
        return None
    del fields["send_time"]
    return at


def _text(fields: Fields) -> Draft:
    return Draft(text=fields.take("text.content"))


def _media(media_type: str, kind: str) -> Callable[[Fields], Draft]:
    def draft(fields: Fields) -> Draft:
        name = fields.word(f"{kind}.filename") or fields.word(f"{kind}.file_name")
        return Draft(files=(File(name=name or None, media_type=media_type, media_id=_id(fields, kind)),))

    return draft


def _id(fields: Fields, kind: str) -> str | None:
    return fields.word(f"{kind}.media_id") or None


def _location(fields: Fields) -> Draft:
    name, address = fields.word("location.name"), fields.word("location.address")
    place = " ".join(dict.fromkeys(filter(None, (address, name))))
    point = (fields.get("location.longitude", ""), fields.get("location.latitude", ""))
    return Draft(text=place, findings=located(place, *point, datum="gcj02"))


def _link(fields: Fields) -> Draft:
    title, told, url = fields.word("link.title"), fields.take("link.desc"), fields.word("link.url")
    return Draft(title=title or None, text="\n".join(filter(None, (told, url))))


def _mini_program(fields: Fields) -> Draft:
    return Draft(title=fields.word("miniprogram.title") or None)


def _forwarded(fields: Fields) -> Draft:
    """Use forwarded chat records (合并转发) as the words of a sender without other words: they are meant."""
    title = fields.word("merged_msg.title") or None
    names = [name for name in fields if name.startswith("merged_msg.item.") and name.endswith("content")]
    return Draft(title=title, text="\n".join(filter(None, (_said(fields.take(name)) for name in names))))


def _said(content: str) -> str:
    """Return the words of one forwarded message, which is JSON in a string; nothing for a picture."""
    try:
        return of_json(content.encode()).get("text.content", "") if content.startswith("{") else content
    except MalformedError:
        return content


def _unsupported(fields: Fields) -> Draft:
    """Keep whatever words a new kind of message has, such as the title of a 视频号 video."""
    title = next((fields.word(name) for name in tuple(fields) if name.endswith(".title")), None)
    text = fields.take("text.content") or next(
        (fields.take(name) for name in tuple(fields) if name.endswith(".desc")), ""
    )
    return Draft(message_class="unsupported", title=title or None, text=text)


_KINDS: Mapping[str, Callable[[Fields], Draft]] = MappingProxyType(
    {
        "text": _text,
        "image": _media("image/*", "image"),
        "voice": _media("audio/amr", "voice"),
        "video": _media("video/*", "video"),
        "file": _media("application/octet-stream", "file"),
        "location": _location,
        "link": _link,
        "miniprogram": _mini_program,
        "merged_msg": _forwarded,
    }
)
