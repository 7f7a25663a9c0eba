"""Checkpoints are a cache: a blob store that is away, silent or full of rubbish costs time and never a decision."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore, ObjectStore, S3Store
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from schemas import topics
from streams.engine.input import input_of, position_of
from streams.state import checkpoint
from streams.state.partition import Owner, take_over
from tests.assign import logs
from tests.broken_off import break_off
from tests.tickets.build import message
from tests.waiting import soon
from tickets.policy import TicketPolicy
from tickets.state.state import State

pytestmark = pytest.mark.integration

POLICY = TicketPolicy()
MESSAGES = [message(number, f"第{number}件事", sender=str(13800000000 + number)) for number in range(6)]


def bucket(port: int) -> S3Store:
    return S3Store(
        "checkpoints",
        endpoint=f"http://127.0.0.1:{port}",
        region="local",
        access_key_id="key",
        secret_access_key="secret",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


@pytest.fixture
def away() -> S3Store:
    """A store where nobody listens."""
    return bucket(1)


@pytest.fixture
def silent() -> Iterator[S3Store]:
    """A store that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield bucket(server.getsockname()[1])


def errors(operation: str) -> float:
    return REGISTRY.get_sample_value("hotline_streams_checkpoint_errors_total", {"operation": operation}) or 0


async def records(connection: KafkaConnection) -> list[logs.Record]:
    await logs.write(connection, map(logs.outbound, MESSAGES))
    return await logs.read(connection, topics.MESSAGE)


async def owner_of(connection: KafkaConnection, blobs: ObjectStore, partition: int) -> Owner:
    return await take_over(partition, connection, blobs, POLICY, lambda point: None)


async def test_without_the_blob_store_every_decision_is_made_and_restored(
    connection: KafkaConnection, away: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_EVENTS", 1)
    found, before = await records(connection), (errors("save"), errors("list"))
    owner = await owner_of(connection, away, found[0].partition)
    await owner.work_off(found[:3])
    await soon(lambda: errors("save") > before[0])
    await owner.close()
    successor = await owner_of(connection, away, found[0].partition)
    await successor.work_off(found)
    await successor.close()
    assert errors("list") >= before[1] + 2
    await logs.assert_nothing_lost_or_doubled(connection, MESSAGES)


async def test_a_silent_blob_store_holds_up_no_decision_and_a_restore_not_for_long(
    connection: KafkaConnection, silent: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_EVENTS", 1)
    monkeypatch.setattr(checkpoint, "LIST_SECONDS", 0.3)
    found, began = await records(connection), time.monotonic()
    owner = await owner_of(connection, silent, found[0].partition)
    for one in found:
        await owner.work_off([one])
    await owner.close()
    assert time.monotonic() - began < 25  # obstore waits for 30
    await logs.assert_nothing_lost_or_doubled(connection, MESSAGES)


async def test_a_checkpoint_written_between_two_chunks_knows_nothing_of_the_second(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_EVENTS", 3)
    found = await records(connection)
    owner = await owner_of(connection, blobs, found[0].partition)
    await owner.work_off(found[:3])
    owner._desk.take(input_of(found[3]), position_of(found[3]))  # decided, never written
    await soon(lambda: bool(obstore.list(blobs).collect()))
    await owner.close()
    restored = await logs.restored(connection, blobs, found[0].partition)
    assert restored.state.inputs.last_offset(topics.MESSAGE, found[0].partition) == found[2].offset


async def test_at_a_calm_pace_a_checkpoint_is_written_after_fewer_decisions_and_not_again_at_once(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million tickets restore in ten seconds with what came since, not in fourteen."""
    monkeypatch.setattr(checkpoint, "CALM_EVENTS", 2)
    found = await records(connection)
    owner = await owner_of(connection, blobs, found[0].partition)
    await owner.work_off(found[:2])
    assert owner._checkpoints._saving is None
    monkeypatch.setattr(checkpoint, "CALM_SECONDS", 0.0)
    await owner.work_off([found[2]])
    await soon(lambda: bool(obstore.list(blobs).collect()))
    monkeypatch.setattr(checkpoint, "CALM_SECONDS", 3600.0)
    await owner.work_off(found[3:])
    assert owner._checkpoints.pending == len(found) - 3
    await owner.close()
    restored = await logs.restored(connection, blobs, found[0].partition)
    assert restored.folded == len(found) - 3


async def test_what_was_decided_before_a_restart_counts_towards_the_next_checkpoint(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a worker that is restarted often would fold a longer log each time."""
    monkeypatch.setattr(checkpoint, "CHECKPOINT_EVENTS", 3)
    found = await records(connection)
    for one in found[:2]:
        owner = await owner_of(connection, blobs, one.partition)
        await owner.work_off([one])
        await owner.close()
    owner = await owner_of(connection, blobs, found[2].partition)
    assert not obstore.list(blobs).collect()
    await owner.work_off([found[2]])
    await soon(lambda: bool(obstore.list(blobs).collect()))
    await owner.close()


async def a_checkpoint(connection: KafkaConnection, blobs: LocalStore) -> Owner:
    """Let an owner, which whoever asked closes, decide and write one, in which some ranges lie."""
    found = await records(connection)
    owner = await owner_of(connection, blobs, found[0].partition)
    await owner.work_off(found)
    assert await checkpoint.save_checkpoint(blobs, found[0].partition, owner.restored)
    return owner


def slow(monkeypatch: pytest.MonkeyPatch, seconds: float, patience: float) -> list[int]:
    """Let a store answer each range only after `seconds`; return where each that was asked for begins."""
    asked, get = list[int](), obstore.get_range_async

    async def later(blobs: ObjectStore, path: str, *, start: int, end: int) -> obstore.Bytes:
        asked.append(start)
        await asyncio.sleep(seconds)
        return await get(blobs, path, start=start, end=end)

    monkeypatch.setattr(checkpoint.obstore, "get_range_async", later)
    monkeypatch.setattr(checkpoint, "RANGE_BYTES", 200_000)
    monkeypatch.setattr(checkpoint, "LOAD_SECONDS", patience)
    return asked


async def test_a_checkpoint_may_take_long_to_read_while_the_store_answers(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, before = await a_checkpoint(connection, blobs), errors("load")
    asked = slow(monkeypatch, 0.4, patience=3.0)
    restored = await logs.restored(connection, blobs, owner._partition)
    assert len(asked) * 0.4 > 3.0, "it was read within the time of one answer: this shows nothing"
    assert (errors("load"), restored.folded) == (before, 0)
    assert restored.state.dump() == owner.restored.state.dump()
    await owner.close()


async def test_a_store_that_falls_silent_in_a_checkpoint_has_the_logs_read_instead(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, before = await a_checkpoint(connection, blobs), errors("load")
    asked = slow(monkeypatch, 600, patience=0.3)
    restored = await logs.restored(connection, blobs, owner._partition)
    assert asked == [0]
    assert errors("load") == before + 1
    assert restored.folded > 0
    assert restored.state.dump() == owner.restored.state.dump()
    await owner.close()


def spoil(folder: Path) -> None:
    (path,) = folder.rglob("*.msgpack")
    path.write_bytes(path.read_bytes()[:100])


async def test_rubbish_in_the_place_of_a_checkpoint_is_passed_over(
    connection: KafkaConnection, blobs: LocalStore, blobs_folder: Path
) -> None:
    owner = await a_checkpoint(connection, blobs)
    spoil(blobs_folder)
    restored = await logs.restored(connection, blobs, owner._partition)
    assert restored.state.dump() == owner.restored.state.dump()
    await owner.close()


async def test_checkpoints_of_another_format_go_with_the_next_one(tmp_path: Path) -> None:
    """Nobody reads them again, and they may hold what was erased since."""
    blobs = LocalStore(tmp_path)
    for path in (
        "00003/v0-00000000000000000009.msgpack",
        "00003/v99-00000000000000000001.msgpack",
        "00004/v0-1.msgpack",
    ):
        await obstore.put_async(blobs, f"checkpoints/assign/{path}", b"x")
    broken_off = break_off(tmp_path, "checkpoints/assign/00003/v12-00000000000000000005.msgpack")
    restored = checkpoint.Restored(state=State(POLICY), last_event=7)
    assert await checkpoint.save_checkpoint(blobs, 3, restored)
    assert not broken_off.exists()
    there = await obstore.list(blobs, "checkpoints/assign").collect_async()
    left = {one["path"].removeprefix("checkpoints/assign/") for one in there}
    assert left == {f"00003/v{checkpoint.FORMAT}-{7:020d}.msgpack", "00004/v0-1.msgpack"}
