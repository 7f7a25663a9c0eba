"""A fault between a decision and what it writes: nothing of it stays in memory, and the others go on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from obstore.store import MemoryStore

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import decode, encode
from schemas.errors import RecordError
from schemas.records import Event, InputRef, event
from schemas.records.common import TicketVersion
from schemas.records.event_base import ErasedMessage
from streams import assign
from streams.engine.fetched_record import Fetched
from streams.state.checkpoint import CHECKPOINT_EVENTS, Restored
from streams.state.partition import Owner
from streams.state.restore import _fold_events
from tests.assign import logs
from tests.assign.workers import letters
from tests.tickets.build import CITY
from tickets import processor
from tickets.policy import TicketPolicy
from tickets.reducers import apply
from tickets.state.state import State


class Kafka:
    """The producer and the sender of an owner; what is committed is kept."""

    partitions = 1

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def begin_transaction(self) -> None: ...

    async def commit_transaction(self) -> None: ...

    async def stop(self) -> None: ...

    _txn_manager = None
    _message_accumulator = SimpleNamespace(_batches={})

    async def send(self, outbounds: list[Any]) -> dict[tuple[str, int], int]:
        self.sent += outbounds
        return {(topics.EVENT, 0): len(self.sent), (topics.TICKET, 0): len(self.sent)}

    def told(self, topic: str) -> list[Any]:
        return [one for one in self.sent if one.topic == topic]


def owner(kafka: Any) -> Owner:
    async def nothing(*_: object) -> list[Any]:
        return []

    return Owner(0, kafka, kafka, Restored(state=State(TicketPolicy())), MemoryStore(), lambda _: None, nothing)


def records() -> list[Fetched]:
    city = [one for one in letters(8) if one.jurisdiction == "110000"]
    made = map(logs.outbound, city)
    return [Fetched(topics.MESSAGE, 0, at, 0, one.key, one.value, one.headers) for at, one in enumerate(made)]


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one message's decision fail after the state has it."""
    intent = processor.answers.intent

    def failing(decision: Event, message: Any, *rest: Any) -> Any:
        if message.message_id == failing_id:
            raise ValueError("a fault of ours")
        return intent(decision, message, *rest)

    failing_id = [one for one in letters(8) if one.jurisdiction == "110000"][1].message_id
    monkeypatch.setattr(processor.answers, "intent", failing)


@pytest.mark.usefixtures("fault")
async def test_a_decision_that_is_half_carried_out_is_never_written_nor_remembered() -> None:
    kafka = Kafka()
    with pytest.raises(RecordError, match="cannot be carried out"):
        await owner(kafka).work_off(records())
    assert kafka.sent == []


async def test_what_memory_knows_is_what_the_log_tells() -> None:
    kafka = Kafka()
    one = owner(kafka)
    await one.work_off(records())
    state = State(TicketPolicy())
    for told in kafka.told(topics.EVENT):
        apply(state, decode(told.value, Event))
    assert one.restored.state.dump().tickets == state.dump().tickets


async def test_an_erasure_that_a_restore_reads_is_followed_by_a_checkpoint_without_what_is_gone() -> None:
    """Who erased it may have died before it could write one, and the older one lies there still."""
    ticket_id = f"{CITY}-x"
    erasure = Event(
        event_id="command:c1",
        jurisdiction=CITY,
        at=datetime(2026, 11, 1, tzinfo=UTC),
        author="clerk-7",
        input=InputRef(command_id="c1", topic=topics.MESSAGE, partition=0, offset=0),
        relation="command",
        policy_version="1",
        tickets=(TicketVersion(ticket_id=ticket_id, version=3),),
        changes=(event.Erased(ticket_id=ticket_id, messages=(ErasedMessage(message_id="m"),)),),
    )

    async def events(start: int) -> AsyncIterator[Any]:
        yield SimpleNamespace(offset=start, value=encode(erasure))

    logs: Any = SimpleNamespace(events=events)
    restored = Restored(state=State(TicketPolicy()))
    await _fold_events(logs, restored)
    assert restored.folded == CHECKPOINT_EVENTS


@pytest.fixture
def restores(monkeypatch: pytest.MonkeyPatch) -> tuple[assign.Assign, Kafka, list[int]]:
    """A worker whose partition is restored from what was written, and at which transaction it was."""
    kafka, made = Kafka(), []

    async def take_over(*_: object) -> Owner:
        made.append(len(kafka.sent))
        one = owner(kafka)
        for told in kafka.told(topics.EVENT):
            apply(one.restored.state, decode(told.value, Event))
        for told in kafka.told(topics.TICKET):
            one.restored.state.bodies[told.key.decode()] = told.value
        return one

    monkeypatch.setattr(assign, "take_over", take_over)
    worker = assign.Assign(KafkaConnection(bootstrap_servers="x:1", partitions=1), MemoryStore(), TicketPolicy())
    worker._caught_up.add(0)
    return worker, kafka, made


async def test_however_many_records_are_bad_the_partition_is_restored_once(
    restores: tuple[assign.Assign, Kafka, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, kafka, made = restores
    intent = processor.answers.intent
    bad = {one.message_id for one in letters(60) if one.jurisdiction == "110000"}
    bad = set(sorted(bad)[::3])

    def failing(decision: Event, message: Any, *rest: Any) -> Any:
        if message.message_id in bad:
            raise ValueError("a fault of ours")
        return intent(decision, message, *rest)

    monkeypatch.setattr(processor.answers, "intent", failing)
    found = [one for one in letters(60) if one.jurisdiction == "110000"]
    outbounds = map(logs.outbound, found)
    given = [Fetched(topics.MESSAGE, 0, at, 0, one.key, one.value, one.headers) for at, one in enumerate(outbounds)]
    for piece in (given[:20], given[20:]):
        await worker._work_off(0, piece)
    assert len(made) == 2, "the first takeover, and the one after the first chunk that was torn"
    dead = {one.key.decode() for one in kafka.told(topics.DEAD)}
    decided = {decode(one.value, Event).event_id for one in kafka.told(topics.EVENT)}
    assert dead == bad
    assert decided == {one.message_id for one in found} - bad
    state = State(TicketPolicy())
    for told in kafka.told(topics.EVENT):
        apply(state, decode(told.value, Event))
    assert worker._owners[0].restored.state.dump().tickets == state.dump().tickets
