"""What a clerk parted or closed off: later copies go by it."""

import pytest

from schemas.records import Event
from tests.tickets.commands.orders import Office, same
from tests.tickets.records_of_calls import LAMP, record
from tests.tickets.said import said

SAID = "翠屏花园停水一天了物业不管，没有人通知，老人小孩没法做饭"
LONGER, SHORTER = f"{SAID}，快来人", SAID[:18]
WE = "13900000009"


def joins(decision: Event) -> list[str]:
    return [change.other_id for change in decision.changes if type(change).__name__ == "EdgeAdded"]


def test_of_two_tickets_that_a_clerk_parted_a_copy_joins_the_one_it_repeats() -> None:
    at_office = Office([said(0, "", SAID), said(1, "", LONGER)])
    one, other = at_office.tickets
    at_office.order("unmerge", one, ticket_id=other)
    assert joins(at_office.take(said(3, "", f"{LONGER}啊"))) == [other]
    assert joins(at_office.take(said(4, "", f"{SAID}啊"))) == [one]
    assert [at_office.ticket(ticket).cluster_id for ticket in (one, other)] == [one, other]
    same(at_office)


def test_what_a_clerk_took_out_of_a_ticket_is_repeated_where_it_went() -> None:
    at_office = Office([said(0, "", SAID, sender=WE), said(1, "", SHORTER, sender=WE)])
    ticket, wrong = at_office.tickets[0], said(1, "", SHORTER, sender=WE)
    own = at_office.order("unmerge", ticket, message_id=wrong.message_id).tickets[0].ticket_id
    assert at_office.take(said(3, "", f"{SHORTER}吗", sender=WE)).tickets[0].ticket_id == own
    assert at_office.take(said(4, "", f"{SAID}啊", sender=WE)).tickets[0].ticket_id == ticket


@pytest.mark.parametrize("word", [{"kind": "report"}, {"minor": True}])
def test_a_cluster_whose_oldest_ticket_is_restricted_by_now_is_only_proposed(word: dict[str, object]) -> None:
    at_office = Office([said(0, "", SAID), said(1, "", LONGER)])
    oldest, other = at_office.tickets
    assert at_office.ticket(other).cluster_id == oldest
    at_office.order("reclassify", oldest, **word)
    later = at_office.take(said(3, "", f"{LONGER}啊"))
    assert (later.relation, joins(later)) == ("new", [])
    assert [one.target for one in at_office.ticket(later.tickets[0].ticket_id).proposals] == [oldest]


@pytest.mark.parametrize("again", [SAID, LONGER])
def test_what_a_clerk_refused_is_not_joined_from_its_other_side(again: str) -> None:
    """A later record of the call says what the letter says that was not to be joined to it."""
    at_office = Office()
    told = {"caller": "13800001111", "note": "翠屏花园停水一天了，小区的电梯也坏了"}
    call = at_office.take(record(1, told, 0)).tickets[0].ticket_id
    letter = at_office.take(said(5, "", SAID)).tickets[0].ticket_id
    (proposal,) = at_office.ticket(letter).proposals
    assert proposal.target == call
    at_office.order("reject_proposal", letter, proposal_id=proposal.proposal_id)
    later = at_office.take(record(2, told | {"revision": 2, "note": again}, 60))
    assert (later.tickets[0].ticket_id, joins(later)) == (call, [])
    assert [at_office.ticket(one).cluster_id for one in (call, letter)] == [call, letter]
    assert at_office.ticket(call).proposals == ()
    same(at_office)


def test_what_a_clerk_took_out_of_a_call_s_ticket_is_not_joined_to_it_by_a_later_record() -> None:
    at_office = Office()
    told = {"caller": WE, "note": LAMP}
    call = at_office.take(record(1, told, 0)).tickets[0].ticket_id
    repeat = said(5, "", f"{LAMP}，请尽快", sender=WE)
    assert at_office.take(repeat).tickets[0].ticket_id == call
    own = at_office.order("unmerge", call, message_id=repeat.message_id).tickets[0].ticket_id
    later = at_office.take(record(2, told | {"revision": 2, "note": f"{LAMP}，还没有人来修"}, 60))
    assert (later.tickets[0].ticket_id, joins(later)) == (call, [])
    assert [at_office.ticket(one).cluster_id for one in (call, own)] == [call, own]
    at_office.order("merge", call, into=own)
    assert at_office.ticket(own).cluster_id == call, "a person may"
    same(at_office)
