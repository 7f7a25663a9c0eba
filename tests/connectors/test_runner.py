"""The order of fetch, publish and save; what is waited out, what stops, and that a stop drains."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from tenacity import RetryCallState, Retrying, wait_fixed, wait_none
from tenacity.wait import wait_base

from connectors.base import Batch
from connectors.runtime.health import Health
from connectors.runtime.pull import PACE, SLOW_PACE, run_once, run_pull, wait_for
from connectors.runtime.session import state_of
from schemas.errors import (
    MalformedError,
    MisconfiguredError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
    UnshownError,
)
from schemas.records import Cursor, DeadLetter, RawMessage, raw_message

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def message(number: int) -> RawMessage:
    return raw_message(
        channel="mailbox",
        channel_kind="mailbox",
        account="a",
        jurisdiction="430100",
        identifier=str(number),
        value=b"%d" % number,
        content_type="message/rfc822",
        time=NOW,
        recorded=NOW,
    )


@dataclass
class World:
    """A source, a broker and a cursor that write down what happens to them; `faults` are raised once each."""

    waiting: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    faults: dict[str, list[BaseException]] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    cursor: Cursor = field(default_factory=lambda: Cursor(connector_id="a"))
    at_end: Callable[["World"], None] = lambda world: world.stop.set()

    channel: ClassVar[str] = "mailbox"

    def _note(self, what: str) -> None:
        self.happened.append(what)
        if self.faults.get(what):
            raise self.faults[what].pop(0)

    def open(self) -> None:
        self._note("open")

    def fetch(self, cursor: Cursor) -> Batch:
        self._note("fetch")
        done = cursor.position.get("done", 0)
        new = [number for number in self.waiting if number > done][:2]
        after = Cursor(connector_id="a", position={"done": new[-1]}) if new else cursor
        return Batch(messages=tuple(map(message, new)), cursor=after)

    def wait(self, seconds: float) -> bool:
        self._note("wait")
        self.at_end(self)
        return False

    def close(self) -> None:
        self._note("close")

    def publish(self, messages: Iterable[RawMessage], dead: Iterable[DeadLetter] = ()) -> None:
        self._note("publish")
        self.published += [each.envelope.id for each in messages]

    def load(self) -> Cursor:
        return self.cursor

    def save(self, cursor: Cursor) -> None:
        self._note("save")
        self.cursor = cursor

    def forget(self) -> None:
        self.happened.append("forget")


@pytest.fixture
def health() -> Health:
    return Health("a", "mailbox", now=lambda: NOW)


def run(world: World, health: Health, **options: object) -> None:
    pace = {"pace": wait_none(), "slow_pace": wait_none()} | options
    run_pull(world, world, world, stop=world.stop, health=health, **pace)


def test_a_cursor_is_saved_after_the_broker_holds_the_batch() -> None:
    world = World(waiting=[1, 2, 3])
    run_once(world, world, world)
    assert world.happened == ["fetch", "publish", "save"]


def test_a_cursor_that_did_not_move_is_not_saved() -> None:
    world = World()
    run_once(world, world, world)
    assert world.happened == ["fetch", "publish"]


def test_a_batch_that_the_broker_did_not_take_leaves_the_cursor() -> None:
    world = World(waiting=[1], faults={"publish": [UnreachableError("down")]})
    with pytest.raises(UnreachableError):
        run_once(world, world, world)
    assert world.cursor.position == {}


def test_everything_arrives_and_then_it_waits(health: Health) -> None:
    world = World(waiting=[1, 2, 3, 4, 5])
    run(world, health)
    assert world.published == ["1", "2", "3", "4", "5"]
    assert world.happened.count("open") == 1
    assert world.happened[-2:] == ["wait", "close"]
    assert (health.report.state, health.report.messages, health.report.last_success) == ("stopped", 5, NOW)


@pytest.mark.parametrize("where", ["open", "fetch", "publish", "save", "wait"])
@pytest.mark.parametrize("fault", [UnreachableError("x"), ThrottledError("x", 0.0), UnauthorizedError("x")])
def test_faults_are_waited_out_and_nothing_is_lost(where: str, fault: Exception, health: Health) -> None:
    world = World(waiting=[1, 2, 3], faults={where: [fault, fault]})
    run(world, health)
    assert set(world.published) == {"1", "2", "3"}
    assert world.cursor.position == {"done": 3}
    assert health.report.errors == 2
    assert health.report.last_error == type(fault).__name__


def test_a_crash_between_publish_and_save_repeats_and_loses_nothing(health: Health) -> None:
    world = World(waiting=[1, 2], faults={"save": [KeyboardInterrupt()]})
    with pytest.raises(KeyboardInterrupt):
        run(world, health)
    run(world, health)
    assert world.published == ["1", "2", "1", "2"]


def test_an_error_about_a_record_of_nobody_knows_which_is_tried_again(health: Health) -> None:
    world = World(waiting=[1], faults={"fetch": [MalformedError("x")]})
    run(world, health)
    assert world.published == ["1"]


@pytest.mark.parametrize("where", ["open", "fetch", "publish", "save", "wait"])
def test_a_fault_of_ours_is_tried_again_and_told_without_a_citizens_words(
    where: str, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    world = World(waiting=[1, 2, 3], faults={where: [KeyError("13800000000"), OverflowError("date value")]})
    monkeypatch.setattr(world, "close", lambda: told.append(health.report.sentence))
    run(world, health)
    assert set(world.published) == {"1", "2", "3"}
    assert (health.report.errors, health.report.last_error) == (2, "OverflowError")
    assert told[:2] == [
        "internal error (KeyError), which is tried again: report it to the developers",
        "internal error (OverflowError), which is tried again: report it to the developers",
    ]


def test_a_stop_ends_the_wait_after_a_fault_of_ours(health: Health) -> None:
    world = World(faults={"open": [RuntimeError("x")] * 9})
    threading.Timer(0.2, world.stop.set).start()
    run(world, health, pace=wait_fixed(60))
    assert health.report.state == "stopped"


def test_what_only_a_person_can_mend_stops_with_its_sentence(health: Health) -> None:
    world = World(faults={"open": [MisconfiguredError("set the host")]})
    with pytest.raises(MisconfiguredError):
        run(world, health)
    assert (health.report.state, health.report.sentence) == ("failed", "set the host")
    assert world.happened == ["open", "close"]


def test_a_connector_in_trouble_says_so_and_recovers(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    world = World(faults={"fetch": [UnreachableError("no answer")]}, at_end=lambda world: world.stop.set())
    fetch = world.fetch

    def watched(cursor: Cursor) -> Batch:
        seen.append(health.report.state)
        return fetch(cursor)

    monkeypatch.setattr(world, "fetch", watched)
    run(world, health)
    assert seen == ["starting", "degraded"]


def test_a_throttled_source_is_left_alone_as_long_as_it_says(health: Health) -> None:
    world = World(faults={"fetch": [ThrottledError("slow down", 0.4)]})
    began = time.monotonic()
    run(world, health)
    assert time.monotonic() - began >= 0.4


def test_a_stop_ends_even_a_long_wait_for_a_source(health: Health) -> None:
    world = World(faults={"open": [UnreachableError("x")] * 9})
    threading.Timer(0.2, world.stop.set).start()
    began = time.monotonic()
    run(world, health, pace=wait_fixed(60))
    assert time.monotonic() - began < 50
    assert health.report.state == "stopped"


def test_a_stop_finishes_the_batch_in_flight(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(waiting=[1, 2, 3, 4])
    publish = world.publish

    def stopping(messages: Iterable[RawMessage], dead: Iterable[DeadLetter] = ()) -> None:
        world.stop.set()
        publish(messages, dead)

    monkeypatch.setattr(world, "publish", stopping)
    run(world, health)
    assert world.published == ["1", "2"]
    assert world.cursor.position == {"done": 2}


def test_waits_grow_with_jitter_and_a_refused_login_waits_long() -> None:
    def waits(pace: wait_base, attempt: int) -> set[float]:
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = attempt
        return {pace(state) for _ in range(20)}

    assert all(1 <= seconds <= 2 for seconds in waits(PACE, 1))
    assert all(seconds == 60 for seconds in waits(PACE, 12))
    assert len(waits(PACE, 1)) > 1
    assert all(30 <= seconds <= 60 for seconds in waits(SLOW_PACE, 1))


def test_nobody_is_left_alone_for_longer_than_a_day_whatever_they_ask_for() -> None:
    state = state_of(1, ThrottledError("slow down", 1e12))
    assert wait_for(state, PACE, SLOW_PACE) == 25 * 3600


def test_a_login_that_is_not_shown_again_is_looked_at_as_often_as_anything() -> None:
    paces = wait_fixed(1), wait_fixed(900)
    assert wait_for(state_of(1, UnauthorizedError("refused")), *paces) == 900
    assert wait_for(state_of(2, UnshownError("it is not shown again")), *paces) == 1


@dataclass
class FakeLease:
    """A lease that is lost after so many questions, and given back after somebody else's turn."""

    questions: int
    world: World
    asked: int = 0
    closed: bool = False

    @property
    def held(self) -> bool:
        self.questions -= 1
        return self.questions >= 0

    def ask(self, standing_by: Callable[[], None]) -> bool:
        self.asked += 1
        if self.asked == 2:
            standing_by()
            self.world.happened.append("somebody else's turn")
            self.world.cursor = Cursor(connector_id="a", position={"done": 3})
            return False
        if self.asked == 3:
            self.questions = 100
        return True

    def close(self) -> None:
        self.closed = True


def test_who_is_no_longer_the_owner_lets_go_and_begins_again_where_the_next_one_stopped(health: Health) -> None:
    world = World(waiting=[1, 2, 3, 4, 5])
    lease = FakeLease(0, world)
    run(world, health, lease=lease)
    assert world.published == ["1", "2", "4", "5"]
    other = world.happened.index("somebody else's turn")
    assert world.happened[other - 2 : other + 3] == ["close", "forget", "somebody else's turn", "open", "fetch"]
    assert lease.closed


def test_an_owner_that_waits_for_news_stops_waiting_when_it_is_none_any_more(health: Health) -> None:
    world = World(at_end=lambda world: None)
    lease = FakeLease(2, world)
    threading.Timer(0.2, world.stop.set).start()
    run(world, health, lease=lease)
    assert "somebody else's turn" in world.happened


def test_who_stands_by_is_told_to_stop(health: Health) -> None:
    world = World()
    world.stop.set()
    run(world, health, lease=FakeLease(0, world))
    assert world.happened == ["close"]


def test_a_lease_that_nobody_can_tell_is_a_fault_and_is_asked_for_again(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(waiting=[1])
    lease = FakeLease(100, world)
    ask, faults = lease.ask, [UnreachableError("Kafka is away")]

    def failing(standing_by: Callable[[], None]) -> bool:
        if faults:
            raise faults.pop()
        return ask(standing_by)

    monkeypatch.setattr(lease, "ask", failing)
    run(world, health, lease=lease)
    assert world.published == ["1"]
    assert health.report.errors == 1


class KafkasLease(FakeLease):
    """A lease that nobody has while Kafka is away, and that is ours again when it is back."""

    away = True

    @property
    def held(self) -> bool:
        return not self.away

    def ask(self, standing_by: Callable[[], None]) -> bool:
        if self.away:
            raise UnreachableError("Kafka is away")
        return True


def test_who_waits_since_kafka_is_away_goes_on_as_soon_as_it_is_back_and_counts_anew(health: Health) -> None:
    """A mail may tell of an emergency: after an outage the pause before the next try may be a minute."""
    world = World(waiting=[1], faults={"publish": [UnreachableError("not all of it is back")]})
    lease = KafkasLease(0, world)
    pauses: list[int] = []

    def pace(state: RetryCallState) -> float:
        pauses.append(state.attempt_number)
        return 60 if lease.away else 0.1

    threading.Timer(0.3, lambda: setattr(lease, "away", False)).start()
    began = time.monotonic()
    run(world, health, lease=lease, pace=pace)
    assert world.published == ["1"]
    assert time.monotonic() - began < 30
    assert pauses == [1, 1]


def test_a_source_that_asked_for_a_pause_has_it_whole_though_kafka_is_back_before(health: Health) -> None:
    world = World(faults={"fetch": [ThrottledError("slow down", 1.5)]})
    lease = KafkasLease(0, world)
    lease.away = False
    fetch = world.fetch

    def gone(cursor: Cursor) -> Batch:
        lease.away = True
        threading.Timer(0.6, lambda: setattr(lease, "away", False)).start()
        try:
            return fetch(cursor)
        finally:
            world.fetch = fetch  # type: ignore[method-assign]

    world.fetch = gone  # type: ignore[method-assign]
    began = time.monotonic()
    run(world, health, lease=lease)
    assert time.monotonic() - began >= 1.5


class Later(World):
    """Comes to its first end, and then brings more."""

    def wait(self, seconds: float) -> bool:
        if 4 in self.waiting:
            return super().wait(seconds)
        self.faults = {"fetch": [MisconfiguredError("check its owner and mode")] * 3}
        self.waiting.append(4)
        return True


def test_what_worked_before_may_work_again(health: Health) -> None:
    """The rights of a folder were changed, or a file of certificates is being replaced; other accounts go on."""
    world = Later(waiting=[1, 2, 3])
    run(world, health)
    assert world.published == ["1", "2", "3", "4"]
    assert (health.report.errors, health.report.state) == (3, "stopped")


def test_before_it_is_tried_again_there_is_time_to_mend_it() -> None:
    state = state_of(1, MisconfiguredError("x"))
    assert wait_for(state, wait_fixed(1), wait_fixed(30)) == 30
