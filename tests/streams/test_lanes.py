"""One task per partition: order, back-off, end, and loud failure."""

import asyncio
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from faust.types import TP
from structlog.testing import capture_logs

from broker.heartbeat import beat
from schemas.errors import FatalError, MisconfiguredError, ThrottledError, UnreachableError
from streams.engine import partition_worker as lanes_module
from streams.engine.partition_worker import Lanes
from tests.waiting import soon

NORTH, SOUTH = TP("t", 0), TP("t", 1)


def event(tp: TP, number: int) -> SimpleNamespace:
    return SimpleNamespace(message=SimpleNamespace(tp=tp, value=[number]), ack=lambda: None)


async def crash(error: BaseException) -> None:
    raise AssertionError("nothing may crash here") from error


async def test_a_partition_keeps_its_order_and_waits_for_nobody_else() -> None:
    done, hold = [], asyncio.Event()

    async def handle(tp, chunk) -> None:
        if tp == NORTH:
            await hold.wait()
        done.append((tp.partition, chunk.records[0]))

    lanes = Lanes(handle, crash)
    for number in range(3):
        lanes.put(event(NORTH, number))
        lanes.put(event(SOUTH, number))
    await soon(lambda: len(done) == 3)
    assert done == [(1, 0), (1, 1), (1, 2)]
    hold.set()
    await soon(lambda: len(done) == 6)
    assert done[3:] == [(0, 0), (0, 1), (0, 2)]
    await lanes.close()


@pytest.mark.parametrize("fault", [UnreachableError("away"), ThrottledError("wait", retry_after=0.01)], ids=repr)
async def test_a_retriable_fault_repeats_the_chunk_before_the_next(fault: Exception) -> None:
    tried = []

    async def handle(tp, chunk) -> None:
        tried.append(chunk.records[0])
        if len(tried) < 3:
            raise fault

    lanes = Lanes(handle, crash, max_wait_seconds=0.01)
    lanes.put(event(NORTH, 1))
    lanes.put(event(NORTH, 2))
    await soon(lambda: len(tried) == 4)
    assert tried == [1, 1, 1, 2]
    await lanes.close()


async def test_what_keeps_a_lane_from_getting_on_is_told_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    away, hold = [True], asyncio.Event()

    async def handle(tp, chunk) -> None:
        if tp == NORTH and away:
            raise UnreachableError("the blob store does not answer")
        if tp == SOUTH:
            await hold.wait()

    lanes = Lanes(handle, crash, max_wait_seconds=0.01)
    assert lanes.trouble() is None
    lanes.put(event(NORTH, 1))
    assert await soon(lanes.trouble) == "the blob store does not answer"
    away.clear()
    await soon(lambda: lanes.trouble() is None)
    monkeypatch.setattr(lanes_module, "SILENT_SECONDS", 0.05)
    lanes.put(event(SOUTH, 1))
    assert "for a service that says nothing" in str(await soon(lanes.trouble))
    hold.set()
    await soon(lambda: lanes.trouble() is None)
    await lanes.close()


async def test_a_dropped_partition_is_cancelled_before_drop_returns_and_others_go_on() -> None:
    ended, done = [], []

    async def handle(tp, chunk) -> None:
        if tp == SOUTH:
            done.append(chunk.records[0])
            return
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(chunk.records[0])

    lanes = Lanes(handle, crash)
    lanes.put(event(NORTH, 1))
    lanes.put(event(NORTH, 2))
    await asyncio.sleep(0)
    await lanes.drop([NORTH, TP("never", 9)])
    assert ended == [1]
    lanes.put(event(SOUTH, 3))
    await soon(lambda: done == [3])
    await lanes.close()


@pytest.mark.parametrize("bug", [ValueError("13800138000"), MisconfiguredError("mend it")], ids=repr)
async def test_a_bug_stops_the_worker_and_tells_no_personal_data(bug: Exception) -> None:
    crashes: list[BaseException] = []

    async def handle(tp, chunk) -> None:
        raise bug

    async def record(error: BaseException) -> None:
        crashes.append(error)

    lanes = Lanes(handle, record, name="stage")
    lanes.put(event(NORTH, 1))
    await soon(lambda: crashes != [])
    assert isinstance(crashes[0], FatalError)
    assert "13800138000" not in str(crashes[0])
    assert crashes[0] is bug or "test_lanes.py" in str(crashes[0])
    await lanes.close()


async def test_a_lane_that_does_not_end_stops_the_worker_instead_of_every_city(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.engine.partition_worker.DROP_SECONDS", 0.05)
    crashes: list[BaseException] = []
    begun, over = asyncio.Event(), asyncio.Event()

    async def handle(tp, chunk) -> None:
        begun.set()
        while not over.is_set():
            with suppress(asyncio.CancelledError):
                await over.wait()

    async def record(error: BaseException) -> None:
        crashes.append(error)

    lanes = Lanes(handle, record, name="assign")
    lanes.put(event(NORTH, 1))
    await begun.wait()
    await asyncio.wait_for(lanes.drop([NORTH]), 60)
    over.set()
    assert [type(one) for one in crashes] == [FatalError]
    assert "a lane of assign does not end" in str(crashes[0])


async def test_a_cancellation_that_nobody_asked_for_repeats_the_chunk() -> None:
    """aiokafka lets the end of a fetch out of a consumer's `stop`; the lane must outlive it."""
    seen: list[int] = []

    async def leaking() -> None:
        fetch = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch

    async def handle(tp, chunk) -> None:
        seen.append(chunk.records)
        if len(seen) == 1:
            await leaking()

    lanes = Lanes(handle, crash, max_wait_seconds=0.01)
    lanes.put(event(NORTH, 1))
    lanes.put(event(NORTH, 2))
    await soon(lambda: len(seen) == 3)
    await lanes.close()
    assert [records == seen[0] for records in seen] == [True, True, False]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.engine.partition_worker.HANG_SECONDS", 0.1)
    monkeypatch.setattr("streams.engine.partition_worker.WATCH_SECONDS", 0.01)


@pytest.mark.usefixtures("impatient")
async def test_a_lane_that_hangs_stops_the_worker_and_is_told_with_its_place() -> None:
    crashes: list[BaseException] = []

    async def handle(tp, chunk) -> None:
        if tp == NORTH:
            await asyncio.Event().wait()

    async def record(error: BaseException) -> None:
        crashes.append(error)

    lanes = Lanes(handle, record, name="assign")
    lanes.put(event(SOUTH, 1))
    lanes.put(event(NORTH, 2))
    with capture_logs() as logs:
        await asyncio.wait_for(lanes.watch(), 10)
    await lanes.close()
    assert [str(one) for one in crashes] == ["a lane of assign has made no progress for 0 s: the worker must restart"]
    (line,) = logs
    assert line["event"] == "lane_hangs"
    assert list(line["lanes"]) == ["assign t 0"]
    assert "locks.py" in line["lanes"]["assign t 0"]


@pytest.mark.usefixtures("impatient")
async def test_a_lane_that_gets_on_or_has_nothing_to_do_or_tries_again_does_not_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[int] = []
    seconds = [0.0]
    monkeypatch.setattr("broker.heartbeat.time", SimpleNamespace(monotonic=lambda: seconds[0]))

    async def inner() -> None:
        await asyncio.sleep(0.02)
        seconds[0] += 0.09
        beat()

    async def handle(tp, chunk) -> None:
        for _ in range(10):
            await asyncio.create_task(inner())  # also what runs in another task, as a client's work does
        done.append(tp.partition)
        if tp == SOUTH and len(done) < 3:
            raise UnreachableError("away")

    lanes = Lanes(handle, crash, max_wait_seconds=0.01)
    watching = asyncio.create_task(lanes.watch())
    lanes.put(event(NORTH, 1))
    await soon(lambda: done == [NORTH.partition])
    lanes.put(event(SOUTH, 2))
    await soon(lambda: done.count(SOUTH.partition) == 2)
    seconds[0] += 1.0  # in which none has anything to do
    lanes.put(event(SOUTH, 3))
    await soon(lambda: done.count(SOUTH.partition) == 3)
    assert not watching.done()
    watching.cancel()
    await lanes.close()


async def test_a_quiet_partition_is_looked_at_between_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "QUIET_SECONDS", 0.01)
    done: list[object] = []

    async def handle(tp, chunk) -> None:
        done.append(chunk.records[0])

    async def look(tp) -> None:
        done.append("looked")
        if done.count("looked") == 1:
            raise UnreachableError("away")

    lanes = Lanes(handle, crash, max_wait_seconds=0.01, look=look)
    lanes.begin([NORTH])
    await soon(lambda: done.count("looked") == 2)
    lanes.put(event(NORTH, 1))
    await soon(lambda: 1 in done)
    await soon(lambda: done[-1] == "looked")
    await lanes.close()


async def test_who_was_frozen_looks_at_nothing_before_it_is_told_what_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would take a partition over that is another's by now, and fence that one."""
    monkeypatch.setattr(lanes_module, "QUIET_SECONDS", 0.05)
    looked: list[object] = []

    async def look(tp) -> None:
        looked.append(tp)

    lanes = Lanes(look, crash, look=look)
    lanes.begin([NORTH])
    for _ in range(lanes_module.QUIET_LOOKS * 2):
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - frozen
    assert not looked
    await soon(lambda: bool(looked))
    await lanes.close()
