"""Reads the two logs from which a partition's state is restored."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from broker.aio_client import SILENT_SECONDS, closed, running, started
from broker.heartbeat import beat
from broker.reader_progress import Progress
from schemas import topics
from schemas.codec import decode
from schemas.envelope import type_of
from schemas.errors import UnreachableError
from schemas.records import Event, Message

# Reads inputs of assign that were acknowledged before, and of which the event log may know nothing any more.

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


BATCH_RECORDS = 5_000

_MARKER = 1
_LONG_AGO = (topics.TOPICS[topics.EVENT].retention_ms or 0) / 1000 / 2


async def refuse_hanging(options: dict[str, Any], partition: int) -> None:
    """Raise UnreachableError where the logs of a partition cannot be read up to their ends, by whoever has fenced it.

    Nobody but its owner writes to them, and a transaction that was to end has ended when the next owner is let in.
    What is behind one that hangs would be decided a second time.
    """
    places = [TopicPartition(topics.EVENT, partition), TopicPartition(topics.TICKET, partition)]
    ends = await _ends(options, places, "read_uncommitted")
    readable = await _ends(options, places, "read_committed")
    for place in places:
        if readable[place] < ends[place]:
            raise UnreachableError(
                f"the log cannot be read to its end: partition {partition} of {place.topic} has a hanging "
                "transaction: run `hotline topics hanging`"
            )


async def _ends(options: dict[str, Any], places: list[TopicPartition], isolation: str) -> dict[TopicPartition, int]:
    asking = AIOKafkaConsumer(**options, isolation_level=isolation, enable_auto_commit=False)
    async with running(asking) as client:
        ends: dict[TopicPartition, int] = await client.end_offsets(places)
    return ends


class Logs:
    """Reads the event log and the ticket log of one partition, committed records only."""

    def __init__(self, options: dict[str, Any], partition: int) -> None:
        self._options = options
        self._event = TopicPartition(topics.EVENT, partition)
        self._ticket = TopicPartition(topics.TICKET, partition)

    async def __aenter__(self) -> "Logs":
        self._consumer = AIOKafkaConsumer(
            **self._options,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",  # of what is gone meanwhile; otherwise it would go on at the end
            max_partition_fetch_bytes=4 * 1024 * 1024,
            fetch_max_wait_ms=50,
        )
        try:
            await started(self._consumer.start)
        except BaseException:
            await closed(self._consumer.stop)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await closed(self._consumer.stop)

    async def end_of_input(self, partition: int) -> int:
        """Return the offset after the newest input."""
        tp = TopicPartition(topics.MESSAGE, partition)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets([tp])
        return ends[tp]

    async def holds(self, last_event: int, last_event_id: str) -> bool:
        """Say whether the event log is the one in which this event stood last, when a state was put aside."""
        begin, end = await self._bounds(self._event)
        if not begin <= last_event < end:
            return begin > last_event  # retention took the event since; a topic made anew begins at 0
        async for record in self._read(self._event, last_event):
            same: bool = decode(record.value or b"", Event).event_id == last_event_id
            return same and record.offset == last_event
        return False

    async def lost_from(self, start: int) -> range | None:
        """Return the offsets from `start` on that the event log has no more, though it keeps decisions for years.

        A transaction ends with a marker, which takes an offset too and may be all that is gone. Where nothing that is
        left is younger than half of what the log keeps, its retention took them, as it should.
        """
        begin, _ = await self._bounds(self._event)
        if begin <= start + _MARKER:
            return None
        async for record in self._read(self._event, begin):
            if time.time() - record.timestamp / 1000 > _LONG_AGO:
                return None
            break
        return range(start, begin)

    def events(self, start: int) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        """Return the events from `start` on."""
        return self._read(self._event, start)

    def tickets(self, start: int) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        """Return the ticket snapshots from `start` on."""
        return self._read(self._ticket, start)

    async def _bounds(self, tp: TopicPartition) -> tuple[int, int]:
        begin, end = await self._consumer.beginning_offsets([tp]), await self._consumer.end_offsets([tp])
        return begin[tp], end[tp]

    async def _read(self, tp: TopicPartition, start: int) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        self._consumer.assign([tp])
        begin, end = await self._bounds(tp)
        self._consumer.seek(tp, max(start, begin))
        progress = Progress(tp.topic, SILENT_SECONDS)  # a client may have ended without a word
        while (position := await self._consumer.position(tp)) < end:
            progress.at(position)
            batches = await self._consumer.getmany(tp, timeout_ms=200, max_records=BATCH_RECORDS)
            for record in batches.get(tp, ()):
                yield record
            if batches:
                beat()


# Looks back into the input for single messages: those of a clerk's order, and what came before of a call or a text.

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
