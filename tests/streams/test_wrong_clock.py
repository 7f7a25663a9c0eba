"""A host whose clock is wrong: what it writes is kept, and its emergencies are no old news."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from broker.config import KafkaConnection
from normalizers.base import Policy
from schemas import topics
from schemas.records import raw_of
from streams.screen import screen
from tests.streams.raws import outbound

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def taken(recorded: datetime, sent: datetime = NOW, appended: datetime | None = NOW) -> Any:
    """Return a record that a connector's clock and the broker's tell of."""
    one = outbound(1, "三楼着火了，快来人", time=sent, recorded=recorded)
    at = int(appended.timestamp() * 1000) if appended else -1
    place = {"topic": one.topic, "partition": 0, "offset": 7, "timestamp": at}
    return SimpleNamespace(key=one.key, value=one.value, headers=one.headers, **place)


@pytest.mark.integration
@pytest.mark.parametrize("topic", [topics.raw("mailbox"), topics.EVENT, topics.TICKET])
def test_the_broker_says_when_a_record_came(fresh_topics: KafkaConnection, topic: str) -> None:
    began = datetime.now(UTC)
    producer = KafkaProducer(**fresh_topics.client_options())
    for wrong in (datetime(1970, 1, 2, tzinfo=UTC), began + timedelta(days=365)):
        written = producer.send(topic, b"{}", key=b"k", partition=0, timestamp_ms=int(wrong.timestamp() * 1000))
        written.get(60)
    producer.close()
    consumer = KafkaConsumer(**fresh_topics.client_options())
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    found = [next(consumer).timestamp / 1000 for _ in range(2)]
    consumer.close()
    assert all(-60 < at - began.timestamp() < 600 for at in found)


@pytest.mark.parametrize("ahead", [timedelta(minutes=11), timedelta(days=400)])
def test_what_a_clock_ahead_took_was_taken_before_the_broker_had_it(ahead: timedelta) -> None:
    raw = raw_of(taken(NOW + ahead, sent=NOW + ahead))
    assert (raw.envelope.recordedtime, raw.envelope.time) == (NOW, NOW)
    sent = NOW - timedelta(minutes=2)
    raw = raw_of(taken(NOW + ahead, sent=sent))
    assert (raw.envelope.recordedtime, raw.envelope.time) == (NOW, sent)


@pytest.mark.parametrize("recorded", [NOW + timedelta(minutes=9), NOW - timedelta(days=90)])
def test_clocks_that_differ_a_little_and_what_waited_long_are_believed(recorded: datetime) -> None:
    assert raw_of(taken(recorded)).envelope.recordedtime == recorded


def test_a_record_without_a_time_is_believed() -> None:
    assert raw_of(taken(NOW + timedelta(days=400), appended=None)).envelope.recordedtime == NOW + timedelta(days=400)


def test_an_emergency_that_a_clock_ahead_took_alarms() -> None:
    handed = screen(raw_of(taken(NOW + timedelta(days=400))), Policy(), may_be_read=False)
    assert handed is not None
    assert (handed.stale, handed.taken_at) == (False, NOW)
