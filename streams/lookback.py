"""Looks back into the input for single messages: those of a clerk's order, and what came before of a call or a text."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from broker.aio_client import running
from schemas.codec import decode
from schemas.envelope import type_of
from schemas.records import Message

_MESSAGE = ("ce_type", type_of("message").encode())
PATIENCE_MS = 5_000


async def messages_at(options: dict[str, Any], topic: str, partition: int, offsets: Sequence[int]) -> list[Message]:
    """Return the messages at these offsets, in this order, without those that retention has taken.

    Raises aiokafka's KafkaError, or UnreachableError, when Kafka does not answer.
    """
    place = TopicPartition(topic, partition)
    async with running(AIOKafkaConsumer(**options, enable_auto_commit=False, fetch_max_wait_ms=50)) as consumer:
        consumer.assign([place])
        first = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        found = [await _at(consumer, place, offset) for offset in offsets if first <= offset < end]
    return [message for message in found if message is not None]


async def _at(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> Message | None:
    consumer.seek(place, offset)
    batches = await consumer.getmany(place, timeout_ms=PATIENCE_MS, max_records=1)
    record = next(iter(batches.get(place, ())), None)
    if record is None:
        raise KafkaTimeoutError("the input does not give a record that it has")
    if record.offset != offset or _MESSAGE not in record.headers:
        return None
    return decode(record.value or b"", Message)
