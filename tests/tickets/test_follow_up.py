"""A reply finds its ticket by a signed token or an official number, for its owner only; anybody else proposes."""

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.parse import ticket_tokens
from schemas import ids
from schemas.records import Message, event
from tests.rows import each_row
from tests.tickets.commands.orders import Office
from tests.tickets.pieces import parts_of
from tests.tickets.said import decided, said, take, ticket_of
from tickets.policy import TicketPolicy, near_policy
from tickets.processor import Desk
from tickets.records_out import link_of

OWNER, STRANGER = "13900000001", "13900000002"
FIRST = said(1, "中山路十二号的路灯坏了", sender=OWNER)
TICKET = f"210100-{FIRST.message_id[:20]}"
TOKEN = ticket_tokens.make(TICKET, Policy())


def answer(text: str, sender: str) -> tuple[Desk, Message, str, str | None]:
    """Return relation and method of a message that comes after the first."""
    desk, _ = decided([FIRST])
    message = said(2, "", text, sender=sender)
    (decision,) = take(desk, [message])
    return desk, message, decision.relation, decision.method


def test_the_owner_s_token_leads_to_the_ticket() -> None:
    desk, _, relation, method = answer(f"还没有修 {TOKEN}", OWNER)
    assert (relation, method) == ("follow_up", "token_same_person")
    assert desk.ticket(TICKET).message_count == 2


def evidence_of(title: str, text: str) -> tuple[str, ...]:
    """Return the evidence for an answer of the owner's."""
    desk, _ = decided([FIRST])
    (decision,) = take(desk, [said(2, title, text, sender=OWNER)])
    assert (decision.relation, decision.tickets[0].ticket_id) == ("follow_up", TICKET)
    link = link_of(decision)
    assert link is not None
    assert link.evidence == decision.evidence
    return decision.evidence


def test_another_matter_in_an_old_thread_is_filed_there_and_said_so() -> None:
    assert "topic_changed" in evidence_of("建设街的垃圾桶满了", f"垃圾桶三天没人清理 {TOKEN}")


@each_row(
    ("title", "text"),
    [
        ("", "还没有修"),
        ("", "什么时候能来人？谢谢"),
        ("回复：中山路十二号的路灯坏了", "还是没有人来"),
        ("中山路的事", "垃圾桶也满了"),
        ("补充", "路灯旁边的垃圾桶也坏了"),
    ],
)
def test_an_answer_about_the_same_matter_is_no_change_of_topic(title: str, text: str) -> None:
    assert "topic_changed" not in evidence_of(title, f"{text} {TOKEN}")


def test_a_stranger_with_a_token_gets_a_ticket_and_a_proposal() -> None:
    desk, message, relation, _ = answer(f"我也要反映 {TOKEN}", STRANGER)
    assert relation == "new"
    ticket = desk.ticket(f"210100-{message.message_id[:20]}")
    assert [(one.relation, one.target) for one in ticket.proposals] == [("follow_up", TICKET)]
    assert desk.ticket(TICKET).message_count == 1


def test_a_forged_token_only_proposes_even_for_the_owner() -> None:
    forged = TOKEN[:-1] + ("b" if TOKEN[-1] == "a" else "a")
    desk, message, relation, _ = answer(f"另外一件事 {forged}", OWNER)
    assert relation == "new"
    (proposal,) = desk.ticket(f"210100-{message.message_id[:20]}").proposals
    assert (proposal.target, proposal.score) == (TICKET, 0.2)


def test_a_city_says_how_sure_proposals_of_strangers_are() -> None:
    own = TicketPolicy(near=replace(near_policy(), stranger_score=0.44, claim_score=0.11))
    forged = TOKEN[:-1] + ("b" if TOKEN[-1] == "a" else "a")
    for text, score in ((f"我也要反映 {TOKEN}", 0.44), (f"另外一件事 {forged}", 0.11)):
        desk, _ = decided([FIRST], own)
        (decision,) = take(desk, [said(2, "", text, sender=STRANGER)])
        assert [one.score for one in ticket_of(desk, decision).proposals] == [score]


def test_a_token_of_another_city_leads_nowhere() -> None:
    desk, _ = decided([FIRST])
    (decision,) = take(desk, [said(2, "", f"你好 {TOKEN}", sender=OWNER, jurisdiction="110000")])
    assert decision.relation == "new"
    assert ticket_of(desk, decision).proposals == ()


def test_an_official_number_counts_only_from_its_owner() -> None:
    number = decided([FIRST])[0].ticket(TICKET).ticket_no
    assert answer(f"工单{number}怎么样了", OWNER)[2:] == ("follow_up", "number_of_owner")
    desk, message, relation, _ = answer(f"工单{number}怎么样了", STRANGER)
    assert relation == "new"
    assert [one.target for one in desk.ticket(f"210100-{message.message_id[:20]}").proposals] == [TICKET]


LIFT, MARKET = "柳荫公寓的电梯总是坏，物业不修", "城南早市的摊贩占道经营，车都过不去"


def of_two(text: str, *, channel: str = "record") -> tuple[list[str], str, list[str]]:
    """Return two tickets of one person, where their answer that names both is filed, and what it proposes."""
    desk, opened = decided([said(n, "", words, sender=OWNER) for n, words in enumerate((LIFT, MARKET), 1)])
    tickets = [ticket_of(desk, one) for one in opened]
    answer = said(3, "", text.format(*(one.ticket_no for one in tickets)), sender=OWNER)
    (decision,) = take(desk, [replace(answer, source=ids.source_of(channel, "city"))])
    proposed = [change.target for change in decision.changes if isinstance(change, event.Proposed)]
    return [one.ticket_id for one in tickets], decision.tickets[0].ticket_id, proposed


def test_who_names_two_of_their_tickets_is_heard_in_the_first_and_the_other_is_proposed() -> None:
    tickets, filed, proposed = of_two("{}和{}两件事都没有解决")
    assert (filed, proposed) == (tickets[0], [tickets[1]])


def test_so_it_is_when_a_token_says_where_it_is_filed() -> None:
    token = ticket_tokens.make(f"210100-{said(1, '', LIFT, sender=OWNER).message_id[:20]}", Policy())
    tickets, filed, proposed = of_two(f"还没有修 {token}，{{1}}也没有解决")
    assert (filed, proposed) == (tickets[0], [tickets[1]])


def test_so_it_is_with_two_tokens() -> None:
    one, two = (
        ticket_tokens.make(f"210100-{said(n, '', text, sender=OWNER).message_id[:20]}", Policy())
        for n, text in enumerate((LIFT, MARKET), 1)
    )
    tickets, filed, proposed = of_two(f"{two}和{one}两件事都没有解决")
    assert (filed, proposed) == (tickets[1], [tickets[0]])


@pytest.mark.parametrize("text", ["邻居的{theirs}，我的{own}没有解决", "我的{own}没有解决，邻居的{theirs}"])
def test_who_sends_a_neighbour_s_token_with_their_own_is_heard_in_their_own_ticket_alone(text: str) -> None:
    desk, opened = decided([said(1, "", LIFT, sender=STRANGER), said(2, "", MARKET, sender=OWNER)])
    theirs, own = (ticket_tokens.make(ticket_of(desk, one).ticket_id, Policy()) for one in opened)
    (decision,) = take(desk, [said(3, "", text.format(theirs=theirs, own=own), sender=OWNER)])
    assert (decision.relation, decision.tickets[0].ticket_id) == ("follow_up", own.split(".")[0])
    assert not [change for change in decision.changes if isinstance(change, event.Proposed)]


def test_of_a_form_that_proves_nobody_both_are_proposed() -> None:
    tickets, filed, proposed = of_two("{}和{}两件事都没有解决", channel="web")
    assert filed not in tickets
    assert proposed == tickets


def test_a_stranger_s_ticket_that_is_named_beside_one_s_own_is_not_proposed() -> None:
    desk, opened = decided([said(1, "", LIFT, sender=STRANGER), said(2, "", MARKET, sender=OWNER)])
    theirs, own = (ticket_of(desk, one) for one in opened)
    (decision,) = take(desk, [said(3, "", f"{own.ticket_no}没有解决，邻居的{theirs.ticket_no}倒办了", sender=OWNER)])
    assert decision.tickets[0].ticket_id == own.ticket_id
    assert not [change for change in decision.changes if isinstance(change, event.Proposed)]


def test_a_long_sms_that_names_two_is_related_to_the_first_and_the_other_is_proposed() -> None:
    office = Office([said(n, "", words, sender="13800138000") for n, words in enumerate((LIFT, MARKET), 1)])
    one, other = map(office.ticket, office.tickets)
    said_in_parts = parts_of(f"{one.ticket_no}和{other.ticket_no}两件事都没有解决，已经拖了好几个月，请尽快处理", 80)
    *_, last = (office.take(part) for part in said_in_parts)
    assert [change.other_id for change in last.changes if isinstance(change, event.EdgeAdded)] == [one.ticket_id]
    assert [change.target for change in last.changes if isinstance(change, event.Proposed)] == [other.ticket_id]
