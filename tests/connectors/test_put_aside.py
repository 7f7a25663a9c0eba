"""A message over which a fault of ours comes again and again is put aside whole, and those behind it go on."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import obstore
import pytest
from msgspec.structs import replace
from obstore.store import LocalStore, MemoryStore

from connectors.publish.publisher import ATTEMPTS, Publisher
from schemas import topics
from schemas.codec import Outbound
from schemas.records import RawMessage, raw_message
from schemas.records.raw import INLINE_LIMIT

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class NoClock(tzinfo):
    """Times with it cannot even be compared."""

    def utcoffset(self, at: datetime | None) -> timedelta:
        raise ZeroDivisionError("a citizen's words")


class Broker:
    """Holds what it is given."""

    def __init__(self) -> None:
        self.held: list[Outbound] = []

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        self.held += records


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def blobs() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def publisher(broker: Any, blobs: MemoryStore) -> Publisher:
    return Publisher(None, blobs, producer=broker)  # type: ignore[arg-type] # a fake producer; nothing connects


def message(identifier: str, value: bytes = b"words") -> RawMessage:
    return raw_message(
        channel="mailbox", channel_kind="mailbox", account="a", jurisdiction="430100", identifier=identifier,
        value=value, content_type="message/rfc822", time=NOW, recorded=NOW,
    )  # fmt: skip


def spoilt(identifier: str, value: bytes = b"words") -> RawMessage:
    one = message(identifier, value)
    return replace(one, envelope=replace(one.envelope, time=NOW.replace(tzinfo=NoClock())))


def again_and_again(publisher: Publisher, batch: Sequence[RawMessage]) -> None:
    for _ in range(ATTEMPTS - 1):
        with pytest.raises(ZeroDivisionError):
            publisher.publish(batch)
    publisher.publish(batch)


def test_a_message_that_spoils_its_batch_again_and_again_becomes_a_dead_letter(
    publisher: Publisher, broker: Broker
) -> None:
    again_and_again(publisher, [message("1"), spoilt("2"), message("3")])
    assert [record.topic for record in broker.held] == [topics.raw("mailbox"), topics.DEAD, topics.raw("mailbox")]
    letter = broker.held[1]
    headers = dict(letter.headers)
    assert (letter.value, headers["ce_id"]) == (b"words", b"2")
    assert headers["hotline.error.code"] == b"internal"
    assert headers["__connect.errors.exception.message"] == b"ZeroDivisionError"


def test_its_bytes_are_kept_however_many_they_are(publisher: Publisher, broker: Broker, blobs: MemoryStore) -> None:
    large = bytes(INLINE_LIMIT + 1)
    again_and_again(publisher, [spoilt("1", large)])
    path = dict(broker.held[0].headers)["ce_dataref"].decode()
    assert bytes(obstore.get(blobs, path).bytes()) == large


def test_large_bytes_are_on_the_disk_for_good_before_kafka_knows_of_them(
    broker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender is told that we have them: Kafka lies on other machines, which keep power when this one loses it."""
    synced: list[str] = []

    def sync(handle: int) -> None:
        assert broker.held == []
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)

    monkeypatch.setattr(os, "fsync", sync)
    one = message("1", b"x" * (INLINE_LIMIT + 1))
    Publisher(None, LocalStore(tmp_path / "blobs", mkdir=True), producer=broker).publish([one])  # type: ignore[arg-type] # a fake producer; nothing connects
    assert {one.envelope.sha256, one.message_id, "430100", "blobs"} <= set(synced)
    assert len(broker.held) == 1
