"""Subscribers on a real Kafka: at least once under one id, and nobody waits for another."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import topics
from schemas.codec import decode
from schemas.errors import MisconfiguredError
from schemas.records import Delivery
from sinks import Document, Source
from sinks.groups import group_of, name_of
from sinks.webhook.run import Webhooks, run_subscriber
from tests.forked import Forked
from tests.sinks.conftest import PARTITIONS, Lane, count_partitions, make_topics, until
from tests.sinks.webhook.receiver import Receiver, for_ticket, receiving, status
from tests.sinks.webhook.snapshots import snapshot, subscriber

pytestmark = pytest.mark.integration

QUICK = {"backoff_base_seconds": 0.02, "backoff_max_seconds": 0.1}


@pytest.fixture
async def lane_with_log(lane: Lane) -> Lane:
    await make_topics(lane.endpoints.bootstrap_servers, [topics.DELIVERY])
    return lane


def tickets(lane: Lane, count: int, version: int = 1) -> list[Document]:
    return [snapshot(f"210100-{n}", version, topic=lane.topic) for n in range(count)]


@asynccontextmanager
async def running(lane: Lane, name: str, url: str, **fields: Any) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a subscriber of this lane; leaving the block is a SIGTERM."""
    stop, settings = asyncio.Event(), subscriber(url, **(QUICK | fields))
    source = Source(topic=lane.topic)
    task = asyncio.create_task(run_subscriber(named(lane, name), settings, lane.kafka, stop, source=source))
    try:
        yield task
    finally:
        stop.set()
        await task


def named(lane: Lane, name: str) -> str:
    return f"{lane.prefix}_{name}"


async def committed(lane: Lane, name: str) -> int:
    """Where a subscriber would go on."""
    group = group_of(name_of(named(lane, name)))
    async with AIOKafkaConsumer(bootstrap_servers=lane.endpoints.bootstrap_servers, group_id=group) as consumer:
        return sum([await consumer.committed(TopicPartition(lane.topic, n)) or 0 for n in range(PARTITIONS)])


async def log_of(lane: Lane, name: str) -> list[Delivery]:
    servers = lane.endpoints.bootstrap_servers
    places = [TopicPartition(topics.DELIVERY, n) for n in range(await count_partitions(servers, topics.DELIVERY))]
    async with AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest") as consumer:
        left = {place: end for place, end in (await consumer.end_offsets(places)).items() if end}
        consumer.assign(places)  # what is asked once it fetches waits half a second behind that
        lines = []
        while any([await consumer.position(place) < end for place, end in left.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                lines += [decode(record.value, Delivery) for record in records]
    return [line for line in lines if line.subscriber == named(lane, name)]


async def test_every_ticket_is_delivered_committed_and_logged(lane_with_log: Lane) -> None:
    lane = lane_with_log
    await lane.publish(tickets(lane, 100))
    async with receiving() as receiver:
        async with running(lane, "map", receiver.url):
            await until(lambda: committed(lane, "map"), 100)
        assert sorted(receiver.ids) == sorted(f"{named(lane, 'map')}:210100-{n}:1" for n in range(100))
    assert {(line.outcome, line.attempts) for line in await log_of(lane, "map")} == {("delivered", 1)}
    assert await lane.dead() == []


async def test_one_subscriber_is_down_while_another_flows(lane_with_log: Lane) -> None:
    lane = lane_with_log
    async with receiving() as well, receiving() as down:
        down.answers = [status(503)]
        async with running(lane, "well", well.url), running(lane, "down", down.url):
            await lane.publish(tickets(lane, 100))
            await until(lambda: committed(lane, "well"), 100)
            assert await committed(lane, "down") == 0, "its lag is its backlog"
            down.answers = [status(204)]
            await until(lambda: committed(lane, "down"), 100)
        assert len(set(down.ids)) == len(well.ids) == 100
    assert await lane.dead() == []


async def test_what_is_never_taken_ends_as_a_dead_letter_and_the_rest_is_there(lane_with_log: Lane) -> None:
    lane = lane_with_log
    await lane.publish(tickets(lane, 60))
    async with receiving() as receiver:
        receiver.answers = [for_ticket("210100-7", status(500))]
        async with running(lane, "map", receiver.url, retry_seconds=1.0):
            await receiver.until(60)
            await until(lambda: committed(lane, "map"), 60)
    ((key, value, headers),) = await lane.dead()
    assert (key, value) == (b"210100-7", snapshot("210100-7").value)
    told = dict(headers)
    assert told["__connect.errors.stage"].decode() == f"sink:webhook.{named(lane, 'map')}"
    assert told["hotline.error.code"] == b"undeliverable"
    last = {line.ticket_id: line.outcome for line in await log_of(lane, "map")}
    assert [ticket for ticket, outcome in last.items() if outcome != "delivered"] == ["210100-7"]
    assert last["210100-7"] == "dead"


async def test_what_was_erased_or_redacted_far_behind_what_waits_is_not_sent(
    lane_with_log: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More waits for who is away than is in hand: the erasure is not read yet as the old snapshot's turn comes."""
    monkeypatch.setattr("sinks.webhook.run.BATCHES", 1)
    lane = lane_with_log
    await lane.publish(tickets(lane, 200))
    ends = [
        snapshot("210100-150", 2, topic=lane.topic, erased=True),
        snapshot("210100-151", 2, topic=lane.topic, redacted_version=2),
        snapshot("210100-152", 2, topic=lane.topic),
    ]
    await lane.publish(ends)
    async with receiving() as receiver, running(lane, "map", receiver.url):
        await until(lambda: committed(lane, "map"), 203)
    void = {f"{named(lane, 'map')}:210100-{n}:1" for n in (150, 151)}
    every = {f"{named(lane, 'map')}:210100-{n}:1" for n in range(200)}
    new = {f"{named(lane, 'map')}:{one.key.decode()}:2" for one in ends}
    assert set(receiver.ids) == every - void | new


async def test_what_is_erased_while_the_subscriber_is_away_is_not_sent(
    lane_with_log: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.webhook.run.BATCHES", 1)
    lane = lane_with_log
    await lane.publish(tickets(lane, 200))
    async with receiving() as receiver:
        receiver.answers = [status(503)]
        async with running(lane, "map", receiver.url):
            await receiver.until(10)
            await lane.publish([snapshot("210100-150", 2, topic=lane.topic, erased=True)])
            await asyncio.sleep(1)
            receiver.answers = [status(204)]
            await until(lambda: committed(lane, "map"), 201)
    assert f"{named(lane, 'map')}:210100-150:2" in receiver.ids
    assert f"{named(lane, 'map')}:210100-150:1" not in receiver.ids
    assert await lane.dead() == []


@pytest.mark.faults
async def test_a_process_killed_in_midstream_repeats_under_the_same_ids_and_loses_nothing(lane_with_log: Lane) -> None:
    lane = lane_with_log
    await lane.publish(tickets(lane, 200))
    async with receiving() as receiver:
        process = await start(lane, receiver)
        await receiver.until(50)
        process.kill()
        await asyncio.to_thread(process.wait, 60)
        before = list(receiver.ids)
        assert await committed(lane, "map") < 200
        async with running(lane, "map", receiver.url):
            await until(lambda: committed(lane, "map"), 200, 60)
    expected = {f"{named(lane, 'map')}:210100-{n}:1" for n in range(200)}
    assert set(receiver.ids) == expected
    assert len(receiver.ids) < 200 + len(before) + 1, "only what was under way came twice"
    assert await lane.dead() == []


async def start(lane: Lane, receiver: Receiver) -> Forked:
    told = {
        "name": named(lane, "map"),
        "topic": lane.topic,
        "url": receiver.url,
        "kafka": lane.endpoints.bootstrap_servers,
    }
    return await asyncio.to_thread(Forked, "-m", "tests.sinks.webhook.dying_subscriber", json.dumps(told))


@pytest.fixture
async def gone_and_well(
    lane_with_log: Lane, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Receiver, Receiver]]:
    """Two receivers, one of which answers 410; the snapshots are this lane's."""
    monkeypatch.setattr("sinks.webhook.settings._TOPICS", {"masked": lane_with_log.topic})
    async with receiving() as gone, receiving() as well:
        gone.answers = [status(410)]
        yield gone, well


async def test_a_subscriber_that_is_gone_stops_alone(
    lane_with_log: Lane, gone_and_well: tuple[Receiver, Receiver]
) -> None:
    lane, (gone, well) = lane_with_log, gone_and_well
    names = {named(lane, "gone"): subscriber(gone.url), named(lane, "well"): subscriber(well.url)}
    webhooks, stop = Webhooks(names, lane.kafka), asyncio.Event()
    task = asyncio.create_task(webhooks.run(stop))
    await lane.publish(tickets(lane, 20))
    await well.until(20)
    await until(lambda: _keys(webhooks), {named(lane, "gone")})
    await lane.publish(tickets(lane, 20, version=2))
    await well.until(40)
    assert "answers 410" in webhooks.troubles()[named(lane, "gone")]
    assert await committed(lane, "gone") == 0
    stop.set()
    await task


async def _keys(webhooks: Webhooks) -> set[str]:
    return set(webhooks.troubles())


async def test_when_none_is_left_it_is_said_why(lane_with_log: Lane, gone_and_well: tuple[Receiver, Receiver]) -> None:
    lane, (gone, _) = lane_with_log, gone_and_well
    await lane.publish(tickets(lane, 5))
    webhooks = Webhooks({named(lane, "gone"): subscriber(gone.url)}, lane.kafka)
    async with asyncio.timeout(60):
        with pytest.raises(MisconfiguredError, match="answers 410"):
            await webhooks.run(asyncio.Event())
