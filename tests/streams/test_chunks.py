"""What the chunk transport overrides in faust-streaming is there, and means what it meant in 0.15.3."""

import asyncio
import importlib.metadata
import inspect
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import IllegalStateError
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine import transport
from tests.rows import each_row


def test_the_pinned_version_is_the_one_that_this_was_written_against() -> None:
    assert importlib.metadata.version("faust-streaming") == "0.15.3"


def test_faust_finds_the_transport_by_its_scheme() -> None:
    found = importlib.metadata.entry_points(group="faust.transports", name="chunk")
    assert {entry.load() for entry in found} == {transport.ChunkTransport}


@each_row(
    ("method", "parameters"),
    [
        (Consumer._drain_messages, ["self", "fetcher"]),
        (Consumer._new_offset, ["self", "tp"]),
        (Consumer._filter_tps_with_pending_acks, ["self", "topics"]),
        (Consumer._wait_for_ack, ["self", "timeout"]),
        (Consumer.wait_empty, ["self"]),
        (Consumer.ack, ["self", "message"]),
        (Consumer.on_partitions_revoked, ["self", "revoked"]),
        (Consumer.perform_seek, ["self"]),
        (Consumer.commit_and_end_transactions, ["self"]),
        (driver.Consumer._new_consumer_thread, ["self"]),
        (driver.Consumer._getmany, ["self", "active_partitions", "timeout"]),
        (driver.Consumer.verify_event_path, ["self", "now", "tp"]),
        (driver.AIOKafkaConsumerThread._create_worker_consumer, ["self", "transport"]),
        (
            driver.AIOKafkaConsumerThread._fetch_records,
            ["self", "consumer", "active_partitions", "timeout", "max_records"],
        ),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_what_is_overridden_or_called_has_its_signature(method: object, parameters: list[str]) -> None:
    assert list(inspect.signature(inspect.unwrap(method)).parameters) == parameters


async def test_the_consumer_still_reads_its_wait_and_isolation_from_these_attributes() -> None:
    consumer = AIOKafkaConsumer(fetch_max_wait_ms=7, isolation_level="read_committed")
    assert consumer._fetch_max_wait_ms == 7
    assert consumer._isolation_level == "read_committed"
    await consumer.stop()


async def test_the_thread_stops_while_a_fetch_waits_for_its_next_attempt() -> None:
    consumer = AIOKafkaConsumer()
    consumer._fetcher = Fetcher(consumer._client, consumer._subscription)
    await asyncio.sleep(0)  # it has begun to wait for partitions
    waiting = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    consumer._fetcher._pending_tasks.add(waiting)
    closed: list[bool] = []
    close = consumer._client.close

    async def closes() -> None:
        closed.append(True)
        await close()

    consumer._client.close = closes
    thread = object.__new__(transport.ChunkConsumerThread)
    thread._consumer, thread._method_queue = consumer, None
    await asyncio.wait_for(thread.on_thread_stop(), 60)
    assert waiting.cancelled()
    assert closed == [True]


class Record:
    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.timestamp = 1000 * offset


def chunk(first: int, last: int) -> transport.ChunkMessage:
    return transport.ChunkMessage(TP("t", 0), [Record(n) for n in range(first, last + 1)], generation=1)


def consumer_with(*out: transport.ChunkMessage) -> transport.ChunkConsumer:
    """Return the bookkeeping of a consumer, without its threads."""
    consumer = object.__new__(transport.ChunkConsumer)
    consumer._chunks = {TP("t", 0): transport.deque(out)}
    return consumer


def test_the_commit_stops_before_the_first_unfinished_chunk() -> None:
    first, second, third = chunk(0, 4), chunk(5, 9), chunk(10, 11)
    consumer = consumer_with(first, second, third)
    third.done = True
    assert consumer._new_offset(TP("t", 0)) is None
    first.done = True
    assert consumer._new_offset(TP("t", 0)) == 5
    second.done = True
    assert consumer._new_offset(TP("t", 0)) == 12


async def test_a_rebalance_in_the_middle_of_seeking_back_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found under load: `seek_to_committed` raises when the partition is taken away meanwhile."""
    consumer, asked = consumer_with(), []

    async def nothing_fetched() -> dict:
        return {}

    async def no_assignment() -> dict:
        asked.append(1)
        raise IllegalStateError("No current assignment for partition t 0")

    consumer.app = SimpleNamespace(consumer_generation_id=1)
    consumer.flow_active = False
    for name, value in {
        "_next_batches": nothing_fetched,
        "seek_to_committed": no_assignment,
        "_read_offset": {},
    }.items():
        monkeypatch.setattr(consumer, name, value, raising=False)
    monkeypatch.setattr(transport.ChunkConsumer, "should_stop", False)
    await consumer._drain_once()
    assert asked == [1]


def test_two_unfinished_chunks_leave_no_room_and_a_parked_one_takes_none() -> None:
    first, second = chunk(0, 4), chunk(5, 9)
    consumer = consumer_with(first, second)
    assert not consumer._has_room(TP("t", 0))
    first.park([])
    assert consumer._has_room(TP("t", 0))
    assert consumer._new_offset(TP("t", 0)) is None
