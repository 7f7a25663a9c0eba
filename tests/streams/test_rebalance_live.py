"""What a rebalance does to chunks, on the real Kafka: nothing is passed over, and nobody falls out for good."""

import asyncio
import contextlib
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from faust.types import TP

from streams.engine import partition_worker, transport
from tests.streams.conftest import Bench
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.long]

IMPATIENT = 5.0
"""Seconds after which aiokafka lets a member go that asks for nothing; Faust's own 1000 are too many for a test."""


async def topic_of(admin: AIOKafkaAdminClient, partitions: int) -> str:
    """Make a topic that nobody has read."""
    name = f"rebalance-{time.time_ns()}"
    await admin.create_topics([NewTopic(name, partitions, 1)])
    return name


class Stage:
    """Works off chunks, as soon as it may go on."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.may_go = asyncio.Event()
        self.begun: list[tuple[int, int]] = []
        self.done: list[tuple[int, int]] = []

    def declare(self, app: Any) -> None:
        partition_worker.declare(app, "stage", [self._topic], self._handle)

    async def _handle(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        places = [(tp.partition, record.offset) for record in chunk.records]
        self.begun += places
        await self.may_go.wait()
        self.done += places
        chunk.ack()


async def rejoin(app: Any) -> None:
    """Let the app's member join its group again, and return when it works again."""
    thread, before = app.consumer._thread, app.consumer_generation_id
    thread.thread_loop.call_soon_threadsafe(thread._consumer._coordinator.request_rejoin)
    await soon(lambda: app.consumer_generation_id > before and not app.rebalancing)


def generation(app: Any) -> int:
    """Return the app's generation in its group, -1 when it is in none."""
    found: int = app.consumer._thread._consumer._coordinator.generation
    return found


def late(told: Any) -> Any:
    """Let a worker hear of a rebalance as late as a busy one does."""

    async def hears(*arguments: Any) -> None:
        await asyncio.sleep(0.6)
        await told(*arguments)

    return hears


async def lose_patience(app: Any) -> None:
    """Let more time pass than aiokafka gives a member that asks for nothing."""
    await asyncio.sleep(IMPATIENT * 2)
    assert generation(app) > 0, "it has fallen out of its group"


async def test_what_is_not_committed_yet_is_read_from_its_beginning_after_a_rebalance(
    bench: Bench, admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that waits through the rebalance brings records before Faust wants any: they are dropped, not lost."""
    for name in ("on_partitions_revoked", "on_partitions_assigned"):
        monkeypatch.setattr(transport.ChunkConsumerThread, name, late(getattr(transport.ChunkConsumerThread, name)))
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0.3)
    monkeypatch.setattr(transport, "DRAIN_SECONDS", 0.1)
    topic = await topic_of(admin, 2)
    for number in range(20):
        await bench.producer.send_and_wait(topic, b"%d" % number, partition=number % 2)
    wanted = {(number % 2, number // 2) for number in range(20)}
    stage = Stage(topic)
    async with bench.running(stage.declare) as app:
        await soon(lambda: set(stage.begun) == wanted)
        for _ in range(3):
            stage.begun.clear()
            await rejoin(app)
            await soon(lambda: set(stage.begun) == wanted)
        stage.may_go.set()
        await soon(lambda: set(stage.done) == wanted)


async def test_a_worker_that_has_no_room_for_long_stays_in_its_group(
    bench: Bench, admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "DRAIN_SECONDS", 0.1)
    topic = await topic_of(admin, 1)
    stage = Stage(topic)
    async with bench.running(stage.declare, broker_max_poll_interval=IMPATIENT) as app:
        for number in range(transport.IN_FLIGHT + 1):
            await bench.producer.send_and_wait(topic, b"%d" % number, partition=0)
            await soon(lambda out=number + 1: len(app.consumer._chunks[TP(topic, 0)]) == min(out, transport.IN_FLIGHT))
        await lose_patience(app)
        stage.may_go.set()
        await soon(lambda: set(stage.done) == {(0, 0), (0, 1), (0, 2)})


async def test_a_worker_whose_loop_stands_still_loses_its_place(bench: Bench, admin: AIOKafkaAdminClient) -> None:
    """Its partitions go to who works: that it lives is told by the loop that works, not by the thread that fetches."""
    stage = Stage(await topic_of(admin, 1))
    async with bench.running(stage.declare, broker_max_poll_interval=IMPATIENT) as app:
        await soon(lambda: app.consumer_generation_id and not app.rebalancing)
        assert generation(app) > 0
        time.sleep(IMPATIENT * 2)  # noqa: ASYNC251 - the loop is to stand still
        deadline = time.monotonic() + 60
        while generation(app) >= 0:
            assert time.monotonic() < deadline, "it is still in its group"
            time.sleep(0.1)  # noqa: ASYNC251 - as above


async def test_a_worker_without_partitions_takes_over_however_long_it_waited(
    bench: Bench, admin: AIOKafkaAdminClient
) -> None:
    topic = await topic_of(admin, 1)
    stage, flowed = Stage(topic), []
    stage.may_go.set()
    options: Any = {"group": f"spare-{topic}", "broker_max_poll_interval": IMPATIENT}
    async with contextlib.AsyncExitStack() as first, contextlib.AsyncExitStack() as second:
        one: Any = await first.enter_async_context(bench.running(stage.declare, **options))
        await soon(lambda: one.consumer_generation_id and not one.rebalancing)
        two: Any = await second.enter_async_context(bench.running(stage.declare, **options))
        await soon(
            lambda: (
                two.consumer_generation_id
                and one.consumer_generation_id == two.consumer_generation_id
                and not one.rebalancing
                and not two.rebalancing
            )
        )
        owner, spare = (first, two) if one.consumer.assignment() else (second, one)
        await lose_patience(spare)

        async def noted(app: Any, assigned: set[TP], **_: Any) -> None:
            flowed.append(app.consumer.flow_active)

        spare.on_partitions_assigned.connect(noted, weak=False)
        await owner.aclose()
        await bench.producer.send_and_wait(topic, b"late", partition=0)
        await soon(lambda: stage.done == [(0, 0)])
        assert flowed == [False]  # nothing is fetched before it is known from where


async def test_partitions_that_are_added_are_read_soon(bench: Bench, admin: AIOKafkaAdminClient) -> None:
    """Producers find them by themselves: an emergency in one must not wait for the worker's five minutes."""
    topic = await topic_of(admin, 1)
    stage = Stage(topic)
    stage.may_go.set()
    async with bench.running(stage.declare) as app:
        await soon(lambda: app.consumer_generation_id and not app.rebalancing)
        await admin.create_partitions({topic: NewPartitions(2)})
        async with AIOKafkaProducer(bootstrap_servers=bench.connection.bootstrap_servers) as producer:
            await until_there(producer, topic, 2)
            await producer.send_and_wait(topic, b"new", partition=1)
        await soon(lambda: stage.done == [(1, 0)], seconds=90)


async def until_there(producer: AIOKafkaProducer, topic: str, count: int) -> None:
    """Return when a producer knows so many partitions of a topic."""
    while len(await producer.partitions_for(topic)) < count:
        await producer.client.force_metadata_update()
        await asyncio.sleep(0.1)
