"""Pushes of the fans' service: messages to the account, events, and mentions of it."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import structs

from normalizers.base import Draft, File
from normalizers.parse.coordinates import located
from normalizers.weibo.items import thread
from normalizers.weibo.json import DATUM, Fields, digits
from schemas.records import Party, Thread

_CAPTION = re.compile(r"(?:发了?|发送了?|分享了?)(?:一?[个张段条])?(?:语音|图片|位置|视频|文件|音频)(?:消息)?[。!！]?")
"""The platform's own words under a voice, a picture or a place, which no person wrote."""


def draft_of(fields: Fields) -> Draft:
    """Return the draft of a push; unknown kinds keep their words (`unsupported`)."""
    kind = fields.text("type").strip().lower()
    sender, receiver = digits(fields.pop("sender_id", None)), digits(fields.pop("receiver_id", None))
    text, data = fields.text("text"), fields.part("data")
    draft = _KINDS.get(kind, _unsupported)(text, data, sender)
    if draft.message_class != "person":
        fields["type"] = kind
    extra = {name: value for name in (*fields, *data) if (value := (fields if name in fields else data).text(name))}
    return structs.replace(
        draft,
        channel_kind=draft.channel_kind or "weibo_dm",
        sender=Party(kind="uid", value=sender) if sender else None,
        recipients=(Party(kind="uid", value=receiver),) if receiver else (),
        extra=draft.extra | extra,
    )


def _text(text: str, data: Fields, sender: str) -> Draft:
    return Draft(text=text)


def _position(text: str, data: Fields, sender: str) -> Draft:
    latitude, longitude = data.text("latitude").strip(), data.text("longitude").strip()
    where = {name: value for name, value in (("Location_X", latitude), ("Location_Y", longitude)) if value}
    return Draft(text=_said(text), findings=located("", longitude, latitude, datum=DATUM), extra=where)


def _image(text: str, data: Fields, sender: str) -> Draft:
    return Draft(text=_said(text), files=_media(data, "image/*"))


def _voice(text: str, data: Fields, sender: str) -> Draft:
    return Draft(text=_said(text), files=_media(data, "audio/*"))


def _video(text: str, data: Fields, sender: str) -> Draft:
    return Draft(text=_said(text), files=_media(data, "video/*"))


def _event(text: str, data: Fields, sender: str) -> Draft:
    return Draft(message_class="event", extra={"event": text} if text else {})


def _mention(text: str, data: Fields, sender: str) -> Draft:
    """Name the status or comment in which it stands, so that the one that is fetched joins the same ticket."""
    where, key = data.get("subtype"), digits(data.pop("key", None))
    is_comment = isinstance(where, str) and "comment" in where.lower()
    return Draft(
        channel_kind="weibo_comment" if is_comment else "weibo_mention",
        text=text,
        thread=thread("comment" if is_comment else "status", key, sender) if key else Thread(),
    )


def _unsupported(text: str, data: Fields, sender: str) -> Draft:
    return Draft(message_class="unsupported", text=text)


def _said(text: str) -> str:
    return "" if _CAPTION.fullmatch(text.strip()) else text


def _media(data: Fields, media_type: str) -> tuple[File, ...]:
    """Take the file's id on the receiver's side (tovfid); vfid opens it for the sender alone."""
    own, theirs = data.text("tovfid").strip(), data.text("vfid").strip()
    return (File(media_type=media_type, media_id=own or theirs or None),)


_KINDS: Mapping[str, Callable[[str, Fields, str], Draft]] = MappingProxyType(
    {
        "text": _text,
        "position": _position,
        "image": _image,
        "voice": _voice,
        "video": _video,
        "event": _event,
        "mention": _mention,
    }
)
