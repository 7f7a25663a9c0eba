"""The follower of hand-overs on a real Kafka, also while it stands still; and orders that count once."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from msgspec.structs import replace

from broker.config import KafkaConnection
from broker.sync_producer import Producer
from console.desk.queue import Waiting
from hotline.dev.stack.stack import Stack
from hotline.runtime import follower as following
from hotline.runtime.acknowledgements import Acknowledgements
from hotline.runtime.follower import Follower
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.records import Command, Event, InputRef, event
from tests.console.doors import CITY, handover
from tests.frozen import frozen
from tests.waiting import until
from tickets.open_handovers import Urgent


class Log:
    """Writes hand-overs and their answers as `screen` and `assign` do."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._producer = Producer(connection)

    def hand_over(self, name: str) -> None:
        now = datetime.now(UTC)
        value = encode(handover(name, at=now, taken_at=now))
        self._producer.deliver_now([Outbound(topics.HANDOVER, f"{CITY}.{name}".encode(), value, [])])

    def acknowledge(self, name: str) -> None:
        decision = Event(
            event_id=f"command:{name}",
            jurisdiction=CITY,
            at=datetime.now(UTC),
            author="desk/liu.y",
            relation="command",
            policy_version="1",
            input=InputRef(command_id=name, topic="t", partition=0, offset=0),
            changes=(event.Acknowledged(handover_id=name),),
        )
        self._producer.deliver_now([Outbound(topics.EVENT, CITY.encode(), encode(decision), [])])

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def log(fresh_topics: KafkaConnection) -> Iterator[Log]:
    with closing(Log(fresh_topics)) as made:
        yield made


@pytest.fixture
def follower(fresh_topics: KafkaConnection) -> Iterator[Follower]:
    made, ended = Follower(fresh_topics, lambda: None), threading.Event()
    thread = threading.Thread(target=made.run, args=(ended,))
    thread.start()
    yield made
    ended.set()
    thread.join(60)
    assert not thread.is_alive()


def waiting(follower: Follower) -> list[str]:
    return [one.urgent.handover_id for one in follower.snapshot.waiting]


@pytest.mark.integration
def test_it_begins_with_what_waits_goes_on_and_says_when_it_may_lack_something(
    log: Log, follower: Follower, local_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.1)
    log.hand_over("a" * 26)
    log.hand_over("b" * 26)
    until(lambda: waiting(follower) == ["a" * 26, "b" * 26], lambda: str(follower.trouble))
    log.acknowledge("a" * 26)
    until(lambda: waiting(follower) == ["b" * 26])
    (answered,) = follower.snapshot.answered
    assert (answered.name, answered.by) == ((CITY, "a" * 26), "desk/liu.y")
    until(lambda: follower.complete_at is not None)
    with frozen(local_stack.pid("kafka")):
        begun = datetime.now(UTC)
        until(lambda: datetime.now(UTC) > begun + timedelta(seconds=1))
        assert follower.complete_at is not None
        assert follower.complete_at <= begun
    until(lambda: follower.complete_at is not None and follower.complete_at > begun, lambda: str(follower.trouble))
    log.hand_over("c" * 26)
    until(lambda: waiting(follower) == ["b" * 26, "c" * 26])


@pytest.mark.integration
def test_a_second_desk_begins_with_the_answers_of_the_window(log: Log, fresh_topics: KafkaConnection) -> None:
    log.hand_over("a" * 26)
    log.hand_over("b" * 26)
    log.acknowledge("b" * 26)
    made, ended = Follower(fresh_topics, lambda: None), threading.Event()
    thread = threading.Thread(target=made.run, args=(ended,))
    thread.start()
    try:
        until(lambda: made.complete_at is not None)
        assert waiting(made) == ["a" * 26]
        assert [one.name for one in made.snapshot.answered] == [(CITY, "b" * 26)]
    finally:
        ended.set()
        thread.join(60)


class Kept:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Outbound] = []

    def deliver_now(self, records: list[Outbound]) -> None:
        self.records += records


async def test_an_acknowledgement_is_a_command_of_its_person_and_a_second_try_the_same_one() -> None:
    kept = Kept()
    orders = Acknowledgements(cast(Producer, kept), None)
    at = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    one = Waiting(urgent=Urgent(handover_id="a" * 26, jurisdiction=CITY, level="urgent", taken_at=at), handover=None)
    again = Waiting(urgent=replace(one.urgent, reinstated_at=at + timedelta(hours=1)), handover=None)
    for asked, run in ((one, "s1"), (one, "s1"), (one, "s2"), (again, "s1")):
        await orders.acknowledge(asked, "wang.li", run)
    commands = [decode(record.value, Command) for record in kept.records]
    assert {(c.kind, c.handover_id, c.author, c.jurisdiction) for c in commands} == {
        ("acknowledge_handover", "a" * 26, "desk/wang.li", CITY)
    }
    first, second, other, later = [command.command_id for command in commands]
    assert first == second
    assert len({first, other, later}) == 3
