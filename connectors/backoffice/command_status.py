"""Outcome of a command in the event log: carried out, refused, or not decided yet."""

import time
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from broker.config import KafkaConnection
from broker.sync_client import reader
from schemas import ids, topics
from schemas.codec import decode
from schemas.records import Event, event

POLL_MS = 200


def find(
    connection: KafkaConnection, command_id: str, jurisdiction: str, since: datetime, seconds: float
) -> Event | None:
    """Return the decision about a command among those written after `since`; None without one in `seconds`.

    Reads the committed events of one city's partition. Raises UnreachableError, UnauthorizedError,
    MisconfiguredError.
    """
    wanted, unproven = f"command:{command_id}".encode(), f"unproven:{command_id}:".encode()
    deadline = time.monotonic() + seconds
    place = TopicPartition(topics.EVENT, ids.partition_of(jurisdiction, connection.partitions))
    with reader(connection) as consumer:
        consumer.assign([place])
        _start(consumer, place, since)
        while True:
            for record in consumer.poll(timeout_ms=POLL_MS).get(place, ()):
                decided = dict(record.headers).get("ce_id") or b""
                if decided == wanted or decided.startswith(unproven):
                    return decode(record.value, Event)
            if time.monotonic() > deadline:
                return None


def refusal(decision: Event) -> event.CommandRefused | None:
    """Return the refusal of a command; None if it was carried out."""
    refused = (change for change in decision.changes if isinstance(change, event.CommandRefused))
    return next(refused, None)


def _start(consumer: Any, place: TopicPartition, since: datetime) -> None:
    end = consumer.end_offsets([place])[place]  # read first, so that no record written meanwhile is skipped
    found = consumer.offsets_for_times({place: int(since.timestamp() * 1000)}).get(place)
    consumer.seek(place, found.offset if found is not None else end)
