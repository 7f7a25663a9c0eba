"""Back-fill gives way to live messages that wait, on the real Kafka."""

import asyncio
import time
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from normalizers.base import Policy
from schemas import topics
from schemas.codec import Outbound, decode
from schemas.records import Handover
from streams import normalize, screen
from streams.backpressure import backfill
from streams.backpressure.backfill import BEGIN_SECONDS, RESUME_SECONDS
from streams.backpressure.downstream_lag import Downstream, Group
from streams.engine import partition_worker
from streams.engine.transport import DRAIN_SECONDS
from tests.streams.conftest import PARTITIONS, Bench
from tests.streams.raws import NOON, outbound
from tests.waiting import soon

pytestmark = pytest.mark.integration

LIVE = topics.raw("record")
FIRE = "解放路88号居民楼三楼着火了，快来人啊"


class Stage:
    """A live agent that waits for `go_on`, and a back-fill agent that gives way; what each of them was handed."""

    def __init__(self, downstream: Downstream | None = None) -> None:
        self.go_on = asyncio.Event()
        self.live: list = []
        self.old: list = []
        self.downstream = downstream

    def declare(self, app) -> None:
        self.pace = backfill.watch(app, "test", [LIVE], [topics.BACKFILL], self.downstream)
        partition_worker.declare(app, "live", [LIVE], self._slow)
        partition_worker.declare(app, "backfill", [topics.BACKFILL], self.pace.giving_way(self._quick))

    async def _slow(self, tp, chunk) -> None:
        await self.go_on.wait()
        self.live.extend(chunk.records)
        chunk.ack()

    async def _quick(self, tp, chunk) -> None:
        self.old.extend(chunk.records)
        chunk.ack()


def lag() -> float | None:
    return REGISTRY.get_sample_value("hotline_streams_lag_records", {"stage": "test"})


async def test_back_fill_waits_while_live_messages_do(bench: Bench) -> None:
    stage = Stage()
    async with bench.running(stage.declare):
        await bench.put(outbound(1, backfill=True))
        await soon(lambda: len(stage.old) == 1)
        await bench.put(outbound(2))
        await soon(lambda: stage.pace.paused)
        assert lag() == 1
        # Also a chunk that was fetched before the pause is not begun: nothing of this may come through.
        await bench.put(*(outbound(number, backfill=True) for number in range(3, 40)))
        await asyncio.sleep(RESUME_SECONDS)
        assert len(stage.old) == 1
        stage.go_on.set()
        await soon(lambda: len(stage.old) == 38)
        await soon(lambda: lag() == 0)
    assert len(stage.live) == 1


async def test_no_chunk_of_back_fill_is_begun_while_a_live_one_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "must_pause", lambda paused, lag: False)
    stage = Stage()
    async with bench.running(stage.declare):
        await bench.put(outbound(1))
        await soon(lambda: stage.pace._looks > 0 and stage.pace._lag() > BEGIN_SECONDS)
        await bench.put(outbound(2, backfill=True))
        await soon(lambda: stage.pace._waiting == 1)
        await asyncio.sleep(RESUME_SECONDS)
        assert stage.old == []
        stage.go_on.set()
        await soon(lambda: len(stage.old) == 1)


async def test_back_fill_that_waits_holds_up_no_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "must_pause", lambda paused, lag: False)
    stage = Stage()
    stage.go_on.set()
    async with bench.running(stage.declare):
        await bench.put(outbound(1, backfill=True))
        await soon(lambda: len(stage.old) == 1)
        monkeypatch.setattr(backfill.Pace, "_may_go", lambda self: False)
        await bench.put(outbound(2, backfill=True))
        await soon(lambda: stage.pace._waiting == 1)
        began = time.monotonic()
    assert time.monotonic() - began < DRAIN_SECONDS


async def test_back_fill_is_worked_off_one_chunk_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "must_pause", lambda paused, lag: False)
    at_once: list[int] = []

    async def together(stage: Stage, tp, chunk) -> None:
        at_once.append(stage.pace._under_way - len(chunk.records))
        await asyncio.sleep(0.05)
        stage.old.extend(chunk.records)
        chunk.ack()

    monkeypatch.setattr(Stage, "_quick", together)
    stage = Stage()
    await bench.put(outbound(1, backfill=True), partition=0)
    await bench.put(outbound(2, backfill=True), partition=1)
    async with bench.running(stage.declare):
        await soon(lambda: len(stage.old) == 2)
    assert at_once == [0, 0]


async def committed(bench: Bench, group: str, offset: int) -> None:
    """Let a group stand at an offset of every partition of the message topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bench.connection.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    places = [TopicPartition(topics.MESSAGE, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    await consumer.commit({place: min(offset, ends[place]) for place in places})
    await consumer.stop()


async def test_back_fill_waits_while_a_stage_behind_has_much_before_it(bench: Bench) -> None:
    group = f"behind-{time.time_ns()}"
    await bench.put(*(Outbound(topics.MESSAGE, b"k%d" % number, b"{}", []) for number in range(20)))
    stage = Stage(Downstream(bench.connection, [Group(group, (topics.MESSAGE,))], room_messages=5))
    async with bench.running(stage.declare):
        await bench.put(outbound(1, backfill=True), outbound(2))
        stage.go_on.set()
        await soon(lambda: len(stage.live) == 1)  # what is live goes on
        await soon(lambda: stage.pace._waiting == 1 and stage.pace._room < 0)
        await asyncio.sleep(RESUME_SECONDS)
        assert stage.old == []
        await committed(bench, group, 20)
        await soon(lambda: len(stage.old) == 1)


async def told(downstream: Downstream, seconds: float = 90) -> int:
    """Return the room as soon as Kafka tells it: a broker that has just begun has nobody yet who knows of groups."""
    async with asyncio.timeout(seconds):
        while not (room := await downstream.room()):  # noqa: ASYNC110 - nobody is told when a broker is ready
            await asyncio.sleep(backfill.LOOK_SECONDS)
    return room


async def test_a_group_that_never_read_anything_holds_up_nothing_unless_it_must(bench: Bench) -> None:
    await bench.put(*(Outbound(topics.MESSAGE, b"k%d" % number, b"{}", []) for number in range(20)))
    nobody = f"nobody-{time.time_ns()}"
    for group, room in (
        (Group(nobody), 100),
        (Group(nobody, (topics.MESSAGE,)), 80),
        (Group(nobody, (topics.MESSAGE,), 4), 95),
    ):
        downstream = Downstream(bench.connection, [group], room_messages=100)
        assert await told(downstream) == room
        await downstream.close()


async def test_a_kafka_that_does_not_say_gives_no_room() -> None:
    downstream = Downstream(KafkaConnection(bootstrap_servers="127.0.0.1:1"), [Group("g")])
    assert await downstream.room() == 0
    await downstream.close()


async def test_both_stages_hold_back_fill_and_hand_old_emergencies_over_as_stale(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = True
    monkeypatch.setattr(backfill, "must_pause", lambda paused, lag: held)

    def declare(app) -> None:
        normalize.declare(app, bench.connection, bench.blobs, Policy())

    def declare_screen(app) -> None:
        screen.declare(app, bench.connection, bench.blobs, Policy())

    last_week = {"time": NOON - timedelta(days=7), "backfill": True}
    async with bench.running(declare), bench.running(declare_screen, group=f"screen-{time.time_ns()}"):
        await bench.put(outbound(1, FIRE, **last_week))
        await bench.put(outbound(2, FIRE))
        assert len(await bench.read(topics.HANDOVER, 1)) == 1
        assert len(await bench.read(topics.MESSAGE, 1)) == 1
        assert len(await bench.read(topics.HANDOVER, 2, seconds=RESUME_SECONDS)) == 1
        assert len(await bench.read(topics.MESSAGE, 2, seconds=0.1)) == 1
        held = False
        found = await bench.read(topics.HANDOVER, 2)
        assert len(await bench.read(topics.MESSAGE, 2)) == 2
    assert [decode(record.value, Handover).stale for record in found] == [False, True]
