"""One account's lane: what is written before and after each try, and when there is another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest
from tenacity import wait_exponential, wait_fixed

from connectors.replies.account_queue import Lane, Tools
from connectors.replies.base import Reply, Sent
from connectors.replies.ledger import Ledger, Open
from connectors.replies.settings import AnswerSettings
from schemas.errors import ThrottledError, UnauthorizedError, UnreachableError
from schemas.records import Outbox
from tests.connectors.outbox.answers import NOW, intent, reply, state_of

ACCEPTED = Sent(outcome="accepted", code="250", reference="r")


class Bench:
    """A lane with a clock that jumps to whatever is waited for, and a sender that does what it is told."""

    def __init__(self, *does: Sent | Exception, settings: AnswerSettings | None = None, at_once: int = 1) -> None:
        self.does = list(does)
        self.sent: list[str] = []
        self.states: list[tuple[str, str, str | None]] = []
        self.now = NOW
        self.ledger = Ledger()
        tools = Tools(settings or AnswerSettings(), self, reply, at_once)
        self.lane = Lane(
            "mayor", tools, self.ledger, self.mark, now=self.clock, pace=wait_fixed(5), slow_pace=wait_fixed(500)
        )

    def clock(self) -> datetime:
        return self.now

    async def send(self, reply: Reply) -> Sent:
        assert self.states[-1][1] == "sending"
        self.sent.append(reply.reply_id)
        done = self.does.pop(0) if self.does else ACCEPTED
        if isinstance(done, Exception):
            raise done
        return done

    async def close(self) -> None:
        pass

    async def mark(self, entry: Open, state: str, code: str | None, reference: str | None) -> None:
        self.states.append((entry.outbox.message_id, state, code))
        attempts = entry.attempts + (state == "sending")
        seconds = (self.now - NOW).total_seconds()
        self.ledger.note(state_of(entry.outbox, state, seconds=seconds, attempts=attempts))

    def put(self, *outboxes: Outbox) -> None:
        for offset, outbox in enumerate(outboxes):
            entry = self.ledger.intend(outbox, offset)
            assert entry is not None
            self.lane.put(entry)

    async def step(self) -> None:
        """Begin what can begin, and let it end; with nothing to be done time goes by until there is."""
        pause = await self.lane._step()
        if pause:
            self.now += timedelta(seconds=pause)
        await asyncio.sleep(0)

    async def until_settled(self) -> None:
        while self.ledger.open:
            await self.step()


async def test_the_intent_to_send_is_recorded_before_the_service_hears_of_it() -> None:
    bench = Bench()
    bench.put(intent(1))
    await bench.until_settled()
    assert bench.states == [("m1", "sending", None), ("m1", "accepted", "250")]


@pytest.mark.parametrize("error", [UnreachableError("away"), ThrottledError("slow down", 7.0)])
async def test_what_the_service_surely_has_not_got_is_sent_again(error: Exception) -> None:
    bench = Bench(error, error)
    bench.put(intent(1))
    await bench.until_settled()
    assert [state for _, state, _ in bench.states] == [*["sending", "waiting"] * 2, "sending", "accepted"]
    assert len(bench.sent) == 3
    assert bench.now - NOW >= timedelta(seconds=10)


@pytest.mark.parametrize("turns", range(1, 9))
async def test_a_lane_that_is_cancelled_ends_wherever_it_waits(turns: int) -> None:
    """Its owner waits for it: one that went on would hold the partition, and answer nobody, for good."""
    stopping = asyncio.create_task(asyncio.Event().wait())
    running = asyncio.create_task(Bench().lane._pause_for(0.0, stopping))
    for _ in range(turns):
        await asyncio.sleep(0)
    was_over = running.done()
    running.cancel()
    await asyncio.wait({running})
    stopping.cancel()
    assert was_over or running.cancelled()


async def test_a_refused_login_waits_longer_and_says_so() -> None:
    bench = Bench(UnauthorizedError("answers.mayor.smtp: the login is refused"))
    bench.put(intent(1))
    await bench.step()
    assert bench.lane.trouble == "answers.mayor.smtp: the login is refused"
    await bench.until_settled()
    assert bench.now - NOW >= timedelta(seconds=500)
    assert bench.lane.trouble is None


@pytest.mark.parametrize("error", [UnreachableError("away"), UnauthorizedError("the login is refused")])
async def test_a_clock_that_was_set_back_keeps_no_answer_waiting(error: Exception) -> None:
    bench = Bench(error)
    bench.put(intent(1))
    await bench.step()
    bench.now = began = NOW - timedelta(hours=1)
    await bench.until_settled()
    assert bench.now - began <= timedelta(seconds=501)


@pytest.mark.parametrize(
    ("done", "state", "code"),
    [
        (Sent(outcome="unknown", code="timeout"), "unknown", "timeout"),
        (Sent(outcome="refused", code="550"), "refused", "550"),
        (ValueError("a bug, with a citizen's words"), "unknown", "ValueError"),
        (ConnectionResetError("in the middle"), "unknown", "ConnectionResetError"),
    ],
)
async def test_a_doubt_or_a_no_is_the_end_of_it(done: Sent | Exception, state: str, code: str) -> None:
    bench = Bench(done)
    bench.put(intent(1))
    await bench.until_settled()
    assert bench.states[-1] == ("m1", state, code)
    assert len(bench.sent) == 1


async def test_a_service_that_stays_away_leaves_no_answer_for_ever() -> None:
    bench = Bench(*[UnreachableError("away")] * 100_000)
    bench.put(intent(1))
    await bench.until_settled()
    assert bench.states[-1] == ("m1", "withheld", "too_old")
    assert timedelta(hours=24) <= bench.now - NOW < timedelta(hours=25)


async def test_an_address_that_is_never_served_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    honest = bench.send

    async def send(reply: Reply) -> Sent:
        if reply.reply_id == intent(9).outbox_id:
            bench.sent.append(reply.reply_id)
            raise ThrottledError("the mailbox of this citizen is full")
        return await honest(reply)

    monkeypatch.setattr(bench, "send", send)  # one citizen's mailbox is full for days
    bench.put(intent(9, urgent=True), *(intent(number) for number in range(1, 5)))
    await bench.until_settled()
    states = [(message, state) for message, state, _ in bench.states if state != "sending"]
    assert [message for message, state in states if state == "accepted"] == ["m1", "m2", "m3", "m4"]
    assert states[1][1] == "accepted", "the next one goes at once"
    assert states[-1] == ("m9", "withheld")


async def test_an_emergency_goes_before_those_that_wait_for_the_accounts_turn() -> None:
    bench = Bench(settings=AnswerSettings(per_minute=2))
    bench.put(*(intent(number) for number in range(1, 5)), intent(9, urgent=True))
    await bench.until_settled()
    assert [message for message, state, _ in bench.states if state == "accepted"] == ["m9", "m1", "m2", "m3", "m4"]
    assert bench.now - NOW >= timedelta(minutes=1)


async def test_a_flood_of_one_sender_gets_a_handful_of_answers() -> None:
    bench = Bench()
    bench.put(*(intent(number, recipient="same@example.cn") for number in range(1, 1001)))
    await bench.until_settled()
    assert len(bench.sent) == 5
    assert sum(state == "withheld" for _, state, _ in bench.states) == 995


async def test_the_end_waits_for_what_is_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, going, may_end = Bench(), asyncio.Event(), asyncio.Event()

    async def slow(reply: Reply) -> Sent:
        going.set()
        await may_end.wait()
        return ACCEPTED

    monkeypatch.setattr(bench, "send", slow)  # this one sender only
    bench.put(intent(1), intent(2))
    stop = asyncio.Event()
    async with running(bench.lane.run, stop) as task:
        await going.wait()
        stop.set()
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
        await task
    assert bench.states == [("m1", "sending", None), ("m1", "accepted", "250")]


@asynccontextmanager
async def running(run: Callable[..., object], stop: asyncio.Event) -> AsyncIterator["asyncio.Task[None]"]:
    task: asyncio.Task[None] = asyncio.create_task(run(stop))  # type: ignore[arg-type] # a coroutine function
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_nothing_is_sent_about_a_ticket_that_was_erased_while_it_waited() -> None:
    bench = Bench(UnreachableError("away"))
    bench.put(intent(1))
    await bench.step()
    bench.ledger.withdraw(intent(1).ticket_id)
    await bench.until_settled()
    assert [(state, code) for _, state, code in bench.states] == [
        ("sending", None),
        ("waiting", "UnreachableError"),
        ("withheld", "erased"),
    ]
    assert len(bench.sent) == 1


async def test_why_it_is_withdrawn_is_told() -> None:
    bench = Bench()
    bench.put(intent(1))
    bench.ledger.withdraw(intent(1).ticket_id, "confidential")
    await bench.until_settled()
    assert bench.states == [("m1", "withheld", "confidential")]
    assert bench.sent == []


async def test_nothing_is_sent_when_the_erasure_stands_before_the_intent_to_send() -> None:
    bench = Bench()
    marked = bench.mark

    async def mark(entry: Open, state: str, code: str | None, reference: str | None) -> None:
        await marked(entry, state, code, reference)
        bench.ledger.withdraw(intent(1).ticket_id)

    bench.lane._mark = mark
    bench.put(intent(1))
    await bench.until_settled()
    assert bench.states == [("m1", "sending", None), ("m1", "withheld", "erased")]
    assert bench.sent == []


class Stopped(Bench):
    """Its lane is told to stop while it sends the third answer."""

    def __init__(self) -> None:
        super().__init__()
        self.stop = asyncio.Event()

    async def send(self, reply: Reply) -> Sent:
        if len(self.sent) == 2:
            self.stop.set()
        return await super().send(reply)


async def test_how_an_answer_ended_is_told_when_nothing_more_is_to_be_sent_and_when_the_lane_stops() -> None:
    bench = Stopped()
    bench.put(intent(1), intent(2))
    running = asyncio.create_task(bench.lane.run(bench.stop))
    for _ in range(1_000):
        await asyncio.sleep(0)
    assert not bench.ledger.open
    bench.put(intent(3))
    await asyncio.wait_for(running, 60)
    assert [(name, state) for name, state, _ in bench.states] == [
        (f"m{number}", state) for number in (1, 2, 3) for state in ("sending", "accepted")
    ]


class Held(Bench):
    """Its service has the first citizen wait until it is let go, and says nothing of the others at once."""

    def __init__(self, at_once: int, settings: AnswerSettings | None = None) -> None:
        super().__init__(settings=settings, at_once=at_once)
        self.go_on = asyncio.Event()
        self.slow = {intent(1).outbox_id}
        self.on_their_way = self.most = 0

    async def send(self, reply: Reply) -> Sent:
        self.sent.append(reply.reply_id)
        self.on_their_way += 1
        self.most = max(self.most, self.on_their_way)
        if reply.reply_id in self.slow:
            await self.go_on.wait()
        self.on_their_way -= 1
        return ACCEPTED

    def accepted(self) -> list[str]:
        return [name for name, state, _ in self.states if state == "accepted"]

    async def until_still(self) -> None:
        for _ in range(100):
            await self.step()


async def test_a_citizen_to_whom_the_service_takes_long_holds_up_no_other() -> None:
    bench = Held(at_once=3)
    bench.put(*map(intent, range(1, 6)))
    await bench.until_still()
    assert bench.accepted() == ["m2", "m3", "m4", "m5"]
    bench.go_on.set()
    await bench.until_settled()
    assert bench.accepted()[-1] == "m1"
    assert len(bench.sent) == 5


async def test_no_more_are_on_their_way_than_the_account_allows_and_one_place_is_kept_for_emergencies() -> None:
    bench = Held(at_once=4)
    bench.slow = {intent(number).outbox_id for number in range(1, 20)}
    bench.put(*map(intent, range(1, 10)))
    await bench.until_still()
    assert bench.on_their_way == 3
    bench.put(intent(10, urgent=True), intent(11, urgent=True))
    await bench.until_still()
    assert bench.sent[3:] == [intent(10).outbox_id]
    bench.go_on.set()
    await bench.until_settled()
    assert bench.sent[4] == intent(11).outbox_id, "it goes before those that have waited longer"
    assert len(bench.sent) == 11
    assert bench.most == 4


async def test_a_citizens_answers_stay_in_order_however_their_address_is_written() -> None:
    bench = Held(at_once=8)
    bench.put(intent(1, recipient="one@example.cn"), intent(2, recipient="One@Example.CN"), intent(3), intent(4))
    await bench.until_still()
    assert bench.accepted() == ["m3", "m4"]
    assert intent(2).outbox_id not in bench.sent
    bench.go_on.set()
    await bench.until_settled()
    assert bench.accepted() == ["m3", "m4", "m1", "m2"]


async def test_what_is_tried_again_is_passed_by_no_later_answer_to_its_citizen_but_an_emergencys() -> None:
    bench = Bench(UnreachableError("away"), at_once=4)
    bench.put(
        intent(1, recipient="one@example.cn"),
        intent(2, recipient="one@example.cn"),
        intent(3, recipient="one@example.cn"),
    )
    await bench.step()
    await bench.step()
    bench.put(intent(9, recipient="one@example.cn", urgent=True))
    await bench.until_settled()
    assert [name for name, state, _ in bench.states if state == "accepted"] == ["m9", "m1", "m2", "m3"]


async def test_the_accounts_turns_are_counted_of_those_that_begin_together() -> None:
    bench = Held(at_once=8, settings=AnswerSettings(per_minute=2))
    bench.put(*(intent(number, received_at=NOW) for number in range(2, 7)))
    await bench.step()
    assert len(bench.sent) == 2
    await bench.until_settled()
    assert bench.now - NOW >= timedelta(minutes=2)


async def test_a_service_that_takes_nothing_is_asked_less_and_less_however_many_go_side_by_side() -> None:
    """Those that fail together are one fault: ten would make the account wait as if it had failed ten times."""
    bench = Bench(*[UnreachableError("away")] * 8, at_once=9)
    bench.lane._pace = wait_exponential(multiplier=1, max=600)
    bench.put(*map(intent, range(1, 9)))
    await bench.until_settled()
    assert len(bench.sent) == 16
    assert timedelta(seconds=1) <= bench.now - NOW <= timedelta(seconds=2)


async def test_the_end_waits_for_all_that_are_being_sent() -> None:
    bench, stop = Held(at_once=4), asyncio.Event()
    bench.slow = {intent(number).outbox_id for number in range(1, 4)}
    bench.put(*map(intent, range(1, 6)))
    async with running(bench.lane.run, stop) as task:
        for _ in range(100):
            await asyncio.sleep(0)
        assert bench.on_their_way == 3
        stop.set()
        await asyncio.sleep(0)
        assert not task.done()
        bench.go_on.set()
        await task
    assert bench.accepted() == ["m1", "m2", "m3"]
    assert len(bench.sent) == 3
