"""Partitions change hands: a worker comes and goes, and one that was fenced by nobody in the group starts again."""

import asyncio
import gc
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog
from faust.types import TP
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import topics
from schemas.errors import FatalError, UnreachableError
from schemas.records import Message
from streams import metrics
from streams.assign import Assign
from streams.engine.partition_worker import Chunk
from streams.state.partition import take_over
from tests.assign import logs
from tests.assign.workers import decided, letters, worker
from tests.waiting import soon
from tickets.policy import TicketPolicy

pytestmark = [pytest.mark.integration, pytest.mark.faults]

POLICY = TicketPolicy()


async def write(connection: KafkaConnection, messages: list[Message]) -> list[Message]:
    await logs.write(connection, map(logs.outbound, messages))
    return messages


async def test_a_partition_moves_to_another_worker_and_comes_back(
    connection: KafkaConnection, blobs_folder: Path, tmp_path: Path
) -> None:
    with worker(connection, blobs_folder) as stays:
        sent = await write(connection, letters(20))
        await logs.until_decided(connection, decided(sent))
        log = tmp_path / "log"
        with worker(connection, blobs_folder, log=log):
            while b"partition_taken_over" not in log.read_bytes():
                assert len(sent) < 2_000, "the second worker got no partition"
                sent += await write(connection, letters(10, start=len(sent)))
                await asyncio.sleep(0.2)
            await logs.until_decided(connection, decided(sent))
        sent += await write(connection, letters(20, start=len(sent)))
        await logs.until_decided(connection, decided(sent))
        assert stays.poll() is None
    await logs.assert_nothing_lost_or_doubled(connection, sent)


class Lane:
    """One city's input, given to assign again and again as its lane would."""

    def __init__(self, connection: KafkaConnection, assign: Assign) -> None:
        self._connection = connection
        self._assign = assign
        self.acks = 0
        self.partition = -1

    async def work_off(self) -> None:
        records = await logs.read(self._connection, topics.MESSAGE)
        self.partition = records[0].partition
        tp = TP(topics.MESSAGE, self.partition)
        await self._assign.handle(tp, Chunk(tp, records, SimpleNamespace(ack=self._acked)))

    def _acked(self) -> None:
        self.acks += 1


async def test_a_client_that_ended_without_a_word_gives_way_to_a_new_one(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a lane saw after its broker was killed: its transaction neither ended nor failed, for minutes."""
    messages = [one for one in letters(20) if one.jurisdiction == "110000"]
    await write(connection, messages[:2])
    assign = Assign(connection, blobs, POLICY)
    lane = Lane(connection, assign)
    await lane.work_off()
    (owner,) = assign._owners.values()
    owner._producer._sender._sender_task.cancel()
    await write(connection, messages[2:])
    monkeypatch.setattr("streams.state.partition.STUCK_SECONDS", 1.0)
    with pytest.raises(UnreachableError, match="has not responded"):
        await asyncio.wait_for(lane.work_off(), 60)
    monkeypatch.undo()
    await lane.work_off()
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, messages)


async def fenced(connection: KafkaConnection, blobs: LocalStore, messages: list[Message], seconds: float) -> Lane:
    """Return the lane of a worker that decided about five messages, was fenced, and has the others before it."""
    await write(connection, messages[:5])
    lane = Lane(connection, Assign(connection, blobs, POLICY, fenced_seconds=seconds))
    await lane.work_off()
    intruder = await take_over(lane.partition, connection, blobs, POLICY, lambda point: None)
    await intruder.close()
    await write(connection, messages[5:])
    return lane


async def test_a_worker_fenced_by_one_that_never_joins_starts_again(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    messages = [one for one in letters(20) if one.jurisdiction == "110000"]
    lane = await fenced(connection, blobs, messages, 0.5)
    with pytest.raises(FatalError, match="must restart"):
        await asyncio.wait_for(lane.work_off(), 60)
    assert lane.acks == 1
    again = Assign(connection, blobs, POLICY)
    await Lane(connection, again).work_off()
    await again.close()
    await logs.assert_nothing_lost_or_doubled(connection, messages)


async def test_a_fenced_worker_says_so_once_and_nothing_else(
    connection: KafkaConnection, blobs: LocalStore, caplog: pytest.LogCaptureFixture
) -> None:
    lane = await fenced(connection, blobs, [one for one in letters(20) if one.jurisdiction == "110000"], 0)
    with structlog.testing.capture_logs() as lines, pytest.raises(FatalError, match="must restart"):
        await asyncio.wait_for(lane.work_off(), 60)
    gc.collect()
    assert lines == [{"event": "partition_fenced", "partition": lane.partition, "log_level": "warning"}]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_fenced_worker_leaves_its_successor_alone_until_a_rebalance_ends_its_lane(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    messages = [one for one in letters(20) if one.jurisdiction == "110000"]
    await write(connection, messages[:5])
    assign = Assign(connection, blobs, POLICY, fenced_seconds=60)
    lane = Lane(connection, assign)
    await lane.work_off()
    successor = Assign(connection, blobs, POLICY)
    await Lane(connection, successor).work_off()
    await write(connection, messages[5:])
    before = metrics.FENCED._value.get()
    fenced = asyncio.create_task(lane.work_off())
    await soon(lambda: metrics.FENCED._value.get() > before, "it was never fenced")
    await Lane(connection, successor).work_off()
    fenced.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fenced
    await successor.close()
    await logs.assert_nothing_lost_or_doubled(connection, messages)
