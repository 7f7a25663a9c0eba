"""Reads Kafka for people: one topic up to its present end, or one record; never a group, never a commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.producer import translated
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from schemas.wire import Position

PATIENCE_MS = 5_000


def read_all(connection: KafkaConnection, topic: str) -> Iterator[Any]:
    """Yield the committed records of a topic, partition by partition, up to the end as it is now."""
    with _consumer(connection) as consumer:
        for number in sorted(_partitions(consumer, topic)):
            partition = TopicPartition(topic, number)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            yield from _up_to_the_end(consumer, partition)


def read_one(connection: KafkaConnection, position: Position) -> Any | None:
    """Return the record at a position; None when retention has taken it or it never was."""
    partition = TopicPartition(position.topic, position.partition)
    with _consumer(connection) as consumer:
        if position.partition not in _partitions(consumer, position.topic):
            return None
        consumer.assign([partition])
        first = consumer.beginning_offsets([partition])[partition]
        if not first <= position.offset < consumer.end_offsets([partition])[partition]:
            return None
        consumer.seek(partition, position.offset)
        found = next(_up_to_the_end(consumer, partition), None)
        return found if found is not None and found.offset == position.offset else None


def backlog(connection: KafkaConnection, group: str, topic: str) -> int:
    """Return how many records of a topic a consumer group has not committed; all of them for a new group."""
    with _consumer(connection, group_id=group) as consumer:
        partitions = [TopicPartition(topic, number) for number in _partitions(consumer, topic)]
        ends, begins = consumer.end_offsets(partitions), consumer.beginning_offsets(partitions)
        return sum(ends[one] - max(begins[one], consumer.committed(one) or 0) for one in partitions)


def _up_to_the_end(consumer: Any, partition: TopicPartition) -> Iterator[Any]:
    end = consumer.end_offsets([partition])[partition]
    while consumer.position(partition) < end:
        yield from consumer.poll(timeout_ms=1000).get(partition, ())


def _partitions(consumer: Any, topic: str) -> set[int]:
    numbers: set[int] | None = consumer.partitions_for_topic(topic)
    if not numbers:
        raise MisconfiguredError(f"Kafka has no topic {topic}: run `hotline topics create`.")
    return numbers


@contextmanager
def _consumer(connection: KafkaConnection, group_id: str | None = None) -> Iterator[Any]:
    consumer: Any = None
    try:
        consumer = KafkaConsumer(
            **connection.client_options(),
            group_id=group_id,
            enable_auto_commit=False,
            isolation_level="read_committed",
            bootstrap_timeout_ms=PATIENCE_MS,
            request_timeout_ms=2 * PATIENCE_MS,
        )
        yield consumer
    except (KafkaError, OSError) as error:
        raise translated(error) from error
    finally:
        if consumer is not None:
            consumer.close()
