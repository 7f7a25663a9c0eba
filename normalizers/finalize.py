"""What every channel's draft needs before it is a message: strings fit for JSON, files stored apart, limits kept."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import structs

from normalizers.base import Draft, File
from normalizers.parse.codes import is_media_type
from normalizers.text.fold import cut, safe
from schemas import ids, topics
from schemas.records import Attachment, Finding, Message, Party, RawMessage, Thread

# How old a message was when it came: no single clock that is wrong makes an emergency old news.

_PUSHED = {
    ids.source_of("sms", ""): frozenset({"sms_http", "sms_smpp", "sms_cmpp"}),
    ids.source_of("wechat", ""): frozenset({"wechat_mp", "wecom"}),
}
"""By the beginning of a source: kinds of message that are brought to us as soon as they are written, and not asked for
later. So they were written when they came, whatever the gateway's or the platform's clock says; if they were kept for
us over an outage of ours, nobody has heard them yet."""


def seconds_of(raw: RawMessage, received_at: datetime, newest_at: datetime | None) -> float:
    """Return the seconds between the newest time that a clock on its way tells, ours included, and when we took it."""
    envelope = raw.envelope
    if _is_pushed(envelope.source, envelope.channelkind, is_old=raw.backfill):
        return 0.0
    known = (at for at in (received_at, newest_at, envelope.notbefore) if at is not None)
    return (envelope.recordedtime - max(known)).total_seconds()


def seconds(message: Message) -> float:
    """Return the same of a message whose text was made out later."""
    if _is_pushed(message.source, message.channel_kind, is_old=message.raw.topic == topics.BACKFILL):
        return 0.0
    return (message.ingested_at - message.received_at).total_seconds()


def _is_pushed(source: str, kind: str | None, *, is_old: bool) -> bool:
    return not is_old and any(source.startswith(door) and kind in kinds for door, kinds in _PUSHED.items())


MAX_TITLE = 1_000
"""Characters of a title that are kept in the message; a longer one stands whole in an attachment."""

MAX_PARTIES = 1_000
"""Recipients, and ids of earlier mails, that are kept; the raw bytes hold the others."""

_PLAIN = "text/plain; charset=utf-8"
_UNKNOWN_TYPE = "application/octet-stream"


class Blob(NamedTuple):
    """Bytes for the blob store, and the path under which the message names them."""

    path: str
    data: bytes


class Stored(NamedTuple):
    """A draft within the limits, and what was moved out of it."""

    draft: Draft
    attachments: tuple[Attachment, ...]
    blobs: tuple[Blob, ...]


def cleaned(draft: Draft) -> Draft:
    """Return `draft` with every string fit for JSON."""
    return structs.replace(
        draft,
        sender=_party(draft.sender) if draft.sender is not None else None,
        recipients=tuple(map(_party, draft.recipients[:MAX_PARTIES])) if draft.recipients else (),
        thread=_thread(draft.thread) if draft.thread != _NO_THREAD else _NO_THREAD,
        title=_optional(draft.title),
        text=safe(draft.text),
        quoted=_optional(draft.quoted),
        signature=_optional(draft.signature),
        findings=tuple(map(_finding, draft.findings)) if draft.findings else (),
        extra={safe(name): safe(value) for name, value in draft.extra.items()} if draft.extra else {},
    )


def stored(draft: Draft, jurisdiction: str, message_id: str, max_text_bytes: int) -> Stored:
    """Move files, and texts over the limit, out of the draft into blobs beside the message."""
    overflow: tuple[File, ...] = ()
    if _could_exceed(draft, max_text_bytes):
        draft, overflow = _within(draft, max_text_bytes)
    if not draft.files and not overflow:
        return Stored(draft, (), ())
    attachments: list[Attachment] = []
    blobs: dict[str, Blob] = {}
    for number, file in enumerate((*draft.files, *overflow), 1):
        if file.data is not None:
            sha256 = hashlib.sha256(file.data).hexdigest()
            path = ids.blob_path(jurisdiction, message_id, sha256)
            file = structs.replace(file, size=len(file.data), sha256=sha256, dataref=path)
            blobs[path] = Blob(path, file.data or b"")
        attachments.append(_attachment(file, number))
    return Stored(draft, tuple(attachments), tuple(blobs.values()))


def _attachment(file: File, number: int) -> Attachment:
    return Attachment(
        id=safe(file.media_id) if file.media_id else str(number),
        name=_file_name(file.name),
        media_type=file.media_type if is_media_type(file.media_type) else _UNKNOWN_TYPE,
        size=file.size,
        sha256=file.sha256,
        dataref=file.dataref,
        unavailable=file.unavailable,
    )


def _file_name(name: str | None) -> str | None:
    """Return the name without its path, whichever way the slashes lean."""
    last = safe(name or "").replace("\\", "/").rsplit("/", 1)[-1].strip()
    return last[:MAX_TITLE] if last.strip(".") else None


def _could_exceed(draft: Draft, limit: int) -> bool:
    """Say whether any text may be over its limit, without encoding one."""
    if draft.quoted or draft.signature or draft.extra or len(draft.text) * 4 > limit:
        return True
    return draft.title is not None and len(draft.title) > MAX_TITLE


def _within(draft: Draft, limit: int) -> tuple[Draft, tuple[File, ...]]:
    texts = {"text": draft.text, "quoted": draft.quoted or "", "signature": draft.signature or ""}
    short = {name: cut(text, limit) for name, text in texts.items()}
    over = [File(name=f"{name}.txt", media_type=_PLAIN, data=texts[name].encode()) for name in _longer(texts, short)]
    changes: dict[str, object] = {name: short[name] for name in _longer(texts, short)}
    if draft.title is not None and len(draft.title) > MAX_TITLE:
        over.append(File(name="title.txt", media_type=_PLAIN, data=draft.title.encode()))
        changes["title"] = draft.title[:MAX_TITLE]
    if draft.extra and sum(map(len, draft.extra.values())) * 4 > limit:
        over.append(File(name="extra.json", media_type="application/json", data=msgspec.json.encode(draft.extra)))
        changes["extra"] = {}
    return (structs.replace(draft, **changes) if changes else draft), tuple(over)


def _longer(texts: dict[str, str], short: dict[str, str]) -> Iterator[str]:
    return (name for name, text in texts.items() if short[name] is not text)


def _optional(text: str | None) -> str | None:
    return safe(text) if text is not None else None


def _all(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(safe, texts))


def _party(party: Party) -> Party:
    return Party(kind=safe(party.kind), value=safe(party.value), name=_optional(party.name))


def _finding(finding: Finding) -> Finding:
    return structs.replace(finding, value=safe(finding.value))


def _thread(thread: Thread) -> Thread:
    return Thread(
        message_id_header=_optional(thread.message_id_header),
        references=_all(thread.references[-MAX_PARTIES:]),
        token=_optional(thread.token),
        quoted_ticket_nos=_all(thread.quoted_ticket_nos),
        reply_to=_optional(thread.reply_to),
    )


_NO_THREAD = Thread()
