"""What only a moved message told goes with it: whom to call, what kind of matter it is, where, who deals with it."""

from msgspec import json
from msgspec.structs import replace

from schemas import ids, topics
from schemas.codec import decode, encode
from schemas.records import Event, Message, Ticket
from schemas.records.event import DispatchProposed
from tests.tickets.build import CITY, message
from tests.tickets.commands.orders import POLICY, Office, refusal, same
from tests.tickets.said import dispatch_proposed, said
from tickets.model.ticket_state import TicketState
from tickets.reducers import fold

CITIZEN, NUMBER = "13800138000", "13900139000"
FIRST = said(1, "致市长的一封信", "您好，打扰了", sender=CITIZEN)


def follow_up(number: int, ticket: Ticket, text: str, place: str = "") -> Message:
    """Return a message that quotes the ticket's number; a rule reads its place, which has an adcode then."""
    made = said(number, f"补充 {ticket.ticket_no}", text, sender=CITIZEN)
    return replace(made, features=replace(made.features, codes=(*made.features.codes, place))) if place else made


def office() -> tuple[Office, str, Message]:
    """Return an office with a ticket, and the message in it that belongs elsewhere: it alone tells of a matter."""
    made = Office([FIRST])
    ticket = made.ticket(made.tickets[0])
    wrong = follow_up(2, ticket, f"投诉铁西区的工地夜间施工噪声扰民，请打{NUMBER}", "place.210106")
    made.take(wrong)
    made.desk.flush()
    return made, ticket.ticket_id, wrong


def matter(ticket: TicketState) -> tuple[str | None, str | None, str | None]:
    return ticket.kind, ticket.category, ticket.place


def told(ticket: Ticket) -> tuple[str | None, str | None, str | None, float | None, str | None, str | None]:
    return (
        ticket.request_kind,
        ticket.request_kind_group,
        ticket.request_kind_source,
        ticket.request_kind_confidence,
        ticket.category.code if ticket.category else None,
        ticket.location.text if ticket.location else None,
    )


def test_the_former_ticket_knows_nothing_that_the_message_alone_told() -> None:
    at_office, ticket, wrong = office()
    held = at_office.desk.state.tickets[ticket]
    assert held.contacts == wrong.features.contacts != ()
    assert matter(held) == ("complaint", "environment.noise", "210106")
    assert told(at_office.ticket(ticket))[0] == "complaint"
    assert refusal(at_office.order("move", ticket, message_id=wrong.message_id)) is None
    held, never = at_office.desk.state.tickets[ticket], Office([FIRST])
    alone = never.desk.state.tickets[ticket]
    assert (held.contacts, matter(held)) == (alone.contacts, matter(alone)) == ((), (None, None, None))
    assert told(at_office.ticket(ticket)) == told(never.ticket(ticket))
    assert at_office.ticket(ticket).category is None
    same(at_office)


def test_nothing_of_it_is_in_any_record_of_the_former_ticket() -> None:
    at_office, ticket, wrong = office()
    at_office.order("move", ticket, message_id=wrong.message_id)
    written = [one for one in at_office.desk.flush() if one.key == ticket.encode()]
    snapshots = [one for one in written if one.topic in (topics.TICKET, topics.TICKET_MASKED)]
    assert len(snapshots) == 2
    for one in snapshots:
        assert not any(secret in one.value.decode() for secret in (NUMBER, "environment.noise", "complaint", "铁西"))
    assert decode(snapshots[1].value, Ticket).masked


def test_the_new_ticket_knows_it() -> None:
    at_office, ticket, wrong = office()
    at_office.order("move", ticket, message_id=wrong.message_id)
    own = at_office.desk.state.tickets[ids.ticket_id(CITY, wrong.message_id)]
    assert own.contacts == wrong.features.contacts
    assert matter(own) == ("complaint", "environment.noise", "210106")


def test_what_another_message_told_as_well_stays() -> None:
    at_office, ticket, wrong = office()
    at_office.take(follow_up(3, at_office.ticket(ticket), f"还是请打{NUMBER}"))
    later = follow_up(4, at_office.ticket(ticket), "沈河区的供暖不热，请尽快解决", "place.210103")
    at_office.take(later)
    at_office.order("move", ticket, message_id=wrong.message_id)
    held = at_office.desk.state.tickets[ticket]
    assert held.contacts == wrong.features.contacts
    assert matter(held)[1:] == (coded(later, "category."), "210103")
    assert told(at_office.ticket(ticket))[4] == coded(later, "category.")
    same(at_office)


def coded(one: Message, kind: str) -> str:
    return next(code.removeprefix(kind) for code in one.features.codes if code.startswith(kind))


def test_a_message_that_moves_twice_takes_all_of_it_along() -> None:
    at_office, ticket, wrong = office()
    other = at_office.take(said(9, "一封信", "见附件", sender="13700137000")).tickets[0].ticket_id
    at_office.order("move", ticket, message_id=wrong.message_id, to=other)
    at_office.order("move", other, message_id=wrong.message_id)
    for name in (ticket, other):
        held = at_office.desk.state.tickets[name]
        assert (held.contacts, matter(held)) == ((), (None, None, None))
    same(at_office)


def test_what_a_clerk_said_of_the_matter_stays() -> None:
    at_office, ticket, wrong = office()
    at_office.order("reclassify", ticket, kind="praise", category="照明")
    at_office.order("move", ticket, message_id=wrong.message_id)
    assert matter(at_office.desk.state.tickets[ticket]) == ("praise", "照明", None)
    assert told(at_office.ticket(ticket)) == ("praise", "praise", "clerk", 1.0, "照明", None)
    same(at_office)


def test_who_should_deal_with_each_ticket_is_proposed_anew() -> None:
    at_office, ticket, wrong = office()
    by_it = dispatch_proposed(at_office.ticket(ticket))
    at_office.order("move", ticket, message_id=wrong.message_id)
    former, own = at_office.ticket(ticket), at_office.ticket(ids.ticket_id(CITY, wrong.message_id))
    assert dispatch_proposed(own) == by_it
    assert dispatch_proposed(former) == dispatch_proposed(Office([FIRST]).ticket(ticket)) != by_it


def test_an_office_that_has_the_ticket_keeps_it() -> None:
    at_office, ticket, wrong = office()
    at_office.order("set_status", ticket, status="registered")
    at_office.order("dispatch", ticket, organizer="environment")
    moved = at_office.order("move", ticket, message_id=wrong.message_id)
    assert ticket not in [one.ticket_id for one in moved.changes if isinstance(one, DispatchProposed)]
    assert at_office.desk.state.tickets[ticket].organizer == "environment"


def test_a_proposal_about_the_message_is_open_no_longer() -> None:
    at_office = Office([message(0, "中山路12号的路灯坏了"), message(1, "水管漏水", sender=NUMBER)])
    ticket, other = at_office.tickets
    repeat = message(2, "中山路12号的路灯坏了", answers=(f"{CITY}-1",))
    at_office.take(repeat)
    (proposal,) = at_office.desk.state.tickets[ticket].proposals
    assert proposal.target == other
    at_office.order("move", ticket, message_id=repeat.message_id)
    assert at_office.desk.state.tickets[ticket].proposals == at_office.ticket(ticket).proposals == ()
    confirmed = at_office.order("confirm_proposal", ticket, proposal_id=proposal.proposal_id)
    assert refusal(confirmed) == "unknown_proposal"
    same(at_office)


def test_of_an_erased_ticket_the_memory_keeps_no_number() -> None:
    at_office, ticket, wrong = office()
    assert wrong.features.contacts[0] in str(at_office.desk.state.tickets[ticket])
    at_office.order("forget", ticket)
    assert wrong.features.contacts[0] not in str(at_office.desk.state.tickets[ticket])
    same(at_office)


def test_a_log_of_before_still_folds() -> None:
    at_office, ticket, wrong = office()
    at_office.order("move", ticket, message_id=wrong.message_id)
    log = [decode(_without(encode(one), *_LATER), Event) for one in at_office.decisions]
    held = fold(log, POLICY).tickets[ticket]
    assert (held.contacts, matter(held)) == ((), (None, None, None))
    assert list(held.messages) == [FIRST.message_id]


_LATER = ("contacts", "left_requesters", "left_participants", "left_text_keys", "link_version")
"""Fields of features and of `moved` that may be missing in a log."""


def _without(value: bytes, *names: str) -> bytes:
    def bare(one: object) -> object:
        if isinstance(one, dict):
            return {name: bare(field) for name, field in one.items() if name not in names}
        return [bare(item) for item in one] if isinstance(one, list) else one

    return json.encode(bare(json.decode(value)))
