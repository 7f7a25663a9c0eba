"""The ledger is balanced only when every message is filed and every emergency handed over."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct

from hotline.dev.demo.ledger import Ledger
from normalizers.base import DEMO_KEY, DEMO_KEY_ID, Policy
from normalizers.handover import handover
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import encode
from schemas.envelope import Envelope, type_of
from schemas.records import Link, Message, raw_message

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


class Record(Struct):
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def written(text: str) -> tuple[Record, Message]:
    raw = raw_message(
        channel="record", channel_kind="web", account="a", jurisdiction="210100", identifier=text,
        value=encode({"id": text, "text": text}), content_type="application/json", time=NOW, recorded=NOW,
    )  # fmt: skip
    message = normalize(raw, Policy(requester_keys={DEMO_KEY_ID: DEMO_KEY})).message
    return Record(topics.raw("record"), b"", raw.value, raw.envelope.headers()), message


def record(topic: str, kind: str, value: Any) -> Record:
    envelope = Envelope(id="x", source="/hotline/test/210100", type=type_of(kind), time=NOW, recordedtime=NOW)
    return Record(topic, b"key", encode(value), envelope.headers())


def silent(message: Message) -> Link:
    return Link(
        message_id=message.message_id, jurisdiction="210100", relation="no_ticket", decided_at=NOW, policy_version="1"
    )


@pytest.mark.parametrize(("text", "urgent"), [("路灯坏了", False), ("三楼着火了，有老人下不来", True)])
def test_a_filed_message_is_accounted_for_when_its_emergency_is_handed_over(text: str, urgent: bool) -> None:
    ledger, (raw, message) = Ledger(), written(text)
    told = handover(message)
    assert (told is not None) == urgent
    ledger.take(raw)
    assert not ledger.totals().balanced
    ledger.take(record(topics.MESSAGE, "message", message))
    ledger.take(record(topics.MESSAGE, "message", message))
    assert not ledger.totals().balanced
    ledger.take(record(topics.LINK, "link", silent(message)))
    assert ledger.totals().balanced != urgent
    if told:
        ledger.take(record(topics.HANDOVER, "handover", told))
    assert ledger.totals().balanced


def test_a_command_is_no_message() -> None:
    ledger = Ledger()
    ledger.take(record(topics.MESSAGE, "command", {"command_id": "c"}))
    assert ledger.totals().messages == 0
