"""Clocks that stand and go on (暂停): no time is lost or won, whatever follows: a pause, an extension, a recount."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.ids import SHANGHAI
from schemas.records.ticket import Deadline
from tests.rows import each_row
from tests.tickets.build import message
from tests.tickets.commands.orders import Office, refusal
from tickets import policies
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.sla.calendar import calendars
from tickets.sla.deadlines import limits
from tickets.state.state import State

RULE = {
    "id": "own.resolve", "clock": "resolve", "amount": 5, "unit": "working_days", "extension_max": 10,
    "pauses": ["returned", "redispatched"], "legal_basis": "-",
}  # fmt: skip
AWAY = (
    ("set_status", {"status": "registered"}, "2026-11-02T10:00"),
    ("dispatch", {"organizer": "a"}, "2026-11-02T11:00"),
    ("return_dispatch", {"reason_code": "not_responsible"}, "2026-11-03T12:00"),
    ("dispatch", {"organizer": "b"}, "2026-11-10T12:00"),
    ("set_status", {"status": "signed"}, "2026-11-12T12:00"),
)
"""Received on a Monday, given back on the Tuesday, signed by the next office on the Thursday of the week after."""


def policy(**rule: Any) -> TicketPolicy:
    return policy_of({"id": "own", "name": "自定", "version": "1", "adcodes": ["9901"], "rules": [RULE | rule]})


def policy_of(profile: Mapping[str, Any]) -> TicketPolicy:
    tables = policies.read("deadlines") | {"own": profile}
    return replace(TicketPolicy(), limits=limits(tables, calendars(policies.read("calendars"))))


class Counter(Office):
    """An office with one ticket, received at nine in the morning of a day, with limits of its own."""

    def __init__(self, known: TicketPolicy, day: str = "2026-11-02") -> None:
        super().__init__()
        self.desk, self.now = Desk(State(known)), at(f"{day}T09:00")
        received = replace(message(0, jurisdiction="990100"), received_at=self.now, ingested_at=self.now)
        self.number = self.take(received).tickets[0].ticket_id

    def give(self, order: str, /, **fields: Any) -> str | None:
        self.now += timedelta(minutes=1)
        return refusal(self.order(order, self.number, city="990100", at=self.now, **fields))

    def goes(self, *orders: tuple[str, dict[str, str], str]) -> None:
        for order, fields, when in orders:
            self.now = at(when)
            assert self.give(order, **fields) is None

    def resolve(self) -> Deadline:
        deadlines = self.desk.ticket(self.number).deadlines
        assert isinstance(deadlines, tuple)
        return next(one for one in deadlines if one.clock == "resolve")

    def due(self) -> str:
        return self.resolve().due_at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def at(when: str) -> datetime:
    return datetime.fromisoformat(when).replace(tzinfo=SHANGHAI)


LIMITS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"pauses": ["returned"]}, "11-09 23:59", "11-16 23:59", "11-30 23:59"),
    ({}, "11-09 23:59", "11-18 23:59", "12-02 23:59"),
    ({"starts": "at_receipt"}, "11-06 23:59", "11-17 23:59", "12-01 23:59"),
    ({"unit": "natural_days"}, "11-07 23:59", "11-16 23:59", "11-26 23:59"),
    ({"unit": "hours", "amount": 48}, "11-04 09:00", "11-13 09:00", "11-13 19:00"),
]


@each_row(("rule", "before", "after", "extended"), LIMITS)
def test_two_stages_in_which_a_clock_stands_are_one_pause_and_outlast_whatever_is_reckoned(
    rule: dict[str, Any], before: str, after: str, extended: str
) -> None:
    known = policy(**rule)
    counter = Counter(known)
    assert counter.due() == before
    counter.goes(*AWAY)
    assert counter.due() == after
    assert counter.give("set_deadline", clock="resolve", recompute=True) is None
    assert counter.due() == after
    assert counter.give("set_deadline", clock="resolve", extend=4) is None
    assert counter.give("set_deadline", clock="resolve", extend=6) is None
    assert counter.due() == extended
    assert counter.give("set_deadline", clock="resolve", extend=1) == "too_long"
    assert counter.give("set_deadline", clock="resolve", recompute=True) is None
    assert counter.due() == extended
    assert counter.resolve().extended_from is not None
    assert fold(counter.decisions, known).tickets == counter.desk.state.tickets


def test_a_clock_stands_from_no_earlier_than_the_stage_before_whatever_date_an_order_bears() -> None:
    counter = Counter(policy(pauses=["supervised"]))
    counter.goes(*AWAY[:2], ("set_status", {"status": "signed"}, "2026-11-02T12:00"))
    counter.goes(("set_status", {"status": "in_progress"}, "2026-11-02T13:00"), ("supervise", {}, "2026-09-04T12:00"))
    counter.goes(("set_status", {"status": "in_progress"}, "2026-11-05T13:00"))
    assert counter.due() == "11-12 23:59"


def test_an_extended_clock_stands_too() -> None:
    counter = Counter(policy(pauses=["supervised"]))
    counter.goes(*AWAY[:2], ("set_status", {"status": "signed"}, "2026-11-02T12:00"))
    counter.goes(("set_status", {"status": "in_progress"}, "2026-11-02T13:00"))
    assert counter.give("set_deadline", clock="resolve", extend=3) is None
    assert counter.due() == "11-12 23:59"
    counter.goes(("supervise", {}, "2026-11-04T12:00"), ("set_status", {"status": "in_progress"}, "2026-11-11T12:00"))
    assert counter.due() == "11-19 23:59"
    assert counter.give("set_deadline", clock="resolve", recompute=True) is None
    assert counter.due() == "11-19 23:59"


@pytest.mark.parametrize("stage", ["in_progress", "supervised"])
def test_an_extension_that_ends_a_stage_in_which_a_clock_stood_takes_none_of_its_time(stage: str) -> None:
    known = policy(pauses=[stage])
    counter = Counter(known)
    counter.goes(*AWAY[:2], ("set_status", {"status": "signed"}, "2026-11-03T12:00"))
    counter.goes(("set_status", {"status": "in_progress"}, "2026-11-04T12:00"))
    if stage == "supervised":
        counter.goes(("supervise", {}, "2026-11-04T12:10"))
    assert counter.due() == "11-09 23:59"
    counter.now = at("2026-11-11T12:00")
    assert counter.give("set_deadline", clock="resolve", extend=3) is None
    assert counter.desk.ticket(counter.number).status == "extended"
    assert counter.due() == "11-19 23:59"
    assert counter.give("set_deadline", clock="resolve", recompute=True) is None
    assert counter.due() == "11-19 23:59"
    assert counter.give("set_deadline", clock="resolve", extend=8) == "too_long"
    assert fold(counter.decisions, known).tickets == counter.desk.state.tickets


def test_a_reopened_ticket_has_the_whole_limit_whatever_stood_before() -> None:
    counter = Counter(policy())
    counter.goes(*AWAY, ("set_status", {"status": "in_progress"}, "2026-11-12T13:00"))
    counter.goes(("set_status", {"status": "resolved"}, "2026-11-12T14:00"))
    counter.goes(("set_status", {"status": "reopened"}, "2026-12-07T14:00"))
    assert counter.due() == "12-14 23:59"
    assert counter.resolve().extended_from is None


def test_a_limit_of_the_channel_stays_when_a_clerk_says_what_the_ticket_is_about() -> None:
    rules = [
        RULE | {"id": "own.praise", "kinds": ["praise"], "amount": 9},
        RULE | {"id": "own.letter", "channels": ["mailbox"], "amount": 2},
        RULE | {"id": "own.other"},
    ]
    profile = {"id": "own", "name": "自定", "version": "1", "adcodes": ["9901"], "rules": rules}
    counter = Counter(policy_of(profile))
    counter.give("reclassify", category="construction.housing")
    assert (counter.resolve().policy_id, counter.due()) == ("own.letter", "11-04 23:59")
    counter.give("reclassify", kind="praise")
    assert counter.resolve().policy_id == "own.praise"


def test_no_amount_of_time_keeps_the_next_one_waiting() -> None:
    counter = Counter(policy())
    for amount in (10**7, 10**15, 10**19, -1):
        assert counter.give("set_deadline", clock="resolve", extend=amount) == "too_long"
    far = "9999-12-31T23:59:59Z"
    assert counter.give("set_deadline", clock="resolve", due_at=far, policy_id="own.resolve") is None
    assert counter.give("set_deadline", clock="resolve", extend=1) == "too_long"


@pytest.mark.parametrize("rule", [{"unit": "natural_days"}, {"unit": "hours", "amount": 100}])
def test_what_no_calendar_counts_is_not_provisional_when_it_is_extended(rule: dict[str, Any]) -> None:
    counter = Counter(policy(**rule), "2026-12-28")
    assert counter.give("set_deadline", clock="resolve", extend=9) is None
    assert counter.resolve().due_at.astimezone(SHANGHAI).year == 2027
    assert not counter.resolve().provisional


def test_a_count_that_begins_in_a_year_without_a_calendar_is_provisional() -> None:
    assert Counter(policy(), "2018-12-28").resolve().provisional  # 2018-12-29 was a Saturday on which everybody worked


@pytest.mark.parametrize("change", [{"id": "own.newer"}, {"valid_to": "2026-11-30"}])
def test_a_limit_that_is_no_more_gives_way_to_the_matter_s_when_a_ticket_is_reopened(change: dict[str, str]) -> None:
    counter = Counter(policy())
    counter.goes(*AWAY, ("set_status", {"status": "in_progress"}, "2026-11-12T13:00"))
    counter.goes(("set_status", {"status": "resolved"}, "2026-11-12T14:00"))
    newer = [RULE | change, RULE | {"id": "own.today", "amount": 2, "valid_from": "2026-12-01"}]
    profile = {"id": "own", "name": "自定", "version": "2", "adcodes": ["9901"], "rules": newer}
    counter.desk.flush()
    counter.desk = Desk(State(policy_of(profile), counter.desk.state.dump()))
    counter.goes(("set_status", {"status": "reopened"}, "2026-12-07T14:00"))
    clock = counter.desk.state.tickets[counter.number].clocks["resolve"]
    assert clock.policy_id in ("own.newer", "own.today")
    assert clock.due_at > at("2026-12-08T00:00")
