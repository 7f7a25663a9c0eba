"""Items of the platform's lists: a status that mentions the account, a comment, a direct message."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from normalizers.base import Draft, File
from normalizers.parse import json
from normalizers.parse.coordinates import located
from normalizers.weibo import text as texts
from normalizers.weibo.json import DATUM, Fields, digits, text_of
from schemas.codec import UNREADABLE
from schemas.records import Finding, Party, Thread

# Fields of statuses and comments that say how the platform shows them, counts, or repeats another field.

NOISE = frozenset({
    "advertises", "alchemy_params", "analysis_extra", "attitudes_count", "attitudes_status", "biz_feature",
    "biz_ids", "buttons", "can_edit", "can_remark", "cardid", "comment_manage_info", "comments_count",
    "content_auth", "darwin_tags", "deleted", "disable_reply", "edit_at", "edit_count", "favorited",
    "floor_number", "gif_ids", "hasActionTypeCard", "hide_flag", "hot_weibo_tags", "in_reply_to_screen_name",
    "in_reply_to_status_id", "in_reply_to_user_id", "is_mblog_annotation", "is_paid", "is_show_bulletin",
    "is_show_mixed", "like_counts", "liked", "max_id", "mblog_menu_new_style", "mblog_vip_type", "mblogtype",
    "mixed_count", "mlevel", "more_info_type", "pending_approval_count", "picStatus", "pic_ids", "pic_num",
    "pic_types", "pic_video", "pid", "positive_recom_flag", "readtimetype", "repost_type", "reposts_count",
    "reprint_cmt_count", "reward_exhibition_type", "rid", "rootid", "rootidstr", "show_additional_indication",
    "source_allowclick", "source_type", "status_id", "stickerID", "textLength", "text_tag_tips", "total_number",
    "userType", "user_type", "visible", "weibo_position",
})  # fmt: skip


# A page of one of the platform's lists, split: a saved answer holds several messages in one file.

_LISTS = ("statuses", "comments", "direct_messages")


def items(data: bytes) -> list[bytes]:
    """Return the bytes of each item of a page; none for anything that is no page."""
    try:
        fields, _ = json.read(data, dict[str, msgspec.Raw])
        found = (msgspec.json.decode(fields[name], type=list[msgspec.Raw]) for name in _LISTS if name in fields)
        return [bytes(item) for item in next(found, [])]
    except UNREADABLE:
        return []


# Thread ids: one person's words under one status are one conversation, separate from those of others.


def thread(kind: str, identifier: str, uid: str, *answered: tuple[str, str]) -> Thread:
    """Return the thread of the words of `uid`; each of `answered` is a kind and an id that it belongs to as well.

    The uid is part of every id: under a status with thousands of comments, no person's words lead to another's
    ticket.
    """
    own = _name(kind, identifier, uid)
    others = (_name(*each, uid) for each in answered if each[1])
    return Thread(message_id_header=own, references=tuple(dict.fromkeys((*others, own))))


def _name(kind: str, identifier: str, uid: str) -> str:
    return f"weibo:{kind}:{identifier}/{uid}"


_GONE = re.compile(r"抱歉，此微博已被作者删除[。.]?\s*(?:查看帮助[:：]?\s*(?:https?://\S*)?)?\s*")
"""Placeholder of a status that its author deleted: a citizen may write the same, and more."""

_WORDLESS = frozenset({"转发微博", "轉發微博", "转发", "Repost"})
"""The platform's words for a status passed on without words."""

_SIZES = ("/thumbnail/", "/bmiddle/", "/orj360/", "/wap360/", "/square/")


def status(fields: Fields) -> Draft:
    """Return the draft of a status; one that was deleted is an `event`."""
    identifier, sender, name, extra = _author(fields)
    text, original = _words(fields, extra), fields.part("retweeted_status")
    files, place = _pictures(fields) or _pictures(original), _place(fields, extra)
    quoted = _quoted(original)
    if text.strip() in _WORDLESS and quoted:
        text = quoted  # else everything that one person passes on would look the same
    if _is_gone(fields, text):
        return Draft(message_class="event", channel_kind="weibo_mention", sender=_party(sender, name), extra=extra)
    return Draft(
        channel_kind="weibo_mention",
        sender=_party(sender, name),
        thread=thread("status", identifier, sender) if identifier and sender else Thread(),
        answers_nothing=True,
        text=text,
        quoted=quoted or None,
        passed_on=quoted or None,  # a person who passes on a cry for help means it
        files=files,
        findings=place,
        extra=extra | _rest(fields),
    )


def comment(fields: Fields) -> Draft:
    """Return the draft of a comment; the status and the comment that it answers are quoted."""
    identifier, sender, name, extra = _author(fields)
    text, under, answered = _words(fields, extra), fields.part("status"), fields.part("reply_comment")
    under_id, quoted = under.identifier(), "\n".join(filter(None, (_quoted(under), _quoted(answered))))
    files = _pictures(fields)
    fields.pop("reply_original_text", None)
    if _is_gone(fields, text):
        return Draft(message_class="event", channel_kind="weibo_comment", sender=_party(sender, name), extra=extra)
    shows_us = bool(quoted) and "@" in texts.without_reply(text)  # another's words, which we may never have seen
    return Draft(
        channel_kind="weibo_comment",
        sender=_party(sender, name),
        thread=_comments_thread(identifier, sender, under_id, shows_us),
        answers_nothing=shows_us,
        text=text,
        quoted=quoted or None,
        passed_on=quoted if shows_us else None,
        files=files,
        extra=extra | _rest(fields),
    )


def direct_message(fields: Fields) -> Draft:
    """Return the draft of a direct message (私信) that was fetched."""
    _, sender, name, extra = _author(fields, "sender")
    receiver = digits(fields.pop("recipient_id", None))
    sender = sender or digits(fields.get("sender_id"))
    name = name or text_of(fields.get("sender_screen_name"))
    for known in ("sender_id", "sender_screen_name", "recipient", "recipient_screen_name"):
        fields.pop(known, None)
    text, place = _words(fields, extra), _place(fields, extra)
    return Draft(
        channel_kind="weibo_dm",
        sender=_party(sender, name),
        recipients=(Party(kind="uid", value=receiver),) if receiver else (),
        text=text,
        findings=place,
        extra=extra | _rest(fields),
    )


def _author(fields: Fields, field: str = "user") -> tuple[str, str, str, dict[str, str]]:
    """Take id, uid and name; a deleted status and a closed account have none."""
    identifier = fields.identifier()
    for name in ("id", "idstr", "mid"):
        fields.pop(name, None)
    user = fields.part(field)
    extra = {"id": identifier} if identifier else {}
    if (where := user.text("location").strip()) and where != "其他":
        extra["user_location"] = where
    return identifier, user.identifier(), user.text("screen_name") or user.text("name"), extra


def _words(fields: Fields, extra: dict[str, str]) -> str:
    """Use the whole text if the rest of it came too; record where it is cut."""
    if source := texts.client(fields.text("source")):
        extra["source"] = source
    text = fields.text("text")
    is_long = fields.pop("isLongText", False) is True or fields.pop("truncated", False) is True
    fields.pop("truncated", None)
    whole = fields.part("longText").text("longTextContent")
    said = texts.written(texts.plain(whole) if whole else text, is_long and not whole)
    if said.rest is not None:
        extra["cut"] = said.rest or "true"
    return said.text


def _party(uid: str, name: str) -> Party | None:
    if uid:
        return Party(kind="uid", value=uid, name=name or None)
    return Party(kind="name", value=name, name=name) if name else None


def _is_gone(fields: Fields, text: str) -> bool:
    deleted = text_of(fields.pop("deleted", None)).lower() in ("1", "true")
    return deleted or _GONE.fullmatch(text.strip()) is not None


def _comments_thread(identifier: str, uid: str, under: str, shows_us: bool) -> Thread:
    """Return the thread of a comment. A mention of this account is no answer: its own id alone identifies it."""
    if not uid or not (identifier or under):
        return Thread()
    own = thread("comment", identifier, uid) if identifier else Thread()
    if not under:
        return own
    named = thread("status", under, uid, ("comment", identifier))
    return structs.replace(named, references=own.references) if shows_us else named


def _quoted(original: Fields) -> str:
    """Return another's words with the name before them; "" for an original that is gone."""
    name, text = original.part("user").text("screen_name"), original.text("text")
    whole = original.part("longText").text("longTextContent")
    if _is_gone(original, text):
        return ""
    said = texts.written(texts.plain(whole) if whole else text, False).text
    return f"@{name}: {said}" if name and said else said


def _pictures(fields: Fields) -> tuple[File, ...]:
    """Take the pictures' addresses, each in its largest size."""
    found = [*_addresses(fields.several("pic_urls")), *_addresses(fields.several("pics"))]
    first = [text_of(fields.pop(name, None)) for name in ("original_pic", "bmiddle_pic", "thumbnail_pic")]
    if not found:
        found = [address for address in first if address][:1]
    return tuple(_picture(address) for address in dict.fromkeys(map(_large, found)))


def _addresses(pictures: list[object]) -> Iterator[str]:
    for picture in pictures:
        if isinstance(picture, str):
            yield picture
        elif isinstance(picture, dict):
            large = picture.get("large")
            best = large.get("url") if isinstance(large, dict) else None
            yield text_of(best or picture.get("thumbnail_pic") or picture.get("url"))


def _large(address: str) -> str:
    for size in _SIZES:
        address = address.replace(size, "/large/", 1)
    return address


def _picture(address: str) -> File:
    try:
        name = urlsplit(address).path.rsplit("/", 1)[-1]
    except ValueError:
        name = ""
    suffix = name.rsplit(".", 1)[-1].lower()
    return File(name=name or None, media_type=_TYPES.get(suffix, "image/*"), media_id=address or None)


_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}


def _place(fields: Fields, extra: dict[str, str]) -> tuple[Finding, ...]:
    """Use the place that the annotations name, and the point."""
    point = fields.part("geo").several("coordinates")
    numbers = [text_of(number) for number in point[:2] if isinstance(number, int | float)]
    latitude, longitude = numbers if len(numbers) == 2 else ("", "")
    if latitude.strip("0.") or longitude.strip("0."):
        extra |= {"Location_X": latitude, "Location_Y": longitude}
    named = next(_named_places(fields.several("annotations")), "")
    return located(named, longitude, latitude, datum=DATUM)


def _named_places(annotations: list[object]) -> Iterator[str]:
    for each in annotations:
        place = each.get("place") if isinstance(each, dict) else None
        title = text_of(place.get("title")).strip() if isinstance(place, dict) else ""
        if title:
            yield title


def _rest(fields: Fields) -> dict[str, str]:
    """Return the remaining fields with a value."""
    kept = {name: text_of(value) for name, value in fields.items() if name not in NOISE}
    return {name: text for name, text in kept.items() if text and text not in ("[]", "{}", "false")}
