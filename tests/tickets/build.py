"""Messages for the tests of tickets and assign, made the way the normalizers make them."""

import hashlib
from datetime import UTC, datetime, timedelta

from schemas import ids, topics
from schemas.codec import Position
from schemas.records import Attachment, Emergency, Features, Message, Party, RawRef

START = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CITY = "210100"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def message(
    number: int,
    text: str = "中山路12号门口的路灯坏了三天",
    *,
    sender: str = "13800138000",
    answers: tuple[str, ...] = (),
    message_class: str = "person",
    jurisdiction: str = CITY,
    cc: tuple[str, ...] = (),
    codes: tuple[str, ...] = (),
    emergency: Emergency | None = None,
    attachments: tuple[Attachment, ...] = (),
    minutes: float | None = None,
    channel: str = "mailbox",
) -> Message:
    at = START + timedelta(minutes=number if minutes is None else minutes)
    source, identifier = f"/hotline/{channel}/mayor", f"{jurisdiction}-{number}"
    return Message(
        message_id=ids.message_id(source, identifier),
        source=source,
        id=identifier,
        channel=channel,
        channel_kind="imap",
        account="mayor",
        jurisdiction=jurisdiction,
        received_at=at,
        ingested_at=at,
        message_class=message_class,
        sender=Party(kind="phone", value=sender),
        title=text[:10],
        text=text,
        search_text=text,
        emergency=emergency,
        attachments=attachments,
        features=Features(
            message_class=message_class,
            text_key=digest(text) if text else None,
            requesters=(f"k:{digest(sender)}",),
            participants=tuple(f"k:{digest(one)}" for one in cc),
            message_key=digest(f"thread {jurisdiction}-{number}"),
            threads=tuple(digest(f"thread {one}") for one in answers),
            codes=codes,
        ),
        raw=RawRef(sha256=digest(identifier)),
        normalizer_version=1,
    )


def position(offset: int, partition: int = 0) -> Position:
    return Position(topics.MESSAGE, partition, offset)
