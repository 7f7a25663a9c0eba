"""A protection goes with the message that told of it: one ticket loses it, the other is protected."""

from msgspec import UNSET

from schemas import ids
from schemas.records import Emergency, Message, Ticket, event
from tests.tickets.build import CITY, message
from tests.tickets.commands.orders import Office, same

FIRST = message(0, "中山路12号的路灯坏了")
FIRE = Emergency(classes=("fire",), level="critical")
CODES = (
    "emergency.fire",
    "emergency_level.critical",
    "minor.subject",
    "minor_harm.harmed",
    "minor_topic.school",
    "confidentiality.confidential",
)
GRAVE = message(1, "我家着火了，孩子在学校被打", answers=(f"{CITY}-0",), codes=CODES, emergency=FIRE)
LATER = message(2, "路灯还是没修", answers=(f"{CITY}-0",))


def office(*more: Message) -> tuple[Office, str]:
    made = Office()
    for one in (FIRST, GRAVE, LATER, *more):
        made.take(one)
    made.desk.flush()
    return made, made.decisions[0].tickets[0].ticket_id


def protected(ticket: Ticket) -> tuple[bool, bool, str, str]:
    minor = ticket.minor_protection
    flags = (bool(minor.flag), bool(minor.mandatory_report)) if minor is not UNSET else (False, False)
    return *flags, ticket.confidentiality, ticket.urgency


def test_all_protections_go_with_the_message() -> None:
    at_office, ticket = office()
    assert protected(at_office.ticket(ticket)) == (True, True, "restricted", "critical")
    at_office.order("move", ticket, message_id=GRAVE.message_id)
    own = ids.ticket_id(CITY, GRAVE.message_id)
    assert protected(at_office.ticket(ticket)) == (False, False, "internal", "normal")
    assert at_office.ticket(ticket).confidentiality_reasons == ()
    assert at_office.ticket(ticket).emergency is None
    assert protected(at_office.ticket(own)) == (True, True, "restricted", "critical")
    held, new = at_office.desk.state.tickets[ticket], at_office.desk.state.tickets[own]
    assert (held.danger, held.codes, held.confidentiality) == (False, (), "internal")
    assert (new.danger, new.codes, new.confidentiality) == (True, CODES, "restricted")
    same(at_office)


def test_a_ticket_that_is_there_is_protected_by_what_comes_to_it() -> None:
    at_office, ticket = office()
    other = at_office.take(message(9, "水管一直漏水", sender="13700137000")).tickets[0].ticket_id
    at_office.order("move", ticket, message_id=GRAVE.message_id, to=other)
    assert protected(at_office.ticket(other)) == (True, True, "restricted", "critical")
    at_office.order("move", other, message_id=GRAVE.message_id, to=ticket)
    assert protected(at_office.ticket(other)) == (False, False, "internal", "normal")
    assert protected(at_office.ticket(ticket)) == (True, True, "restricted", "critical")
    same(at_office)


def test_what_another_message_tells_as_well_stays() -> None:
    told = message(3, "孩子还在上学", answers=(f"{CITY}-0",), codes=("minor.subject", "minor_topic.school"))
    at_office, ticket = office(told)
    at_office.order("move", ticket, message_id=GRAVE.message_id)
    assert protected(at_office.ticket(ticket)) == (True, False, "restricted", "normal")
    assert at_office.ticket(ticket).confidentiality_reasons == ("minor",)
    at_office.order("move", ticket, message_id=told.message_id)
    assert protected(at_office.ticket(ticket)) == (False, False, "internal", "normal")
    same(at_office)


def test_a_clerk_s_word_stands_when_a_message_leaves() -> None:
    at_office, ticket = office()
    at_office.order("reclassify", ticket, confidentiality="restricted", minor=True)
    before = protected(at_office.ticket(ticket))
    at_office.order("move", ticket, message_id=GRAVE.message_id)
    assert protected(at_office.ticket(ticket)) == (*before[:3], "normal")
    held = at_office.desk.state.tickets[ticket]
    assert set(held.codes) == {"minor.subject", "confidentiality.restricted"}
    same(at_office)


def test_an_open_hand_over_goes_with_the_message_and_an_acknowledged_one_stays_told_of() -> None:
    at_office, ticket = office()
    at_office.order("move", ticket, message_id=GRAVE.message_id)
    own = ids.ticket_id(CITY, GRAVE.message_id)
    assert at_office.ticket(ticket).handovers == ()
    assert [one.acknowledged_at for one in at_office.ticket(own).handovers] == [None]
    at_office.order("acknowledge_handover", handover_id=GRAVE.message_id)
    (answered,) = at_office.ticket(own).handovers
    assert answered.acknowledged_by == "clerk-7"

    at_office, ticket = office()
    at_office.order("acknowledge_handover", handover_id=GRAVE.message_id)
    at_office.order("move", ticket, message_id=GRAVE.message_id)
    assert at_office.ticket(ticket).handovers == at_office.ticket(own).handovers != ()
    assert at_office.ticket(ticket).handovers[0].acknowledged_by == "clerk-7"
    assert at_office.desk.state.handovers.waiting == {}
    same(at_office)


def test_what_is_blacked_out_was_said_all_the_same() -> None:
    at_office, ticket = office()
    before = protected(at_office.ticket(ticket))
    at_office.order("redact", ticket, fields=("text",), message_ids=(GRAVE.message_id,))
    assert at_office.ticket(ticket).text == ""
    assert protected(at_office.ticket(ticket)) == before
    same(at_office)


def test_no_change_is_made_where_nothing_was_protected() -> None:
    at_office, ticket = office()
    moved = at_office.order("move", ticket, message_id=LATER.message_id)
    flags = event.MinorFlagged | event.ConfidentialitySet
    assert not [one for one in moved.changes if isinstance(one, flags)]
    assert protected(at_office.ticket(ticket)) == (True, True, "restricted", "critical")
