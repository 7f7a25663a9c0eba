"""Kafka loses the end of a topic: what takes the places of its records is read, and what is gone is told."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
from prometheus_client import REGISTRY

from broker.aio_producer import Sender
from broker.config import KafkaConnection
from schemas.codec import Outbound
from tests.peers.forgetful_kafka import ForgetfulKafka
from tests.streams.conftest import Bench
from tests.streams.test_topic_made_anew_live import Stage, put
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.long]

NAMES = iter(range(100))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForgetfulKafka]:
    with ForgetfulKafka(tmp_path_factory.mktemp("forgetful")) as kafka:
        yield kafka


@pytest.fixture
async def bench(kafka: ForgetfulKafka, tmp_path: Path) -> AsyncIterator[Bench]:
    connection = KafkaConnection(bootstrap_servers=kafka.address, partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        yield Bench(connection, producer, tmp_path)


@pytest.fixture
async def stage(bench: Bench) -> Stage:
    name = f"forgotten-{next(NAMES)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.connection.bootstrap_servers)
    await admin.start()

    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    return Stage(name)


def gone(topic: str, end: str) -> float:
    found = REGISTRY.get_sample_value("hotline_streams_records_gone_total", {"topic": topic, "end": end})
    return found or 0


def stands(kafka: ForgetfulKafka, group: str, offset: int) -> None:
    """Return when the group, which has its topic's name, stands there: a broker that has just begun knows no group."""
    place, end = TopicPartition(group, 0), time.monotonic() + 120
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        found = None
        while found != offset:
            assert time.monotonic() < end, found
            with contextlib.suppress(CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError):
                found = admin.list_group_offsets({group: [place]})[group][place].offset
            time.sleep(0.2)


@pytest.mark.parametrize("written", [2, 6], ids=["less than was lost", "more than was lost"])
async def test_what_took_their_places_while_nobody_read_is_read(
    kafka: ForgetfulKafka, bench: Bench, stage: Stage, written: int
) -> None:
    before = await put(bench, stage.topic, 6, "before")
    async with bench.running(stage.declare, group=stage.topic):
        await soon(lambda: stage.seen == before)
    await asyncio.to_thread(kafka.lose, stage.topic, 0, 3)
    after = await put(bench, stage.topic, written, "after")
    again = Stage(stage.topic)
    async with bench.running(again.declare, group=stage.topic):
        await soon(lambda: again.seen == after)
    assert gone(stage.topic, "new") == 3


@pytest.mark.parametrize("written", [2, 6], ids=["less than was lost", "more than was lost"])
async def test_what_takes_their_places_under_a_stage_is_read(
    kafka: ForgetfulKafka, bench: Bench, stage: Stage, written: int
) -> None:
    before = await put(bench, stage.topic, 6, "before")
    async with bench.running(stage.declare, group=stage.topic):
        await soon(lambda: stage.seen == before)
        await asyncio.to_thread(kafka.lose, stage.topic, 0, 3)
        after = await put(bench, stage.topic, written, "after")
        await soon(lambda: set(stage.seen) == {*before, *after})
        await asyncio.to_thread(stands, kafka, stage.topic, 3 + written)
    assert gone(stage.topic, "new") == 3
    again = Stage(stage.topic)
    async with bench.running(again.declare, group=stage.topic):
        more = await put(bench, stage.topic, 1, "more")
        await soon(lambda: again.seen == more)


async def test_what_retention_took_before_it_was_read_is_told(
    kafka: ForgetfulKafka, bench: Bench, stage: Stage
) -> None:
    """A stage that was away for longer than Kafka keeps its records reads what is left, and says how much is not."""
    await put(bench, stage.topic, 6, "before")
    async with bench.running(stage.declare, group=stage.topic):
        await soon(lambda: len(stage.seen) == 6)
    missed = await put(bench, stage.topic, 5, "missed")
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        admin.delete_records({TopicPartition(stage.topic, 0): 9})
    again = Stage(stage.topic)
    async with bench.running(again.declare, group=stage.topic):
        await soon(lambda: again.seen == missed[3:])
    assert (gone(stage.topic, "old"), gone(stage.topic, "new")) == (3, 0)


async def test_a_broker_that_returns_with_all_of_it_has_lost_nothing(
    kafka: ForgetfulKafka, bench: Bench, stage: Stage
) -> None:
    before = await put(bench, stage.topic, 6, "before")

    def restart() -> None:
        with kafka.away():
            pass

    async with bench.running(stage.declare, group=stage.topic):
        await soon(lambda: stage.seen == before)
        await asyncio.to_thread(restart)
        after = await put(bench, stage.topic, 2, "after")
        await soon(lambda: set(stage.seen) == {*before, *after})
    assert gone(stage.topic, "new") == gone(stage.topic, "old") == 0


async def test_who_writes_tells_of_what_is_gone_though_nobody_had_read_it(
    kafka: ForgetfulKafka, bench: Bench, stage: Stage
) -> None:
    sender = Sender(bench.producer, 1)
    records = [Outbound(stage.topic, b"k", b"v", [], "210100")]
    for _ in range(6):
        await sender.send(records)
    assert gone(stage.topic, "new") == 0
    await asyncio.to_thread(kafka.lose, stage.topic, 0, 3)
    await sender.send(records * 2)
    assert gone(stage.topic, "new") == 3
    await sender.send(records)
    assert gone(stage.topic, "new") == 3
