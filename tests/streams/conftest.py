"""A stage in this loop, between real topics that are made anew for each test."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from streams.engine.app import make_app, serve
from tests.fresh import topics_made_anew

PARTITIONS = 2


class Bench:
    """Writes to and reads from the topics around a stage."""

    def __init__(self, connection: KafkaConnection, producer: AIOKafkaProducer, folder: Path) -> None:
        self.connection = connection
        self.producer = producer
        self.folder = folder
        (folder / "blobs").mkdir()
        self.blobs = LocalStore(folder / "blobs")

    @contextlib.asynccontextmanager
    async def running(self, declare: Callable, *args, group: str | None = None, **settings) -> AsyncIterator[object]:
        """Run an app with the agents that `declare(app, *args)` attaches; drain it at the end."""
        app = make_app(group or f"test-{time.time_ns()}", self.connection, self.folder, **settings)
        declare(app, *args)
        stop = asyncio.Event()
        task = asyncio.create_task(serve(app, stop))
        try:
            yield app
        finally:
            stop.set()
            await task

    async def put(self, *records, partition: int | None = None) -> None:
        """Write outbound records as a stranger would."""
        for r in records:
            await self.producer.send_and_wait(r.topic, r.value, key=r.key, headers=r.headers, partition=partition)

    async def read(self, topic: str, count: int, seconds: float = 60, *, keys: bool = False) -> list:
        """Return `count` records (or different keys) of a topic, by partition, or all that came in time.

        What is there already is read however long a busy machine takes; in time is what comes behind it.
        """
        consumer = AIOKafkaConsumer(bootstrap_servers=self.connection.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        found = []
        try:
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            ends = await consumer.end_offsets(places)
            consumer.assign(places)
            deadline = time.monotonic() + seconds
            while len({record.key for record in found} if keys else found) < count:
                if time.monotonic() > deadline and not await behind(consumer, ends):
                    break
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
        finally:
            await consumer.stop()
        return sorted(found, key=lambda record: (record.partition, record.offset))


async def behind(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> bool:
    return any([await consumer.position(place) < end for place, end in ends.items()])


@contextlib.asynccontextmanager
async def opened(stack: Endpoints, folder: Path) -> AsyncIterator[Bench]:
    """Make the topics anew and stand before them."""
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=PARTITIONS)
    await asyncio.to_thread(topics_made_anew, connection)
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap_servers)
    await producer.start()
    try:
        yield Bench(connection, producer, folder)
    finally:
        await producer.stop()


@pytest.fixture
async def bench(stack: Endpoints, tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(stack, tmp_path) as bench:
        yield bench


@pytest.fixture
async def admin(bench: Bench) -> AsyncIterator[AIOKafkaAdminClient]:
    """Make and delete topics of the bench's Kafka."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.connection.bootstrap_servers)
    await admin.start()
    yield admin
    await admin.close()
