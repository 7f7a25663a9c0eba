"""Fencing, atomicity and isolation are taken away one by one on a real Kafka: the checker names what comes of it.

Each run is the same: a crowd's messages, a moment at which the rule counts, and an honest run beside it in which the
same moment does no harm.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch
from faust.types import TP
from msgspec.structs import replace
from obstore.store import LocalStore

from benchmarks.faults import checker, sabotage
from benchmarks.faults.ledger import Ledger, Reader
from benchmarks.faults.sources import Numbered, numbered
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.errors import UnreachableError
from schemas.records import Ticket
from sinks import SINKS
from sinks import runner as sinks_runner
from sinks.elastic.sink import ElasticSink
from sinks.runner import run_sink
from streams import assign
from streams.assign import Assign
from streams.engine.partition_worker import Chunk
from streams.state import partition
from tests.assign import logs
from tests.faults.test_checker import message_of, raw_of
from tests.sinks.conftest import QUICK, until
from tests.tickets.build import CITY
from tickets.policy import TicketPolicy

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]

CROWD = [one for one in numbered(40, 7) if one.parts == 1 and not (one.is_urgent or one.is_poison or one.is_spoken)]


class DiedError(Exception):
    """Where a saboteur kills its process."""


@pytest.fixture
def sabotaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Return what takes a rule away for one test; a saboteur that would kill its process raises."""
    for holder, name in (
        (assign, "take_over"), (partition.Owner, "_commit"), (Assign, "_end"), (sinks_runner, "make_consumer"),
    ):  # fmt: skip
        monkeypatch.setattr(holder, name, getattr(holder, name))  # put back in the end
    monkeypatch.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path))

    def dies(name: str) -> None:
        if not sabotage._mark(name).exists():
            sabotage._touch(name)
            raise DiedError

    monkeypatch.setattr(sabotage, "_die_once", dies)
    return lambda rule: sabotage.RULES[rule]()


class Run:
    """The crowd's messages as assign gets them, and the worker's own blob store."""

    def __init__(self, connection: KafkaConnection, folder: Path) -> None:
        self.connection = connection
        folder.mkdir(exist_ok=True)
        self.blobs = LocalStore(folder)

    def worker(self) -> Assign:
        return Assign(self.connection, self.blobs, TicketPolicy(), fenced_seconds=0.1)

    async def came(self, crowd: Sequence[Numbered]) -> None:
        sent = [out for one in crowd for out in (raw_of(one), logs.outbound(message_of(one)))]
        await logs.write(self.connection, sent)

    async def chunk(self, first: int, end: int) -> Chunk:
        """Return some of the messages as one fetch brings them."""
        records = await logs.read(self.connection, topics.MESSAGE)
        place = TP(topics.MESSAGE, records[0].partition)
        event: Any = SimpleNamespace(ack=lambda: None)
        return Chunk(place, list(records[first:end]), event)

    def wrong(self) -> set[str]:
        """Return the kinds of what the checker finds in the topics."""
        return set(checker.in_topics(CROWD, self.ledger()))

    def ledger(self) -> Ledger:
        with contextlib.closing(Reader(self.connection)) as reader:
            return reader.read()


@pytest.fixture
async def course(fresh_topics: KafkaConnection, tmp_path: Path) -> Run:
    run = Run(fresh_topics, tmp_path / "blobs")
    await run.came(CROWD)
    return run


async def decided(worker: Assign, chunk: Chunk, tries: int = 1) -> None:
    """Hand a chunk to a worker, again while Kafka is at fault, as a lane does."""
    for left in reversed(range(tries)):
        try:
            return await worker.handle(chunk.tp, chunk)
        except UnreachableError:
            if not left:
                raise


async def taken_over(course: Run, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Let a former owner write while its successor takes the partition over, and return what is wrong then."""
    former, successor = course.worker(), course.worker()
    half, rest = await course.chunk(0, 10), await course.chunk(10, len(CROWD))
    await decided(former, half)

    async def gap() -> None:
        await decided(former, rest)

    monkeypatch.setattr(sabotage, "gap", gap)
    await decided(successor, rest)
    await successor.close()
    await former.close()
    return course.wrong()


async def test_a_state_that_is_restored_before_the_former_owner_is_fenced_is_caught(
    course: Run, sabotaged: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotaged("restore-before-fence")
    assert "decided 2 times" in await taken_over(course, monkeypatch)


async def test_a_former_owner_that_is_fenced_first_does_no_harm(course: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await taken_over(course, monkeypatch) == set()


async def test_a_state_that_is_kept_after_a_failed_commit_is_caught(
    course: Run, sabotaged: Callable[[str], None]
) -> None:
    sabotaged("state-kept-after-abort")
    worker = course.worker()
    await decided(worker, await course.chunk(0, len(CROWD)), tries=3)
    await worker.close()
    assert "decided 0 times" in course.wrong()


async def test_an_aborted_commit_does_no_harm(course: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, aborts = partition.Owner._commit, [True]

    async def commit(self: partition.Owner, outbounds: Sequence[Outbound]) -> dict[tuple[str, int], int]:
        return await (sabotage.aborted if aborts and aborts.pop() else honest)(self, outbounds)

    monkeypatch.setattr(partition.Owner, "_commit", commit)
    worker = course.worker()
    await decided(worker, await course.chunk(0, len(CROWD)), tries=3)
    await worker.close()
    assert course.wrong() == set()


async def test_an_event_and_its_ticket_in_two_transactions_are_caught(
    course: Run, sabotaged: Callable[[str], None]
) -> None:
    sabotaged("two-transactions")
    chunk = await course.chunk(0, len(CROWD))
    worker = course.worker()
    with pytest.raises(DiedError):
        await decided(worker, chunk)
    await worker.close()
    successor = course.worker()
    with contextlib.suppress(Exception):  # it may find out by itself that a ticket is missing
        await decided(successor, chunk)
    await successor.close()
    assert {"ticket never written", "masked ticket never written", "without a link to a ticket"} <= course.wrong()


async def in_archive(course: Run, endpoints: Endpoints, wanted: set[str]) -> None:
    """Let assign abandon a decision, and wait until that is wrong in the archive which is `wanted`."""
    worker = course.worker()
    await decided(worker, await course.chunk(0, len(CROWD)))
    await worker.close()
    await abandoned(course.connection)
    ways = list(SINKS["elastic"].values())
    sink, stop = ElasticSink(AsyncElasticsearch(endpoints.elasticsearch_url, request_timeout=60), ways), asyncio.Event()
    group = f"test-{uuid.uuid4().hex}"
    task = asyncio.create_task(run_sink(sink, ways, course.connection, QUICK, stop, group=group))
    ledger = course.ledger()

    async def wrong() -> set[str]:
        assert not task.done()
        return set(await asyncio.to_thread(checker.in_archive, ledger, endpoints.elasticsearch_url))

    try:
        await until(wrong, wanted)
    finally:
        stop.set()
        await task


@pytest.mark.usefixtures("fresh_indices")
async def test_a_sink_that_reads_what_is_not_committed_is_caught(
    course: Run, stack: Endpoints, sabotaged: Callable[[str], None]
) -> None:
    sabotaged("uncommitted-read")
    await in_archive(course, stack, {"ticket stale in the archive"})


@pytest.mark.usefixtures("fresh_indices")
async def test_a_sink_that_reads_what_is_committed_never_sees_an_abandoned_decision(
    course: Run, stack: Endpoints
) -> None:
    await in_archive(course, stack, set())


async def abandoned(connection: KafkaConnection) -> None:
    """Write a ticket's next version in a transaction that is aborted."""
    (record, *_) = await logs.read(connection, topics.TICKET)
    ticket = decode(record.value, Ticket)
    never = encode(replace(ticket, version=ticket.version + 1))
    producer = make_producer(connection, transactional_id="hotline-assign-abandoned")
    async with producer:
        await producer.begin_transaction()
        await Sender(producer, connection.partitions).send(
            [Outbound(topics.TICKET, record.key, never, list(record.headers), CITY)]
        )
        await producer.abort_transaction()
