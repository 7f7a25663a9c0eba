"""Records read for people: what is not there any more, and a Kafka that falls silent, end the reading with a word."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_client import reader
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import Outbound, Position
from schemas.errors import MalformedError, UnreachableError
from tests.fresh import admin_of
from tests.frozen import frozen
from tests.hotline.letters import hotline, letter, send

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60, func_only=True)]


SILENCE = "has sent no .* run `hotline doctor`"


READ_SECONDS = 7.0
"""A busy machine may stand still for some of them before the first record comes."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.sync_client.READ_SECONDS", READ_SECONDS)


@pytest.fixture
def fat(stack: Endpoints) -> tuple[KafkaConnection, str]:
    """A topic of which one fetch brings only a part."""
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=1)
    topic = f"reading-{time.time_ns()}"
    made(connection, topic)
    fill(connection, topic, [b"x" * 700_000] * 12)
    return connection, topic


def made(connection: KafkaConnection, topic: str) -> None:
    with admin_of(connection) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])


def fill(connection: KafkaConnection, topic: str, values: Iterable[bytes]) -> None:
    producer = KafkaProducer(**connection.client_options())
    for value in values:
        producer.send(topic, value, partition=0)
    producer.close()


async def write(connection: KafkaConnection, topic: str) -> None:
    """Write three records in a transaction, whose marker stands behind them."""
    made = AIOKafkaProducer(**connection.aiokafka_options(), transactional_id=topic)
    async with made as producer, producer.transaction():
        for number in range(3):
            await producer.send_and_wait(topic, b"%d" % number)


def test_an_offset_that_holds_no_record_is_passed_over_at_the_end_of_a_partition(stack: Endpoints) -> None:
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=1)
    topic = f"reading-{time.time_ns()}"
    made(connection, topic)
    asyncio.run(write(connection, topic))
    marker = 3
    while kafka_reader.bounds(connection, topic)[0][1] <= marker:
        time.sleep(0.1)
    with reader(connection) as consumer:
        found = list(kafka_reader.records_at(consumer, TopicPartition(topic, 0), [1, marker]))
    assert [one.offset for one in found] == [1]


def test_a_time_before_all_of_kafkas_is_the_beginning(stack: Endpoints) -> None:
    """A year that somebody mistyped had ended `dead list --since` and `replay --from` with a traceback."""
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=1)
    topic, long_ago = f"reading-{time.time_ns()}", datetime(226, 11, 28, tzinfo=UTC)
    made(connection, topic)
    asyncio.run(write(connection, topic))
    assert [one.value for one in kafka_reader.read_all(connection, topic, long_ago)] == [b"0", b"1", b"2"]
    assert kafka_reader.offsets_at(connection, topic, long_ago) == {0: 0}


@pytest.mark.usefixtures("impatient")
def test_a_kafka_that_falls_silent_in_the_middle_ends_the_reading(
    fat: tuple[KafkaConnection, str], local_stack: Stack
) -> None:
    records = kafka_reader.read_all(*fat)
    assert next(records).offset == 0
    with frozen(local_stack.pid("kafka")), pytest.raises(UnreachableError, match=SILENCE):
        list(records)


@pytest.mark.usefixtures("impatient")
def test_so_does_one_that_falls_silent_while_single_records_are_looked_for(
    fat: tuple[KafkaConnection, str], local_stack: Stack
) -> None:
    connection, topic = fat
    with reader(connection) as consumer:
        records = kafka_reader.records_at(consumer, TopicPartition(topic, 0), [0, 11])
        assert next(records).offset == 0
        with frozen(local_stack.pid("kafka")), pytest.raises(UnreachableError, match=SILENCE):
            list(records)


@pytest.mark.usefixtures("impatient")
def test_a_verb_says_so_in_one_sentence(
    operators_kafka: KafkaConnection, local_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Outbound(topics.raw("sms"), b"key", b"x" * 300_000, [])
    places = [Position(record.topic, 0, number) for number in range(12 * operators_kafka.partitions)]
    send(operators_kafka, *(letter("normalize", place, record, MalformedError("no")) for place in places))
    polled, silence = KafkaConsumer.poll, ExitStack()

    def poll(self: KafkaConsumer, **options: int) -> Any:
        found = polled(self, **options)
        if found:
            monkeypatch.undo()
            monkeypatch.setattr("broker.sync_client.READ_SECONDS", READ_SECONDS)
            silence.enter_context(frozen(local_stack.pid("kafka")))
        return found

    monkeypatch.setattr(KafkaConsumer, "poll", poll)
    with silence:
        refused = hotline("dead", "list", "--count")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"hotline: Kafka has sent no {topics.DEAD} for 7 s although it has more: check")
    assert len(refused.stderr.splitlines()) == 1
