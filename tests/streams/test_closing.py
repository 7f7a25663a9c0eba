"""A Kafka client that does not end, or ends somebody else with it, holds up no back-fill, no restore and no clerk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from obstore.store import LocalStore, MemoryStore

from broker import aio_client
from broker.config import KafkaConnection
from schemas import topics
from schemas.errors import UnreachableError
from streams.backpressure.downstream_lag import Downstream
from streams.engine import app, output
from streams.engine.in_work import InWork
from streams.engine.output import Outlet
from streams.state import checkpoint, log_reader, partition
from streams.state.checkpoint import Checkpoints, Restored
from streams.state.log_reader import Logs
from streams.state.partition import Owner
from tests.fakes.clients import NOT_ENDING, Client, let_go
from tests.waiting import soon
from tickets.policy import TicketPolicy
from tickets.state.state import State

CONNECTION = KafkaConnection(bootstrap_servers="127.0.0.1:1")
APP: Any = SimpleNamespace(on_before_shutdown=SimpleNamespace(connect=lambda handler: None))

each = pytest.mark.parametrize("kind", NOT_ENDING)


@pytest.fixture(autouse=True)
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(aio_client, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(aio_client, "START_SECONDS", 0.05)
    yield
    await let_go()


async def in_time(work: Any) -> Any:
    return await asyncio.wait_for(work, 60)


@each
async def test_back_fill_goes_on_after_a_client_that_did_not_end(
    kind: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    downstream = Downstream(CONNECTION, [])
    downstream._clients = kind(), kind()

    async def away() -> Any:
        raise KafkaConnectionError

    monkeypatch.setattr(downstream, "_ready", away)
    assert await in_time(downstream.room()) == 0
    assert downstream._clients is None


@each
async def test_a_stage_whose_producer_neither_begins_nor_ends_repeats_its_chunk(
    kind: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(kind):  # type: ignore[valid-type, misc] # a client of either kind
        async def start(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(output, "make_producer", lambda connection: Away())
    stage = Outlet(APP, CONNECTION, "stage")
    for _ in range(2):  # the lock on opening it is free again
        with pytest.raises(UnreachableError):
            await in_time(stage._opened())


@each
async def test_a_look_back_ends_though_its_client_does_not(kind: type[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    class Reader(kind):  # type: ignore[valid-type, misc] # a client of either kind
        def assign(self, places: list[TopicPartition]) -> None: ...

        async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
            return dict.fromkeys(places, 0)

        end_offsets = beginning_offsets

    monkeypatch.setattr(log_reader, "AIOKafkaConsumer", lambda **options: Reader())
    assert await in_time(log_reader.messages_at({}, topics.MESSAGE, 0, [3])) == []


class Silent(Client):
    """Has more, and gives nothing."""

    def assign(self, places: list[TopicPartition]) -> None: ...

    def seek(self, place: TopicPartition, offset: int) -> None: ...

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 9)

    async def position(self, place: TopicPartition) -> int:
        return 0

    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int) -> dict[Any, Any]:
        await asyncio.sleep(0.02)
        return {}


async def test_a_restore_whose_client_gives_nothing_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(log_reader, "AIOKafkaConsumer", lambda **options: Silent())

    async def read() -> None:
        async with Logs({}, 0) as opened:
            async for _ in opened.events(0):
                pass

    with pytest.raises(UnreachableError):
        await in_time(read())


@each
async def test_a_restore_ends_though_its_client_does_not(kind: type[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "AIOKafkaConsumer", lambda **options: kind())

    async def read() -> str:
        async with Logs({}, 0):
            return "restored"

    assert await in_time(read()) == "restored"


async def test_a_store_that_hangs_holds_a_city_up_for_a_while_and_no_later_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    puts, put, hanging = [], checkpoint.obstore.put_async, True

    async def may_hang(store: LocalStore, path: str, pieces: Any) -> Any:
        puts.append(path)
        if hanging:
            await asyncio.Event().wait()
        return await put(store, path, pieces)

    monkeypatch.setattr(checkpoint.obstore, "put_async", may_hang)
    monkeypatch.setattr(checkpoint, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 1.0)
    blobs = LocalStore(tmp_path)
    checkpoints = Checkpoints(blobs, 0, Restored(state=State(TicketPolicy())))
    await in_time(checkpoints.write())  # a decision that erases
    checkpoints.decided(1)
    assert len(puts) == 1
    await soon(lambda: checkpoints._saving is not None and checkpoints._saving.done())
    hanging = False
    monkeypatch.setattr(checkpoint, "SAVE_SECONDS", 60.0)  # a disk that is busy does not hang
    checkpoints.decided(1)  # any later one
    await soon(lambda: len(puts) == 2 and checkpoints._saving is not None and checkpoints._saving.done())
    assert [one["path"] for one in await checkpoint.obstore.list(blobs).collect_async()] == [puts[1]]


async def test_a_store_that_hangs_holds_up_one_decision_that_erases_and_not_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits, wait = [], asyncio.wait

    async def noted(tasks: Any, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - asyncio's own
        waits.append(timeout)
        return await wait(tasks, timeout=timeout)

    async def hangs(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(checkpoint.obstore, "put_async", hangs)
    monkeypatch.setattr(checkpoint, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(checkpoint.asyncio, "wait", noted)
    checkpoints = Checkpoints(LocalStore(tmp_path), 0, Restored(state=State(TicketPolicy())))
    for _ in range(3):
        await in_time(checkpoints.write())
        checkpoints.decided(1)
    assert [timeout for timeout in waits if timeout is not None and timeout < 1] == [0.05, 0, 0]
    assert checkpoints.pending >= checkpoint.CHECKPOINT_EVENTS  # written as soon as the store takes one
    checkpoints.close()


async def test_a_look_back_that_finds_no_kafka_makes_no_dead_letter_of_a_clerks_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(*_: Any) -> Any:
        raise UnreachableError("no Kafka client could begin")

    nothing: Any = SimpleNamespace(partitions=1)
    restored, blobs = Restored(state=State(TicketPolicy())), MemoryStore()
    one = Owner(0, nothing, nothing, restored, blobs, lambda point: None, away)
    desk: Any = SimpleNamespace(looks_back=lambda command: [3])
    one._desk = desk
    monkeypatch.setattr(partition, "input_of", lambda record: record)
    command: Any = SimpleNamespace(topic=topics.MESSAGE, partition=0, offset=7, jurisdiction="210100")
    with pytest.raises(UnreachableError):
        await one._decide([command])


class Crashed:
    """An app that has crashed."""

    conf = SimpleNamespace(id="hotline-screen")
    consumer = SimpleNamespace(_thread=SimpleNamespace(_thread=None, thread_loop=SimpleNamespace(close=lambda: None)))
    crash_reason = KafkaConnectionError()

    def __init__(self, client: Client) -> None:
        self.stop = client.stop
        self.in_work = InWork()

    async def start(self) -> None:
        await asyncio.Event().wait()

    async def wait_until_stopped(self) -> None: ...


@each
async def test_a_stage_that_crashed_is_started_again_though_it_does_not_end(
    kind: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "STOP_SECONDS", 0.05)
    crashed: Any = Crashed(kind())
    with pytest.raises(UnreachableError, match="KafkaConnectionError"):
        await in_time(app.serve(crashed, asyncio.Event()))
