"""A message filed in the wrong ticket goes where it belongs, and nothing of it stays behind."""

from schemas import ids
from schemas.codec import decode, encode
from schemas.records import Link, Message, event
from tests.tickets.build import CITY, digest, message
from tests.tickets.commands.orders import Office, refusal, same

FIRST = message(0, "中山路12号的路灯坏了")
WRONG = message(1, "我家的水管爆了，电话13900139000", cc=("13900139000",), answers=(f"{CITY}-0",))
LATER = message(2, "路灯还是没修", answers=(f"{CITY}-0",))


def office(*more: Message) -> tuple[Office, str]:
    made = Office()
    for one in (FIRST, WRONG, LATER, *more):
        made.take(one)
    made.desk.flush()
    return made, made.decisions[0].tickets[0].ticket_id


def test_an_undone_filing_gets_the_ticket_that_the_message_would_have_had() -> None:
    at_office, ticket = office()
    undone = at_office.order("unmerge", ticket, message_id=WRONG.message_id)
    own = ids.ticket_id(CITY, WRONG.message_id)
    assert [(one.ticket_id, one.version) for one in undone.tickets] == [(own, 1), (ticket, 4)]
    former, new = at_office.ticket(ticket), at_office.ticket(own)
    assert (new.text, new.message_count, new.status) == (WRONG.text, 1, "received")
    assert ids.valid_ticket_no(new.ticket_no)
    assert new.ticket_no != former.ticket_no
    assert former.text == f"{FIRST.text}\n\n{LATER.text}"
    assert former.message_count == 2
    assert former.lineage.message_ids == (FIRST.message_id, LATER.message_id)
    assert "13900139000" not in encode(former).decode()
    assert (WRONG.message_id, ticket) in at_office.desk.state.separations
    clocks = at_office.desk.state.tickets[own].clocks
    assert {clock.started_at for clock in clocks.values()} == {WRONG.received_at}  # not the day of the clerk's word
    same(at_office)


def test_the_ticket_is_as_if_the_message_had_never_come() -> None:
    at_office, ticket = office()
    at_office.order("move", ticket, message_id=WRONG.message_id)
    without = Office([FIRST])
    without.take(LATER)
    former, never = at_office.desk.state.tickets[ticket], without.desk.state.tickets[ticket]
    assert (former.requesters, former.participants, former.text_keys) == (
        never.requesters,
        never.participants,
        never.text_keys,
    )
    said = at_office.desk.state.saying(CITY, WRONG.features.text_key or "", frozenset(WRONG.features.requesters))
    assert [one.ticket_id for one in said] == [ids.ticket_id(CITY, WRONG.message_id)]


def test_answers_follow_the_message_to_its_new_ticket() -> None:
    at_office, ticket = office()
    at_office.order("move", ticket, message_id=WRONG.message_id)
    answer = at_office.take(message(5, "水管修好了，谢谢", answers=(f"{CITY}-1",)))
    assert answer.relation == "follow_up"
    assert answer.tickets[0].ticket_id == ids.ticket_id(CITY, WRONG.message_id)


def test_a_message_may_go_to_a_ticket_that_is_there_and_reopens_it() -> None:
    at_office, ticket = office()
    other = at_office.take(message(9, "水管一直漏水", sender="13700137000")).tickets[0].ticket_id
    at_office.order("set_status", other, status="not_accepted", reason_code="malicious")
    moved = at_office.order("move", ticket, message_id=WRONG.message_id, to=other)
    link = next(
        decode(one.value, Link)
        for one in at_office.desk.flush()
        if one.topic == "hotline.link.v1" and one.key == WRONG.message_id.encode()
    )
    assert (link.ticket_id, link.version, link.decided_by, link.relation) == (other, 2, "clerk-7", "moved")
    assert refusal(moved) is None
    found = at_office.ticket(other)
    assert (found.status, found.message_count) == ("reopened", 2)
    assert WRONG.text in found.text
    assert WRONG.text not in at_office.ticket(ticket).text
    assert digest("13800138000") in "".join(at_office.desk.state.tickets[other].requesters)
    same(at_office)


def test_it_may_come_back() -> None:
    at_office, ticket = office()
    other = at_office.take(message(9, "水管一直漏水", sender="13700137000")).tickets[0].ticket_id
    at_office.order("move", ticket, message_id=WRONG.message_id, to=other)
    at_office.order("move", other, message_id=WRONG.message_id, to=ticket)
    assert (WRONG.message_id, ticket) not in at_office.desk.state.separations
    assert at_office.ticket(ticket).message_count == 3
    assert WRONG.text not in at_office.ticket(other).text
    assert at_office.desk.state.tickets[ticket].messages[WRONG.message_id].link_version == 3
    same(at_office)


def test_moves_that_cannot_be_are_refused() -> None:
    at_office, ticket = office()
    assert refusal(at_office.order("move", ticket, message_id=FIRST.message_id)) == "first_message"
    assert refusal(at_office.order("move", ticket, message_id="a" * 26)) == "not_filed"
    assert refusal(at_office.order("move", ticket, message_id=WRONG.message_id, to=ticket)) == "self_move"
    gone = at_office.input[2]
    at_office.input[2] = at_office.input[-1]  # the input topic does not have it any more
    assert refusal(at_office.order("move", ticket, message_id=WRONG.message_id)) == "gone"
    at_office.input[2] = gone
    assert at_office.ticket(ticket).version == 3


def test_what_a_clerk_said_of_the_ticket_stays_when_a_message_leaves() -> None:
    at_office, ticket = office()
    at_office.order("reclassify", ticket, kind="complaint", category="照明")
    at_office.order("set_status", ticket, status="registered")
    at_office.order("move", ticket, message_id=WRONG.message_id)
    former = at_office.ticket(ticket)
    assert (former.request_kind, former.status) == ("complaint", "registered")
    assert former.category is not None
    assert former.category.code == "照明"


def test_the_event_of_a_move_holds_no_words() -> None:
    at_office, ticket = office()
    moved = at_office.order("move", ticket, message_id=WRONG.message_id, reason="李小龙的水管")
    assert isinstance(moved.changes[1], event.Moved)
    assert not any(word in encode(moved).decode() for word in ("水管", "13900139000", "李小龙"))
