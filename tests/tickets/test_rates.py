"""The three rates are of the last 回访 of each ticket, and of those who were asked."""

from datetime import UTC, datetime, timedelta

from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Ticket
from schemas.records.dispatch import Dispatch, DispatchReturn
from schemas.records.ticket import Revisit
from tests.tickets.commands.orders import Office
from tests.tickets.said import said
from tickets.satisfaction import Rates, fewest, had_by, rates

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def asked(*answers: tuple[bool, bool | None, bool | None]) -> Ticket:
    at_office = Office([said(1, "", "路灯不亮")])
    (ticket,) = at_office.tickets
    revisits = tuple(Revisit(at=AT, contacted=c, resolved=r, satisfied=s) for c, r, s in answers)
    return replace(at_office.ticket(ticket), revisits=revisits)


def test_the_last_answer_of_each_ticket_counts_and_who_was_not_asked_counts_nowhere() -> None:
    found = rates([asked((False, False, False), (True, True, None)), asked((True, False, True)), asked()])
    assert found == Rates(asked=2, response=1.0, resolution=0.5, satisfaction=1.0)


def test_a_rate_of_fewer_answers_than_asked_for_is_none() -> None:
    some = [asked((True, True, None)), asked((False, None, None))]
    assert rates(some, least=2) == Rates(asked=2, response=0.5)
    assert [fewest(some), fewest([asked()]), fewest([asked((True, None, None))])] == [1, 0, 1]


def test_a_revisit_is_about_who_had_the_ticket_then() -> None:
    told = asked((True, False, False))
    for dispatch, office in (
        (UNSET, None),
        (Dispatch(organizer_code="a", dispatched_at=AT - timedelta(days=1)), "a"),
        (Dispatch(organizer_code="b", dispatched_at=AT + timedelta(days=1)), None),
        (Dispatch(returns=(DispatchReturn(reason_code="x", at=AT, organizer_code="a"),)), None),
    ):
        assert had_by(replace(told, dispatch=dispatch)) == office


def test_nobody_asked_is_no_rate() -> None:
    assert rates([asked()]) == Rates(asked=0)
    assert rates([asked((False, None, None))]) == Rates(asked=1, response=0.0)
