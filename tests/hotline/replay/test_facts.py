"""What a difference says: the fields that differ, recorded and replayed, and nothing of a citizen."""

from datetime import timedelta

from msgspec.structs import replace

from hotline.quality.replay.facts import compared, of_decision, of_ticket
from schemas.records import Event, event
from schemas.records.ticket import Category, Deadline
from tests.tickets.build import START, message, position
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State


def decided() -> tuple[Event, Desk]:
    desk = Desk(State(TicketPolicy()))
    decision = desk.take(message(1), position(0))
    assert decision is not None
    return decision, desk


def limit(hours: int) -> event.DeadlineSet:
    due_at = START + timedelta(hours=hours)
    return event.DeadlineSet(
        ticket_id="t", clock="resolve", due_at=due_at, policy_id="p", calendar_version="1", provisional=False
    )


def test_equal_decisions_differ_in_nothing_and_policy_versions_are_none() -> None:
    decision, _ = decided()
    other = replace(decision, policy_version="another")
    assert compared("message", "m", of_decision(decision), of_decision(other)) is None


def test_a_deadline_that_is_another_is_the_only_difference() -> None:
    decision, _ = decided()
    was, now = (replace(decision, changes=(*decision.changes, limit(hours))) for hours in (1, 2))
    found = compared("message", "m", of_decision(was), of_decision(now))
    assert found is not None
    assert found.fields.keys() == {"deadlines"}
    assert [side[-1]["due_at"] for side in found.fields["deadlines"]] == [START + timedelta(hours=n) for n in (1, 2)]


def test_another_version_of_a_file_that_says_the_same_is_no_difference() -> None:
    decision, _ = decided()
    was, now = (
        replace(
            decision,
            changes=(
                replace(limit(1), profile_version=version),
                event.DispatchProposed(ticket_id="t", reason_code="fallback", directory_version=version),
            ),
        )
        for version in ("1", "2")
    )
    assert compared("message", "m", of_decision(was), of_decision(now)) is None


def test_a_decision_that_is_only_on_one_side_is_told_whole() -> None:
    decision, _ = decided()
    found = compared("message", "m", of_decision(None), of_decision(decision))
    assert found is not None
    assert found.fields["relation"] == (None, "new")


def test_kind_category_and_deadline_of_a_ticket_are_compared() -> None:
    decision, desk = decided()
    ticket = desk.ticket(decision.tickets[0].ticket_id)
    due = Deadline(clock="resolve", due_at=START, policy_id="p", calendar_version="1")
    category = Category(code="utilities.water", scheme="local", version="1", source="rule", confidence=1.0)
    other = replace(
        ticket, request_kind="complaint", category=category, deadlines=(due,), text="other words", title="x"
    )
    found = compared("ticket", ticket.ticket_id, of_ticket(ticket), of_ticket(other))
    assert found is not None
    assert found.fields == {
        "kind": (ticket.request_kind, "complaint"),
        "category": (None, "utilities.water"),
        "deadlines": (of_ticket(ticket)["deadlines"], {"resolve": START.isoformat()}),
    }
