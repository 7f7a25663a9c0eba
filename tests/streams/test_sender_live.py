"""Many lanes write to one city at once, as they do behind a backlog: each gets its turn, and none is told to wait."""

import asyncio

import pytest

from broker.aio_producer import Sender, make_producer
from schemas import ids, topics
from schemas.codec import Outbound
from tests.streams.conftest import PARTITIONS, Bench

pytestmark = pytest.mark.integration

CITY = "210100"
LANES = 400


async def test_whoever_writes_to_a_partition_beside_many_others_gets_a_turn(bench: Bench) -> None:
    producer = make_producer(bench.connection, request_timeout_ms=10_000)
    await producer.start()
    sender = Sender(producer, PARTITIONS)
    records = [Outbound(topics.MESSAGE, b"%d" % number, b"{}", [], CITY) for number in range(LANES)]
    try:
        await asyncio.gather(*(sender.send([record]) for record in records))
    finally:
        await producer.stop()
    found = await bench.read(topics.MESSAGE, LANES, seconds=60)
    assert sorted(int(record.key) for record in found) == list(range(LANES))
    assert {record.partition for record in found} == {ids.partition_of(CITY, PARTITIONS)}
