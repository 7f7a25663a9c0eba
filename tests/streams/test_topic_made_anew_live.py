"""A topic that is deleted and made under a running stage: the stage ends, and whoever is started reads all of it."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from broker import topic_id_aio
from schemas.errors import FatalError
from streams.engine import partition_worker
from tests.fresh import made_anew
from tests.streams.conftest import Bench
from tests.waiting import soon

pytestmark = pytest.mark.integration


class Stage:
    """Keeps the values that it was handed."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.seen: list[bytes] = []

    def declare(self, app: object) -> None:
        partition_worker.declare(app, "stage", [self.topic], self._handle)  # type: ignore[arg-type] # a Faust app

    async def _handle(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        self.seen += [record.value or b"" for record in chunk.records]
        chunk.ack()


@pytest.fixture
async def stage(admin: AIOKafkaAdminClient) -> Stage:
    name = f"anew-{time.time_ns()}"
    await admin.create_topics([NewTopic(name, 1, 1)])
    return Stage(name)


async def put(bench: Bench, topic: str, count: int, word: str) -> list[bytes]:
    """Write values; a topic that was just made may have no leader yet."""
    values = [f"{word} {number}".encode() for number in range(count)]
    for value in values:
        await bench.producer.send_and_wait(topic, value, partition=0)
    return values


async def committed(bench: Bench, topic: str, group: str) -> OffsetAndMetadata | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bench.connection.bootstrap_servers, group_id=group)
    await consumer.start()
    try:
        place = TopicPartition(topic, 0)
        return (await consumer._coordinator.fetch_committed_offsets([place])).get(place)
    finally:
        await consumer.stop()


@pytest.mark.parametrize("written", [3, 12], ids=["less than before", "more than before"])
async def test_the_worker_ends_and_the_next_one_reads_it_from_its_beginning(
    bench: Bench, stage: Stage, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    monkeypatch.setattr(topic_id_aio, "ASK_SECONDS", 1.0)
    group, before = f"anew-{time.time_ns()}", await put(bench, stage.topic, 6, "before")
    after: list[bytes] = []

    async def work() -> None:
        async with bench.running(stage.declare, group=group) as app:
            await soon(lambda: stage.seen == before)
            await asyncio.to_thread(made_anew, bench.connection, stage.topic, 1)
            after.extend(await put(bench, stage.topic, written, "after"))
            await soon(lambda: app.crash_reason is not None)  # type: ignore[attr-defined] # a Faust app

    with pytest.raises(FatalError, match="made anew"):
        await work()
    again = Stage(stage.topic)
    async with bench.running(again.declare, group=group):
        await soon(lambda: set(again.seen) >= set(after))


async def test_what_takes_the_places_of_records_that_kafka_lost_is_read(
    bench: Bench, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is where a broker loses the end of its log: the topic is the same, and its records end before our place."""
    monkeypatch.setattr(topic_id_aio, "ASK_SECONDS", 3600.0)
    group, before = f"anew-{time.time_ns()}", await put(bench, stage.topic, 6, "before")
    async with bench.running(stage.declare, group=group):
        await soon(lambda: stage.seen == before)
        await asyncio.to_thread(made_anew, bench.connection, stage.topic, 1)
        after = await put(bench, stage.topic, 3, "after")
        await soon(lambda: stage.seen == [*before, *after])
    last = await committed(bench, stage.topic, group)
    assert last is not None
    assert last.offset == 3


async def test_what_a_worker_committed_late_counts_for_nothing_in_the_new_topic(bench: Bench, stage: Stage) -> None:
    """Killed before it noticed: its position is of the old topic, and the new one has grown past it."""
    group, values = f"anew-{time.time_ns()}", await put(bench, stage.topic, 6, "value")
    await commit(bench, stage.topic, group, OffsetAndMetadata(4, "f" * 32))
    async with bench.running(stage.declare, group=group):
        await soon(lambda: stage.seen == values)


async def test_a_position_of_before_and_one_that_an_operator_set_count(bench: Bench, stage: Stage) -> None:
    group, values = f"anew-{time.time_ns()}", await put(bench, stage.topic, 6, "value")
    await commit(bench, stage.topic, group, OffsetAndMetadata(4, ""))
    async with bench.running(stage.declare, group=group):
        await soon(lambda: stage.seen == values[4:])
    last = await committed(bench, stage.topic, group)
    assert last is not None
    assert last.offset == 6
    assert len(last.metadata) == 32


async def commit(bench: Bench, topic: str, group: str, at: OffsetAndMetadata) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bench.connection.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): at})
    finally:
        await consumer.stop()
