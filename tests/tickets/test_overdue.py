"""Overdue is what waits for something that should have happened; a clock that stands and a closed ticket wait not."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Ticket
from schemas.records.ticket import Deadline, Due
from tests.tickets.build import START, message
from tests.tickets.commands.orders import Office
from tests.tickets.test_pauses import policy
from tickets.policy import limits_of
from tickets.sla.overdue import overdue, running

LIMITS = limits_of()
LATER = START + timedelta(days=9)


def due(clock: str, days: float = 1, policy_id: str = "p") -> Deadline:
    return Deadline(clock=clock, due_at=START + timedelta(days=days), policy_id=policy_id, calendar_version="1")


def a_ticket(**more: Any) -> Ticket:
    at_office = Office([message(0)])
    every = (due("accept"), due("sign"), due("resolve"), due("return"), due("first_contact"))
    return replace(at_office.ticket(at_office.tickets[0]), **({"deadlines": every} | more))


@pytest.mark.parametrize(
    ("status", "waits"),
    [
        ("received", ["accept", "resolve"]),
        ("screened", ["accept", "resolve"]),
        ("registered", ["resolve"]),
        ("dispatched", ["sign", "resolve"]),
        ("redispatched", ["sign", "resolve"]),
        ("in_progress", ["resolve"]),
        ("reopened", ["resolve"]),
        ("resolved", []),
        ("not_accepted", []),
        ("archived", []),
    ],
)
def test_a_stage_tells_which_clocks_wait(status: str, waits: list[str]) -> None:
    assert [one.clock for one in overdue(a_ticket(status=status), LIMITS, LATER)] == waits


def test_nothing_is_overdue_before_its_time_or_of_a_ticket_that_is_erased() -> None:
    assert not list(overdue(a_ticket(deadlines=(due("resolve", 9.5),)), LIMITS, LATER))
    assert not list(overdue(a_ticket(erased=True), LIMITS, LATER))
    assert running(a_ticket(deadlines=UNSET)) == ()


def test_a_snapshot_tells_what_its_ticket_waits_for() -> None:
    at_office = Office([message(0, channel="web")])
    (ticket,) = at_office.tickets
    (accept,) = at_office.ticket(ticket).deadlines
    assert at_office.ticket(ticket).due == Due(accept_at=accept.due_at)
    at_office.order("set_deadline", ticket, clock="resolve", due_at=LATER.isoformat())
    at_office.order("set_status", ticket, status="registered")
    assert at_office.ticket(ticket).due == Due(resolve_at=LATER)
    at_office.order("set_status", ticket, status="not_accepted", reason_code="malicious")
    assert at_office.ticket(ticket).due is None
    at_office.order("set_status", ticket, status="reopened")
    assert at_office.ticket(ticket).due == Due(resolve_at=LATER)
    at_office.order("forget", ticket)
    assert at_office.ticket(ticket).due is None


def test_a_clock_that_stands_is_not_overdue_unless_it_was_before() -> None:
    limits = policy(pauses=["returned"]).limits
    for stood_at, found in ((START, 0), (START + timedelta(days=2), 1)):
        stands = a_ticket(status="returned", status_at=stood_at, deadlines=(due("resolve", policy_id="own.resolve"),))
        assert len(list(overdue(stands, limits, LATER))) == found
