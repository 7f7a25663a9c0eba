"""Merges, proposals and hand-overs: a person's word is an edge that can be taken back."""

from datetime import timedelta

import pytest

from schemas.records import Event, event
from tests.tickets.build import CITY, START, message
from tests.tickets.commands.orders import Office, office, refusal, same
from tickets.policy import TicketPolicy


def clusters(at_office: Office, tickets: list[str]) -> list[str]:
    return [at_office.ticket(one).cluster_id for one in tickets]


def test_a_merge_is_an_edge_on_both_sides_and_can_be_undone() -> None:
    at_office, tickets = office(3)
    a, b, c = tickets
    merged = at_office.order("merge", b, into=a)
    assert [one.ticket_id for one in merged.tickets] == [b, a]
    assert at_office.ticket(a).edges[0].ticket_id == b
    assert (at_office.ticket(b).edges[0].ticket_id, at_office.ticket(b).edges[0].kind) == (a, "merged")
    at_office.order("merge", c, into=b)
    assert clusters(at_office, tickets) == [a, a, a]
    parted = at_office.order("unmerge", a, ticket_id=b)
    assert {one.ticket_id for one in parted.tickets} == {a, b, c}
    assert clusters(at_office, tickets) == [a, b, b]
    numbers = [at_office.ticket(one).cluster_no for one in tickets]
    assert numbers == [None, None, at_office.ticket(b).ticket_no]
    assert at_office.ticket(a).edges == ()
    assert [one.message_count for one in map(at_office.ticket, tickets)] == [1, 1, 1]


def test_a_merge_with_a_ticket_that_was_erased_since_can_be_undone() -> None:
    """Else the other one hung for ever in the cluster of a ticket that nobody can read."""
    at_office, (a, b, c) = office(3)
    at_office.order("merge", b, into=a)
    at_office.order("forget", a)
    assert refusal(at_office.order("merge", c, into=a)) == "erased"
    parted = at_office.order("unmerge", b, ticket_id=a)
    assert refusal(parted) is None
    assert {one.ticket_id for one in parted.tickets} == {a, b}
    assert clusters(at_office, [a, b]) == [a, b]
    assert (at_office.ticket(b).edges, at_office.ticket(b).cluster_no) == ((), None)
    erased = at_office.ticket(a)
    assert (erased.erased, erased.text, erased.requester.identities, erased.edges) == (True, "", (), ())
    assert refusal(at_office.order("unmerge", a, ticket_id=b)) == "erased"
    same(at_office)


def test_a_ticket_that_is_due_to_leave_leaves_after_the_command_about_it() -> None:
    at_office, (a, b) = office(2)
    for one in (a, b):
        at_office.order("set_status", one, status="not_accepted", reason_code="malicious")
    late = START + timedelta(days=200)
    assert refusal(at_office.order("merge", b, into=a, at=late)) is None
    assert clusters(at_office, [a, b]) == [a, a]
    at_office.desk.flush()
    at_office.take(message(9, "很久以后", minutes=60 * 24 * 201))
    assert a not in at_office.desk.state.tickets
    assert a not in at_office.desk.state.bodies


def test_merges_that_make_no_sense_are_refused() -> None:
    at_office, (a, b, c) = office(3)
    elsewhere = at_office.take(message(50, "外地的事", jurisdiction="110000")).tickets[0].ticket_id
    assert refusal(at_office.order("merge", a, into=a)) == "self_merge"
    assert refusal(at_office.order("merge", a, into=elsewhere)) == "jurisdiction"
    assert refusal(at_office.order("merge", a, into=f"{CITY}-aaaaaaaaaaaaaaaaaaaa")) == "unknown_ticket"
    at_office.order("merge", a, into=b)
    at_office.order("merge", b, into=c)
    assert refusal(at_office.order("merge", c, into=a)) == "merge_cycle"
    assert refusal(at_office.order("unmerge", c, ticket_id=a)) == "not_merged"
    assert [at_office.ticket(one).version for one in (a, b, c)] == [2, 3, 2]


def test_a_merge_that_would_write_too_much_at_once_is_refused() -> None:
    at_office, (a, b, c) = office(3)
    object.__setattr__(at_office.desk.state, "policy", TicketPolicy(max_cluster_moves=1))
    at_office.order("merge", c, into=b)
    assert refusal(at_office.order("merge", c, into=a)) == "too_many"


def proposed() -> tuple[Office, str, str, Event]:
    """Return an office where a stranger's answer to the first ticket is proposed to be filed there."""
    at_office, (first,) = office()
    asked = at_office.take(message(7, "请把回复发给我", sender="13700137000", answers=(f"{CITY}-0",)))
    return at_office, first, asked.tickets[0].ticket_id, asked


def proposal_of(asked: Event) -> str:
    return next(one.proposal_id for one in asked.changes if isinstance(one, event.Proposed))


def test_a_confirmed_proposal_merges() -> None:
    at_office, first, own, asked = proposed()
    at_office.order("confirm_proposal", own, proposal_id=proposal_of(asked))
    assert clusters(at_office, [first, own]) == [first, first]
    assert at_office.ticket(own).proposals == ()
    assert refusal(at_office.order("confirm_proposal", own, proposal_id=proposal_of(asked))) == "unknown_proposal"


def test_a_rejected_proposal_is_remembered() -> None:
    at_office, first, own, asked = proposed()
    at_office.order("reject_proposal", own, proposal_id=proposal_of(asked))
    assert at_office.ticket(own).proposals == ()
    assert clusters(at_office, [first, own]) == [first, own]
    assert {*at_office.desk.state.separations} == {(asked.event_id, first), (own, first), (first, own)}


def test_an_acknowledged_handover_is_told_by_its_ticket() -> None:
    at_office = Office()
    burning = message(1, codes=("emergency.fire", "emergency_level.critical"))
    ticket = at_office.take(burning).tickets[0].ticket_id
    assert at_office.desk.state.handovers.waiting == {burning.message_id: ticket}
    assert at_office.ticket(ticket).handovers[0].acknowledged_at is None
    at_office.order("acknowledge_handover", handover_id=burning.message_id, author="desk-119")
    (told,) = at_office.ticket(ticket).handovers
    assert (told.acknowledged_by, told.acknowledged_at) == ("desk-119", at_office.decisions[-1].at)
    assert at_office.desk.state.handovers.waiting == {}
    again = at_office.order("acknowledge_handover", handover_id=burning.message_id)
    assert refusal(again) == "acknowledged"


def test_a_handover_may_be_acknowledged_before_its_ticket_is_decided() -> None:
    at_office = Office()
    burning = message(1, codes=("emergency.fire",))
    assert refusal(at_office.order("acknowledge_handover", handover_id=burning.message_id)) is None
    early = at_office.decisions[-1]
    same(at_office)
    ticket = at_office.take(burning).tickets[0].ticket_id
    assert at_office.desk.state.handovers.waiting == at_office.desk.state.handovers.early == {}
    (told,) = at_office.ticket(ticket).handovers
    assert (told.acknowledged_by, told.acknowledged_at) == ("clerk-7", early.at)
    same(at_office)
    assert refusal(at_office.order("acknowledge_handover", handover_id="李小龙")) == "arguments"


def test_another_city_takes_no_alarm_before_its_ticket_is_decided() -> None:
    at_office = Office()
    burning = message(1, codes=("emergency.fire",))
    at_office.order("acknowledge_handover", handover_id=burning.message_id, city="210200")
    ticket = at_office.take(burning).tickets[0].ticket_id
    assert at_office.desk.state.handovers.waiting == {burning.message_id: ticket}
    assert at_office.ticket(ticket).handovers[0].acknowledged_at is None
    assert refusal(at_office.order("acknowledge_handover", handover_id=burning.message_id)) is None
    same(at_office)


def test_of_hand_overs_that_never_get_a_ticket_only_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickets.state.handover_queue.MOST_EARLY", 2)
    at_office = Office()
    for one in "abc":
        at_office.order("acknowledge_handover", handover_id=one * 26)
    assert [*at_office.desk.state.handovers.early] == [f"{CITY}:{one * 26}" for one in "bc"]
    same(at_office)
