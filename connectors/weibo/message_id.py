"""Ids of Weibo's messages: kind and id if the platform gives one, else a digest of the content."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct
from pydantic import SecretStr

from connectors.http import callback
from connectors.message_id import digest_of
from normalizers.weibo.json import Fields, digits, is_xml, read, text_of
from normalizers.weibo.times import moment
from schemas.errors import RecordError

_NAMING = ("type", "sender_id", "receiver_id", "created_at", "text", "data")
"""A push has no id: the platform recommends sender and created_at, but two messages of one second must differ."""


class Named(Struct, frozen=True, kw_only=True):
    """Id, sender's uid and time of a message, and its kind (`weibo_dm`, `weibo_mention`, `weibo_comment`)."""

    identifier: str
    kind: str
    sender: str | None = None
    time: datetime | None = None


def pushed(body: bytes, now: datetime, key: SecretStr | None = None) -> Named:
    """Return the id of a push; for an unreadable one a digest of its bytes, which a repeat has as well.

    The id depends only on the text and the sender's uid, and uids are few: the digest uses the key.
    """
    if is_xml(body):
        found = callback.read(body, now)
        said = found.identifier.encode(errors="surrogatepass")
        name = found.identifier if key is None else digest_of(said, key)
        return Named(identifier=f"push:{name}", kind=KINDS["dm"], sender=found.sender, time=found.time)
    fields = _fields(body)
    if fields is None:
        return unread(body, key=key)
    where = _mention(Fields(fields).part("data")) if fields.get("type") == "mention" else None
    said = _said(fields) or body
    return Named(
        identifier=f"mention:{where[1]}" if where else f"push:{digest_of(said, key)}",
        kind=where[0] if where else KINDS["dm"],
        sender=digits(fields.get("sender_id")) or None,
        time=moment(text_of(fields.get("created_at")), now),
    )


def _said(fields: Fields) -> bytes | None:
    """Return the identifying fields of a push; None if they cannot be encoded: half an emoji, or endless nesting."""
    try:
        return msgspec.json.encode([fields.get(name) for name in _NAMING], order="sorted")
    except (UnicodeEncodeError, RecursionError):
        return None


def fetched(item: bytes, kind: str, now: datetime) -> Named:
    """Return the id of a list item; `kind` is status, comment or dm. Each edit makes a status another message."""
    fields = _fields(item) or Fields()
    identifier = fields.identifier() or hashlib.sha256(item).hexdigest()
    edits = digits(fields.get("edit_count")).lstrip("0") if kind == "status" else ""
    return Named(
        identifier=f"{kind}:{identifier}{f':edit{edits}' if edits else ''}",
        kind=KINDS[kind],
        sender=next(_senders(fields), None),
        time=moment(text_of(fields.get("edit_at")), now) or moment(text_of(fields.get("created_at")), now),
    )


def unread(data: bytes, kind: str = "push", key: SecretStr | None = None) -> Named:
    """Return an id from the bytes of an unreadable message, which a repeat has as well."""
    return Named(identifier=f"{kind}:{digest_of(data, key)}", kind=KINDS.get(kind, KINDS["dm"]))


def named(data: bytes, now: datetime) -> Named:
    """Return the id of a push or a list item."""
    fields = _fields(data) or Fields()
    if is_xml(data) or ("type" in fields and "sender_id" in fields):
        return pushed(data, now)
    if "recipient_id" in fields:
        return fetched(data, "dm", now)
    return fetched(data, "comment" if "status" in fields else "status", now)


KINDS = {"status": "weibo_mention", "comment": "weibo_comment", "dm": "weibo_dm"}


def _fields(body: bytes) -> Fields | None:
    try:
        return read(body)
    except RecordError:
        return None


def _mention(data: Fields) -> tuple[str, str] | None:
    """Return kind and id of the place of a mention."""
    key = digits(data.get("key"))
    is_comment = "comment" in text_of(data.get("subtype")).lower()
    kind = "comment" if is_comment else "status"
    return (KINDS[kind], f"{kind}:{key}") if key else None


def _senders(fields: Fields) -> Iterator[str]:
    for name in ("user", "sender"):
        found = fields.part(name).identifier()
        if found:
            yield found
    if found := digits(fields.get("sender_id")):
        yield found
