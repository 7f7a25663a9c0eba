"""screen whose position Kafka forgot rings for nothing old; after an outage it rings for whatever waits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from kafka import KafkaAdminClient
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from normalizers.base import Policy
from schemas import topics
from schemas.codec import decode
from schemas.records import Handover
from streams import screen
from streams.engine.lost_positions import LostPositions
from tests.streams.conftest import Bench
from tests.streams.raws import outbound
from tests.waiting import soon

pytestmark = pytest.mark.integration

FIRE = "三楼着火了,有人被困,快来救火"
AT_ONCE = Policy(stale_after_seconds=0)
"""Whatever the broker took before it is read is old: a day need not pass."""


async def fires(bench: Bench, *numbers: int) -> None:
    for number in numbers:
        now = datetime.now(UTC)
        await bench.put(outbound(number, FIRE, time=now, recorded=now), partition=0)


async def stale(bench: Bench, count: int) -> list[bool]:
    """Return of each hand-over in the order of their writing whether it rings nobody."""
    found = await bench.read(topics.HANDOVER, count)
    return [decode(one.value, Handover).stale for one in sorted(found, key=lambda one: one.timestamp)]


@asynccontextmanager
async def screening(bench: Bench, group: str) -> AsyncIterator[None]:
    async with bench.running(screen.declare, bench.connection, bench.blobs, AT_ONCE, group=group):
        yield


def counted() -> float:
    """Return of how many partitions a position was found lost: what the alarm looks at."""
    return REGISTRY.get_sample_value("hotline_streams_positions_lost_total") or 0.0


async def test_a_lost_position_rings_for_nothing_old_and_a_known_one_for_all_that_waits(bench: Bench) -> None:
    group, before = f"test-lost-{time.time_ns()}", counted()
    await fires(bench, 1)
    async with screening(bench, group):
        assert await stale(bench, 1) == [True], "nothing says that it was not heard"
        await fires(bench, 2)
        assert await stale(bench, 2) == [True, False]
    await fires(bench, 3)
    async with screening(bench, group):
        assert await stale(bench, 3) == [True, False, False], "screen was away, and knows where it stood"
    assert counted() == before + 1, "a first start that finds records, and no other"
    await forget(bench, group)
    async with screening(bench, group):
        assert await stale(bench, 6) == [True, False, False, True, True, True]
    assert counted() == before + 2


async def test_a_partition_of_which_nothing_came_before_an_outage_is_not_lost(bench: Bench) -> None:
    group, before = f"test-lost-{time.time_ns()}", counted()
    async with screening(bench, group):
        await soon(lambda: committed(bench, group))
    await fires(bench, 1)
    async with screening(bench, group):
        assert await stale(bench, 1) == [False]
    assert counted() == before


async def test_a_worker_that_is_started_again_in_between_knows_what_was_lost(bench: Bench) -> None:
    group = f"test-lost-{time.time_ns()}"
    await fires(bench, 1, 2)
    place = TopicPartition(topics.raw("record"), 0)
    lost = LostPositions(bench.connection, group)
    await lost._note({place: 2})
    again = LostPositions(bench.connection, group)
    await again.look(None, ())  # type: ignore[arg-type] # nothing is asked of a consumer that knows all
    assert [again.may_be_read(*place, offset) for offset in (0, 1, 2)] == [True, True, False]


async def test_while_kafka_does_not_answer_everything_rings_and_an_alarm_with_it() -> None:
    name, place = "hotline_streams_positions_unknown_total", TopicPartition(topics.raw("record"), 0)
    before, lost = (
        REGISTRY.get_sample_value(name) or 0,
        LostPositions(KafkaConnection(bootstrap_servers="127.0.0.1:1"), "test-lost"),
    )
    await lost.look(None, [place])  # type: ignore[arg-type] # it comes to no question of the consumer
    assert (lost.may_be_read(*place, 0), REGISTRY.get_sample_value(name)) == (False, before + 1)


@asynccontextmanager
async def admin_of(bench: Bench) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.connection.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def committed(bench: Bench, group: str) -> bool:
    async with admin_of(bench) as admin:
        try:
            noted = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            return False
    return TopicPartition(topics.raw("record"), 0) in noted


async def forget(bench: Bench, group: str) -> None:
    """Let Kafka forget the group, as it does a week after its last member left."""
    admin = KafkaAdminClient(**bench.connection.client_options())
    try:
        await asyncio.to_thread(admin.delete_groups, [group])
    finally:
        admin.close()
    assert not await committed(bench, group)
