"""Weibo (微博): a pushed message of the fans' service (粉丝服务), a status, a comment or a direct message, in JSON.

One record is one of them, exactly as the platform wrote it; a push in WeChat's XML (`eps/push/set_format`) is read too.
"""

from collections.abc import Callable

from msgspec import structs

from normalizers import wechat
from normalizers.base import Draft, Policy
from normalizers.weibo import items, push
from normalizers.weibo.items import thread
from normalizers.weibo.json import Fields, is_xml, read
from normalizers.weibo.times import moment
from schemas.errors import UnsupportedError
from schemas.records import Party, RawMessage


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of one message; `event` for a record without words, such as a deleted status.

    Raises RecordError for any other or unreadable record.
    """
    if is_xml(raw.value):
        return _in_xml(raw, policy)
    fields = read(raw.value)
    written = fields.text("created_at")
    edited = moment(fields.text("edit_at"), raw.envelope.recordedtime)
    draft = _reader(fields)(fields)
    received_at = edited or moment(written, raw.envelope.recordedtime)
    extra = draft.extra | ({"created_at": written} if written and received_at is None else {})
    return _known_by_all_names(_known_by_its_second(structs.replace(draft, received_at=received_at, extra=extra)))


def _in_xml(raw: RawMessage, policy: Policy) -> Draft:
    draft = wechat.normalize(raw, policy)
    sender = Party(kind="uid", value=draft.sender.value) if draft.sender is not None else None
    return _known_by_its_second(structs.replace(draft, channel_kind="weibo_dm", sender=sender))


def _known_by_all_names(draft: Draft) -> Draft:
    """Return the draft with all names that its push may call it by: a list that is fetched may be before the push."""
    others = (name for name in draft.thread.references if name != draft.thread.message_id_header)
    return structs.replace(draft, known_as=tuple(others))


def _known_by_its_second(draft: Draft) -> Draft:
    """Return the draft with an id that a pushed message without an id shares with the same one fetched with an id.

    Direct messages never have an id in a push; a mention in a comment may lack it. The same words count as one
    matter, so only a comment with a picture, whose push has other words, is identified by its second: a program may
    have written another comment in the same second.
    """
    uid, at = draft.sender.value if draft.sender is not None and draft.sender.kind == "uid" else "", draft.received_at
    if draft.message_class == "event" or not uid or at is None:
        return draft
    second = str(int(at.timestamp()))
    if draft.channel_kind == "weibo_dm":
        return structs.replace(draft, thread=thread("dm", second, uid), answers_nothing=True)
    own, known = thread("mention", second, uid), draft.thread
    if not known.references:
        return structs.replace(draft, thread=own, answers_nothing=True)
    if draft.channel_kind != "weibo_comment" or not draft.files:
        return draft
    return structs.replace(draft, thread=structs.replace(known, references=known.references + own.references))


def _reader(fields: Fields) -> Callable[[Fields], Draft]:
    """Return the reader of this kind; raises UnsupportedError for answers of the platform that are no message."""
    if "type" in fields and "sender_id" in fields:
        return push.draft_of
    if "sender_id" in fields and "recipient_id" in fields:
        return items.direct_message
    if "status" in fields and "screen_name" not in fields:
        return items.comment
    if "text" in fields or "deleted" in fields:
        return items.status
    raise UnsupportedError("not a message of Weibo, but a page of several, a user's profile or the like")
