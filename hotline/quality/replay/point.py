"""Start of a replay: an offset of the input log, a time, or a decision."""

from collections.abc import Mapping
from datetime import datetime

from broker import kafka_reader
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import decode
from schemas.errors import MisconfiguredError
from schemas.ids import SHANGHAI
from schemas.records import Event


def begins(connection: KafkaConnection, point: str | None) -> dict[int, int]:
    """Return the first input that is decided anew, by partition; partitions that have none are left out.

    `point` is `partition:offset` of the input log, a time (inputs that Kafka got then or later), the id of a decision
    (itself included), or None for everything. Raises MisconfiguredError for anything else.
    """
    bounds = kafka_reader.bounds(connection, topics.MESSAGE)
    if point is None:
        return {number: begin for number, (begin, end) in bounds.items() if begin < end}
    partition, colon, offset = point.partition(":")
    if colon and partition.isdecimal() and offset.isdecimal():
        return {int(partition): _offset(bounds, int(partition), int(offset))}
    at = _time(point)
    if at is not None:
        found = kafka_reader.offsets_at(connection, topics.MESSAGE, at)
        return {number: first for number, first in sorted(found.items()) if first is not None}
    return _of_event(connection, point)


def _offset(bounds: Mapping[int, tuple[int, int]], partition: int, offset: int) -> int:
    """Return an offset of the input log, or its end: behind that nothing could differ."""
    if partition not in bounds:
        raise MisconfiguredError(f"{topics.MESSAGE} has no partition {partition}: choose one of 0-{len(bounds) - 1}.")
    end = bounds[partition][1]
    if offset > end:
        raise MisconfiguredError(f"Partition {partition} of {topics.MESSAGE} ends before offset {end}: correct --from.")
    return offset


def refuse_to_come(point: str | None, now: datetime) -> None:
    """Raise MisconfiguredError for a time in the future: a replay of nothing proves nothing."""
    at = _time(point) if point else None
    if at is not None and at > now:
        raise MisconfiguredError(f"{point} lies in the future: correct --from.")


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _of_event(connection: KafkaConnection, event_id: str) -> dict[int, int]:
    for record in kafka_reader.read_all(connection, topics.EVENT):
        decision = decode(record.value, Event)
        if decision.event_id == event_id:
            return {decision.input.partition: decision.input.offset}
    raise MisconfiguredError(
        "This is neither partition:offset, nor a time (2026-11-25T08:00), nor a decision in the event log: "
        "correct --from."
    )
