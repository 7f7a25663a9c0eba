"""Quarantine: a partition that cannot go on waits and is tried again, and nobody waits for it."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from schemas.errors import FatalError, MisconfiguredError, PartitionError, UnreachableError
from streams.engine import quarantine
from streams.engine.partition_worker import Chunk, Handle, Lanes
from tests.waiting import soon

NORTH, SOUTH, WEST = (TP("t", number) for number in range(3))
ALL = [NORTH, SOUTH, WEST]
CITY = "210100"


def event(tp: TP, number: int) -> SimpleNamespace:
    record = SimpleNamespace(offset=number, headers=[("ce_jurisdiction", CITY.encode())])
    message = SimpleNamespace(tp=tp, value=[record], resting=False)
    return SimpleNamespace(message=message, ack=lambda: None)


def shown(tp: TP) -> float | None:
    labels = {"stage": "stage", "topic": tp.topic, "partition": str(tp.partition)}
    return REGISTRY.get_sample_value("hotline_streams_partition_quarantined", labels)


async def crash(error: BaseException) -> None:
    raise AssertionError("nothing may crash here") from error


def made(handle: Handle, crash: Callable[[BaseException], Awaitable[None]] = crash) -> Lanes:
    lanes = Lanes(handle, crash, name="stage", max_wait_seconds=0.01)
    lanes.begin(ALL)
    return lanes


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "PAUSES", (0.0,))


@pytest.mark.parametrize(
    "fault",
    [PartitionError("its log has a hole"), UnicodeDecodeError("utf-8", b"13800138000", 0, 1, "13800138000")],
    ids=repr,
)
async def test_a_partition_that_cannot_go_on_waits_and_the_others_go_on(fault: Exception) -> None:
    done = []

    async def handle(tp: TP, chunk: Chunk) -> None:
        if tp == NORTH:
            raise fault
        done.append(chunk.records[0].offset)

    lanes = made(handle)
    first, second = event(NORTH, 0), event(NORTH, 1)
    lanes.put(first)
    await soon(lambda: lanes.quarantined().there)
    lanes.put(second)
    for number in range(3):
        lanes.put(event(SOUTH, number))
    await soon(lambda: done == [0, 1, 2])
    (one,), partitions = lanes.quarantined()
    assert (one.stage, one.partition, one.cities, one.tries, partitions) == ("stage", 0, (CITY,), 1, 3)
    assert one.next_try - one.since == pytest.approx(60, abs=5)
    assert "hole" in one.reason or "test_quarantine.py" in one.reason
    assert "13800138000" not in one.reason
    assert first.message.resting, "a rebalance does not wait for it"
    assert second.message.resting, "nor for what waits behind it"
    assert lanes.trouble() is None
    assert shown(NORTH) == 1
    await lanes.close()
    assert shown(NORTH) is None


@pytest.mark.usefixtures("no_pause")
async def test_it_is_tried_again_and_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(quarantine, "PAUSES", (0.001, 0.002))
    enter = quarantine.Quarantine.enter

    def noted(*arguments: object) -> float:
        pauses.append(enter(*arguments))  # type: ignore[arg-type]
        return pauses[-1]

    monkeypatch.setattr(quarantine.Quarantine, "enter", noted)
    tried = []

    async def handle(tp: TP, chunk: Chunk) -> None:
        tried.append(chunk.records[0].offset)
        if len(tried) < 4:
            raise PartitionError("its log has a hole")

    lanes = made(handle)
    lanes.put(event(NORTH, 1))
    lanes.put(event(NORTH, 2))
    await soon(lambda: len(tried) == 5)
    assert tried == [1, 1, 1, 1, 2]
    assert pauses == [0.001, 0.002, 0.002]
    assert lanes.quarantined().there == []
    assert shown(NORTH) is None
    await lanes.close()


async def test_its_silence_is_no_hanging_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(tp: TP, chunk: Chunk) -> None:
        raise PartitionError("its log has a hole")

    lanes = made(handle)
    lanes.put(event(NORTH, 1))
    await soon(lambda: lanes.quarantined().there)
    monkeypatch.setattr("streams.engine.partition_worker.HANG_SECONDS", 0.0)
    assert lanes._hanging() == {}
    await lanes.close()


async def test_a_quiet_partition_is_quarantined_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.engine.partition_worker.QUIET_SECONDS", 0.001)

    async def handle(tp: TP, chunk: Chunk) -> None: ...

    async def look(tp: TP) -> None:
        if tp == NORTH:
            raise PartitionError("its log has a hole")

    lanes = Lanes(handle, crash, name="stage", look=look)
    lanes.begin(ALL)
    await soon(lambda: [one.partition for one in lanes.quarantined().there] == [0])
    await lanes.close()


@pytest.mark.parametrize("fault", [MisconfiguredError("mend it"), MemoryError()], ids=repr)
async def test_a_fault_of_the_process_ends_the_process(fault: BaseException) -> None:
    await assert_ends(fault, [NORTH])


async def test_what_more_than_half_of_the_partitions_meet_is_the_processs_fault() -> None:
    await assert_ends(ValueError("a client is closed"), [NORTH, SOUTH])


async def assert_ends(fault: BaseException, partitions: list[TP]) -> None:
    crashes: list[BaseException] = []

    async def handle(tp: TP, chunk: Chunk) -> None:
        raise fault

    async def record(error: BaseException) -> None:
        crashes.append(error)

    lanes = made(handle, record)
    for tp in partitions:
        assert crashes == []
        lanes.put(event(tp, 1))
        await soon(lambda tp=tp: crashes or tp in lanes._quarantine)
    assert isinstance(crashes[0], FatalError)
    await lanes.close()


async def test_more_than_half_of_the_logs_with_holes_end_nothing() -> None:
    async def handle(tp: TP, chunk: Chunk) -> None:
        raise PartitionError("its log has a hole")

    lanes = made(handle)
    for tp in ALL:
        lanes.put(event(tp, 1))
    await soon(lambda: len(lanes.quarantined().there) == 3)
    await lanes.close()


@pytest.mark.usefixtures("no_pause")
async def test_what_keeps_it_from_going_on_is_told_anew_at_each_try() -> None:
    faults: list[Exception] = [PartitionError("a hole"), UnreachableError("Kafka is away"), PartitionError("a ticket")]
    told = []

    async def handle(tp: TP, chunk: Chunk) -> None:
        told.extend(one.reason for one in lanes.quarantined().there)
        if faults:
            raise faults.pop(0)

    lanes = made(handle)
    lanes.put(event(NORTH, 1))
    await soon(lambda: len(told) == 3)
    assert told == ["a hole", "a hole", "a ticket"]
    await lanes.close()
