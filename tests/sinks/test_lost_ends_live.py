"""Kafka loses the end of a topic under a sink: it stores what takes those places, and commits nothing else for it."""

import asyncio
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from broker.leader_epoch_aio import Gap
from sinks.base import Source
from sinks.batcher import Batch, Place
from sinks.retry import Delivery
from sinks.runner import Runner, _Flight, run_sink
from tests.fakes.sinks import MemorySink, document
from tests.peers.forgetful_kafka import ForgetfulKafka
from tests.sinks.conftest import QUICK

TOPIC = "test.ticket.v1"


@pytest.fixture
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForgetfulKafka]:
    with ForgetfulKafka(tmp_path_factory.mktemp("forgetful")) as kafka:
        yield kafka


async def publish(kafka: ForgetfulKafka, first: int, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        for number in range(first, first + count):
            one = document(f"k{number}")
            await producer.send_and_wait(TOPIC, one.value, key=one.key, headers=one.headers, partition=0)


async def stored(kafka: ForgetfulKafka, sink: MemorySink, wanted: set[bytes]) -> None:
    """Run the sink until it holds these."""
    stop = asyncio.Event()
    connection = KafkaConnection(bootstrap_servers=kafka.address, partitions=1)
    task = asyncio.create_task(run_sink(sink, [Source(topic=TOPIC)], connection, QUICK, stop, group="a-group"))
    async with asyncio.timeout(120):
        while not wanted <= sink.kept.keys() and not task.done():  # noqa: ASYNC110 - it happens in the sink
            await asyncio.sleep(0.05)
    stop.set()
    await task


def gone() -> float:
    return REGISTRY.get_sample_value("hotline_sinks_records_gone_total", {"topic": TOPIC, "end": "new"}) or 0.0


@pytest.mark.integration
async def test_what_took_their_places_while_nobody_read_is_stored(kafka: ForgetfulKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    await admin.close()
    await publish(kafka, 0, 6)
    sink, before = MemorySink(), gone()
    await stored(kafka, sink, {b"k%d" % number for number in range(6)})
    await asyncio.to_thread(kafka.lose, TOPIC, 0, 3)
    await publish(kafka, 10, 6)
    await stored(kafka, sink, {b"k%d" % number for number in range(10, 16)})
    assert gone() - before == 3


async def test_what_was_read_of_places_that_are_others_now_moves_no_offset() -> None:
    async def bury(_: object) -> None:
        raise AssertionError

    sink = MemorySink()
    runner = Runner(sink, [Source(topic=TOPIC)], None, Delivery(sink, QUICK, bury, asyncio.sleep), QUICK)
    mine, other = Place(TOPIC, 0), Place(TOPIC, 1)
    flying, closed = Batch(0.0), Batch(0.0)
    offsets = [flying.offsets, closed.offsets, runner._offsets]
    for each in offsets:
        each.update({mine: 6, other: 2})
    runner._flights.append(_Flight(flying, asyncio.create_task(asyncio.sleep(0))))
    runner._closed.append(closed)
    runner._batcher.add(document())
    await runner.lose(Gap(TopicPartition(TOPIC, 0), range(3, 6), 3))
    left = runner._batcher.close()
    assert offsets == [{other: 2}] * 3
    assert left is not None
    assert left.offsets == {}
    before = {mine: 6}
    runner._offsets.update(before)
    await runner.lose(Gap(TopicPartition(TOPIC, 0), range(6, 9), 9))  # deleted unread: what was read counts
    assert runner._offsets == {mine: 6, other: 2}
    await asyncio.gather(*(flight.task for flight in runner._flights))
