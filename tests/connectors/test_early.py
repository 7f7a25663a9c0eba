"""While the blob store is away, an emergency in a large message is told by how the message begins."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

import obstore
import pytest
from msgspec.structs import replace
from obstore.store import MemoryStore

from connectors.publish.preview import Early
from connectors.publish.publisher import Publisher
from normalizers.base import Policy
from schemas import topics
from schemas.codec import Inbound, Outbound, decode
from schemas.envelope import Envelope
from schemas.errors import StoreAwayError, UnreachableError
from schemas.ids import message_id
from schemas.records import Handover, RawMessage, raw_of
from schemas.records.raw import BEGINNING_BYTES
from sinks import archive_sources
from streams.engine.input import whole
from streams.screen import screen_chunk
from tests.connectors.test_put_aside import Broker, message

FIRE = "中山路12号三楼着火了,有人被困,快来救火"


def letter(text: str = FIRE, size: int = 2 << 20, order: int = 1) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "citizen@example.cn", "求助"
    mail.set_content(text)
    mail.add_attachment(bytes(range(256)) * (size // 256), maintype="image", subtype="jpeg", filename="现场.jpg")
    return mail.as_bytes()


class Slim(Inbound):
    """A record of Kafka as the streams read it."""

    def __init__(self, one: Outbound) -> None:
        self.topic, self.partition, self.offset, self.timestamp = one.topic, 0, 1, 0
        self.key, self.value, self.headers = one.key, one.value, one.headers


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def refuses(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(obstore, "put", refuses)
    return monkeypatch


def publisher(broker: Broker) -> Publisher:
    return Publisher(None, MemoryStore(), producer=broker)  # type: ignore[arg-type] # a fake producer; nothing connects


def test_the_alarm_goes_out_once_and_the_whole_comes_later(broker: Broker, away: pytest.MonkeyPatch) -> None:
    large, small, made = message("1", letter()), message("2"), publisher(broker)
    for _ in range(3):
        with pytest.raises(StoreAwayError):
            made.publish([large, small])
    (told,) = broker.held
    assert (told.topic, len(told.value)) == (topics.raw("mailbox"), BEGINNING_BYTES)
    (handed,) = screen_chunk([(Slim(told), raw_of(Slim(told)))], Policy()).handed
    urgent = decode(handed.outbound.value, Handover)
    assert urgent.handover_id == large.message_id
    assert FIRE in urgent.text
    away.undo()
    made.publish([large, small])
    envelope = Envelope.of(broker.held[1].headers)
    assert message_id(envelope.source, envelope.id) == urgent.handover_id
    assert envelope.dataref


def test_nobody_but_screen_reads_a_beginning(broker: Broker, away: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreAwayError):
        publisher(broker).publish([message("1", letter())])
    (told,) = broker.held
    other = Slim(message("2").outbound())
    assert whole([Slim(told), other]) == [other]
    assert all(dict(told.headers)["ce_type"] in source.skip for source in archive_sources())


class Refusing:
    """Takes nothing until it is mended."""

    def __init__(self, fault: Exception) -> None:
        self.fault: Exception | None = fault
        self.asked = 0

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        self.asked += 1
        if self.fault:
            raise self.fault


def told(one: RawMessage, fault: Exception) -> Refusing:
    producer = Refusing(fault)
    early = Early(producer)
    early.tell([one])
    producer.fault = None
    early.tell([one])
    early.tell([one])
    return producer


def test_kafka_that_is_away_too_is_told_with_the_next_try_and_a_fault_of_ours_ends_nothing() -> None:
    one = message("1", letter())
    assert told(one, UnreachableError("away")).asked == 2
    assert told(one, ZeroDivisionError()).asked == 1
    assert told(replace(one, backfill=True), UnreachableError("away")).asked == 0
