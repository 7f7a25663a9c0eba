"""Reads inputs of assign that were acknowledged before, and of which the event log may know nothing any more."""

from collections.abc import AsyncGenerator
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from broker.aio_client import SILENT_SECONDS, Progress, running
from broker.heartbeat import beat
from schemas import topics

PIECE = 500
"""Inputs that are decided together."""


async def acknowledged(
    options: dict[str, Any], partition: int, begin: int, end: int
) -> AsyncGenerator[list[ConsumerRecord[bytes, bytes]], None]:
    """Yield the inputs from `begin` up to before `end`, as far as the topic still has them, piece by piece.

    Raises aiokafka's KafkaError, or UnreachableError, when Kafka does not answer.
    """
    place = TopicPartition(topics.MESSAGE, partition)
    made = AIOKafkaConsumer(
        **options,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",  # of what retention takes meanwhile; otherwise it would go on at the end
        fetch_max_wait_ms=50,
    )
    async with running(made) as consumer:
        consumer.assign([place])
        first = (await consumer.beginning_offsets([place]))[place]
        consumer.seek(place, max(begin, first))
        progress = Progress(place.topic, SILENT_SECONDS)  # a client may have ended without a word
        while (position := await consumer.position(place)) < end:
            progress.at(position)
            batches = await consumer.getmany(place, timeout_ms=200, max_records=PIECE)
            if records := [record for record in batches.get(place, ()) if record.offset < end]:
                beat()
                yield records


async def end_of_acknowledged(options: dict[str, Any], group: str, partition: int) -> int:
    """Return where a group stands in the input, or where that ends, when Kafka lost its end.

    Raises aiokafka's KafkaError, or UnreachableError, when Kafka does not answer.
    """
    place = TopicPartition(topics.MESSAGE, partition)
    async with running(AIOKafkaConsumer(**options, group_id=group, enable_auto_commit=False)) as consumer:
        consumer.assign([place])  # who reads by hand joins nobody
        committed: int = await consumer.committed(place) or 0
        end: int = (await consumer.end_offsets([place]))[place]
        return min(committed, end)
