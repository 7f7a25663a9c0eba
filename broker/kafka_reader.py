"""Reads Kafka for people: one topic up to its present end, or one record; never a group, never a commit.

Raises as `broker.sync_client.reader` does, and MisconfiguredError for a topic that there is not.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from broker.config import KafkaConnection
from broker.sync_client import position as stands
from broker.sync_client import reader, up_to
from schemas.codec import Position
from schemas.errors import MisconfiguredError

NEAR_RECORDS = 2_000
"""A gap that is read over; a longer one is sought over."""


class NoTopicError(MisconfiguredError):
    """Kafka shows our user no such topic."""


def read_all(connection: KafkaConnection, topic: str, since: datetime | None = None) -> Iterator[Any]:
    """Yield the committed records of a topic, partition by partition, up to the end as it is now.

    With `since`, begin where Kafka got the first record at that time or later.
    """
    with reader(connection) as consumer:
        for number in sorted(_partitions(consumer, topic)):
            partition = TopicPartition(topic, number)
            consumer.assign([partition])
            _seek(consumer, partition, since)
            yield from _up_to_the_end(consumer, partition)


def read_partition(connection: KafkaConnection, topic: str, number: int, start: int = 0) -> Iterator[Any]:
    """Yield the committed records of one partition from an offset on, up to the end as it is now."""
    partition = TopicPartition(topic, number)
    with reader(connection) as consumer:
        consumer.assign([partition])
        consumer.seek(partition, max(start, consumer.beginning_offsets([partition])[partition]))
        yield from _up_to_the_end(consumer, partition)


def bounds(connection: KafkaConnection, topic: str) -> dict[int, tuple[int, int]]:
    """Return for each partition the offset of its first record and the offset behind its last."""
    with reader(connection) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(_partitions(consumer, topic))]
        begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        return {place.partition: (begins[place], ends[place]) for place in places}


def offsets_at(connection: KafkaConnection, topic: str, at: datetime) -> dict[int, int | None]:
    """Return for each partition the first offset written at a time or later, None where there is none."""
    with reader(connection) as consumer:
        places = [TopicPartition(topic, number) for number in _partitions(consumer, topic)]
        found = consumer.offsets_for_times(dict.fromkeys(places, _milliseconds(at)))
        return {place.partition: found[place].offset if found[place] else None for place in places}


def read_one(connection: KafkaConnection, position: Position) -> Any | None:
    """Return the record at a position; None when retention has taken it or it never was."""
    partition = TopicPartition(position.topic, position.partition)
    with reader(connection) as consumer:
        if position.partition not in _partitions(consumer, position.topic):
            return None
        consumer.assign([partition])
        first = consumer.beginning_offsets([partition])[partition]
        if not first <= position.offset < consumer.end_offsets([partition])[partition]:
            return None
        consumer.seek(partition, position.offset)
        found = next(_up_to_the_end(consumer, partition), None)
        return found if found is not None and found.offset == position.offset else None


def records_at(consumer: Any, partition: TopicPartition, offsets: Iterable[int]) -> Iterator[Any]:
    """Yield the records at these offsets in their order, as far as they are still there."""
    consumer.assign([partition])
    begin = consumer.beginning_offsets([partition])[partition]
    end = consumer.end_offsets([partition])[partition]
    rest = deque(offset for offset in sorted(set(offsets)) if begin <= offset < end)
    if rest:
        consumer.seek(partition, rest[0])
    for found in up_to(consumer, {partition: end}):
        for record in found.get(partition, ()):
            _pass(rest, record.offset)
            if rest and rest[0] == record.offset:
                yield record
                rest.popleft()
        here = stands(consumer, partition)
        _pass(rest, here)
        if not rest:
            return
        if not 0 <= rest[0] - here < NEAR_RECORDS:
            consumer.seek(partition, rest[0])


def named(connection: KafkaConnection, topic: str, number: int, since: Mapping[bytes, datetime]) -> dict[bytes, Any]:
    """Return the first committed record of each `ce_id` in one partition, written at its time in `since` or later.

    Reads from each of these times on, and no record twice.
    """
    found: dict[bytes, Any] = {}
    partition, reached = TopicPartition(topic, number), 0
    with reader(connection) as consumer:
        consumer.assign([partition])
        for wanted, at in sorted(since.items(), key=lambda one: one[1]):
            begin = consumer.offsets_for_times({partition: _milliseconds(at)})[partition]
            if wanted in found or begin is None:
                continue
            consumer.seek(partition, max(begin.offset, reached))
            for record in _up_to_the_end(consumer, partition):
                name, reached = dict(record.headers).get("ce_id", b""), record.offset + 1
                if name in since:
                    found.setdefault(name, record)
                if name == wanted:
                    break
    return found


def _pass(rest: deque[int], offset: int) -> None:
    """Give up the offsets before one that was reached: a transaction's marker, compacted, or gone meanwhile."""
    while rest and rest[0] < offset:
        rest.popleft()


def _seek(consumer: Any, partition: TopicPartition, since: datetime | None) -> None:
    if since is None:
        consumer.seek_to_beginning(partition)
        return
    found = consumer.offsets_for_times({partition: _milliseconds(since)})[partition]
    if found is None:
        consumer.seek_to_end(partition)
    else:
        consumer.seek(partition, found.offset)


def _milliseconds(at: datetime) -> int:
    """Return a time as Kafka counts it: there was none before 1970, and asking for one is a fault to its client."""
    return max(0, int(at.timestamp() * 1000))


def _up_to_the_end(consumer: Any, partition: TopicPartition) -> Iterator[Any]:
    end = consumer.end_offsets([partition])[partition]
    for found in up_to(consumer, {partition: end}):
        yield from found.get(partition, ())


def _partitions(consumer: Any, topic: str) -> set[int]:
    numbers: set[int] | None = consumer.partitions_for_topic(topic)
    if not numbers:
        raise NoTopicError(
            f"Kafka shows our user no topic {topic}: run `hotline topics create`, or see `hotline doctor`."
        )
    return numbers
