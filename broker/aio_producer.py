"""Write records in explicit batches and return when the brokers have acknowledged them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from aiokafka.partitioner import murmur2

from broker import metrics
from broker.aio_client import STUCK_SECONDS, in_time, refusal_in
from broker.config import KafkaConnection
from broker.heartbeat import beat
from schemas import ids
from schemas.codec import Outbound
from schemas.errors import (
    FatalError,
    MisconfiguredError,
    PipelineError,
    RetriableError,
    TooLargeError,
    UnauthorizedError,
    UnreachableError,
)

MAX_BATCH_BYTES = 900_000
"""Size of a batch, in bytes; with aiokafka's default of 16 KiB a chunk needs dozens of requests."""

Place = tuple[str, int]

_log = structlog.get_logger(__name__)

_NOT_ALLOWED = (
    kafka.TopicAuthorizationFailedError,
    kafka.GroupAuthorizationFailedError,
    kafka.ClusterAuthorizationFailedError,
    kafka.TransactionalIdAuthorizationFailed,
)
_TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError, kafka.InvalidMessageError)
_FORGOTTEN = (kafka.OutOfOrderSequenceNumber, kafka.UnknownProducerId)
"""The broker lost the records that this producer wrote last: a truncated log, or a topic made anew."""

_RETRIABLE = (
    kafka.KafkaTimeoutError,
    kafka.ProducerClosed,
    kafka.UnknownError,
    kafka.OffsetOutOfRangeError,  # records were lost while the chunk was read
    OSError,
    TimeoutError,
)


def make_producer(connection: KafkaConnection, **options: Any) -> AIOKafkaProducer:
    """Return a producer for `Sender`, to be started in the running loop; `transactional_id` is one of the options."""
    settings = {"acks": "all", "linger_ms": 0, "max_batch_size": MAX_BATCH_BYTES, "max_request_size": 4 * 1024 * 1024}
    return AIOKafkaProducer(**connection.aiokafka_options(), **(settings | options))


class Sender:
    """Sends outbound records through one producer, with or without a transaction."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self._producer = producer
        self.partitions = partitions
        self._turns: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._ends: dict[Place, int] = {}

    async def send(self, outbounds: Iterable[Outbound]) -> dict[Place, int]:
        """Send the records and return when the brokers have acknowledged all; the order within a partition is kept.

        Returns the offset of the last record by (topic, partition).

        Raises RetriableError for faults of the network or the brokers. ProducerFenced of aiokafka passes through
        unchanged.
        """
        try:
            async with in_time(STUCK_SECONDS):
                groups = await self._by_partition(outbounds)
            results = await asyncio.gather(
                *(self._send_in_order(place, records) for place, records in groups.items()), return_exceptions=True
            )
        except (kafka.KafkaError, OSError) as error:
            raise translated(error) from error
        faults = [result for result in results if isinstance(result, BaseException)]
        if faults:
            first = min(
                faults, key=lambda fault: not isinstance(fault, _TOO_LARGE)
            )  # it makes the rest of the transaction fail
            raise translated(first) from first
        return {place: last for place, last in zip(groups, results, strict=True) if isinstance(last, int)}

    async def _by_partition(self, outbounds: Iterable[Outbound]) -> dict[Place, list[Outbound]]:
        groups: dict[Place, list[Outbound]] = {}
        cities: dict[str, int] = {}
        for outbound in outbounds:
            city = outbound.jurisdiction
            if city is None:
                partition = await self._partition_of_key(outbound)
            elif city in cities:
                partition = cities[city]
            else:
                partition = cities[city] = ids.partition_of(city, self.partitions)
            groups.setdefault((outbound.topic, partition), []).append(outbound)
        for topic, partition in groups:
            await self._see_that_it_is_there(topic, partition)
        return groups

    async def _see_that_it_is_there(self, topic: str, partition: int) -> None:
        """Raise MisconfiguredError for a partition that the topic does not have; aiokafka only asserts it."""
        there = await self._producer.partitions_for(topic)
        if partition not in there:
            raise MisconfiguredError(
                f"{topic} has {len(there)} partitions, and cities are spread over {self.partitions} "
                "(`kafka.partitions`): see `hotline doctor`."
            )

    async def _partition_of_key(self, outbound: Outbound) -> int:
        """Return the partition of a key as Kafka's own clients do (murmur2)."""
        count = len(await self._producer.partitions_for(outbound.topic))
        return int((murmur2(outbound.key or b"") & 0x7FFFFFFF) % count)

    async def _send_in_order(self, place: Place, records: Sequence[Outbound]) -> int:
        """Send one batch after the other, so that a later batch never overtakes a failed one.

        Concurrent writers to one partition queue here. aiokafka would let all of them wait for the one place in its
        queue and restart each one's wait after every batch: behind a few dozen batches the limit of 40 s is over
        within seconds, the chunk is repeated, and the repetition makes the backlog grow.
        """
        topic, partition = place
        rest, last = list(records), -1
        while rest:
            batch = self._producer.create_batch()
            taken = _fill(batch, rest)
            batch.close()
            async with self._turns[place], in_time(STUCK_SECONDS):
                end = self._end(place)
                delivery = await self._producer.send_batch(batch, topic, partition=partition)
            async with in_time(STUCK_SECONDS):
                written = await delivery
            self._note(place, end, written.offset, taken)
            rest, last = rest[taken:], written.offset + taken - 1
            beat()
        return last

    def _end(self, place: Place) -> int:
        """Return the end of a partition as Kafka acknowledged it last."""
        if place not in self._ends:
            metrics.STREAM_RECORDS_GONE.labels(topic=place[0], end="new")  # as in `chunks`
            self._ends[place] = 0
        return self._ends[place]

    def _note(self, place: Place, end: int, offset: int, count: int) -> None:
        """Report records that were lost before this batch took their offsets.

        A consumer that has not read so far would not notice the loss.
        """
        if 0 <= offset < end:
            topic, partition = place
            metrics.STREAM_RECORDS_GONE.labels(topic=topic, end="new").inc(end - offset)
            _log.error("written_records_gone", topic=topic, partition=partition, begin=offset, end=end)
            self._ends[place] = offset + count
        else:
            self._ends[place] = max(self._ends[place], offset + count)


def _fill(batch: Any, records: Sequence[Outbound]) -> int:
    """Append records until the batch is full and return how many fit; the first one always does, whatever its size."""
    for index, record in enumerate(records):
        if batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
            return index
    return len(records)


def translated(error: BaseException) -> BaseException:
    """Translate errors of the Kafka client into errors of the pipeline."""
    refused = refusal_in(error)
    name = refused or type(error).__name__
    if isinstance(error, PipelineError | kafka.ProducerFenced | asyncio.CancelledError):
        return error
    if refused or isinstance(error, _NOT_ALLOWED):
        return UnauthorizedError(f"Kafka denies this to our user ({name}): `hotline doctor` names the missing right.")
    if isinstance(error, kafka.AuthenticationFailedError):
        return UnauthorizedError(f"Kafka refuses our login ({name}): run `hotline doctor` for the reason.")
    if isinstance(error, _TOO_LARGE):
        return TooLargeError(f"Kafka refused a record as too large ({name}): raise the topic's max.message.bytes.")
    if isinstance(error, _FORGOTTEN):
        return RetriableError(f"Kafka lost the last writes of this worker ({name}): it reads its log again.")
    if isinstance(error, _RETRIABLE) or getattr(error, "retriable", False):
        return UnreachableError(
            f"Kafka does not answer ({name}): check that the brokers are up, or run `hotline doctor`."
        )
    return FatalError(f"Kafka answered {name}: look it up in the broker's log, then start the worker again.")
