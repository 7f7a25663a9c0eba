"""Who takes part in a ticket may answer it, and owns it no more than before: neither its name nor what comes later."""

from email.message import EmailMessage

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Event, Message, Party, raw_message
from tests.tickets.build import CITY, START, digest, message
from tests.tickets.commands.orders import Office, same

OWNER, OTHER = "13800138000", "13900139000"
ASKED = "中山路12号门口的路灯坏了三天"
REPLY = "我是物业，已经报修"


def answer(number: int = 2, text: str = REPLY) -> Message:
    """Return an answer to the first message by who takes part in it, who has a name and an address."""
    made = message(number, text, sender=OTHER, answers=(f"{CITY}-1",))
    return replace(made, sender=Party(kind="email", value="wuye@example.cn", name="物业李经理"))


def office(*more: Message) -> tuple[Office, str]:
    made = Office([message(1, ASKED, sender=OWNER, cc=(OTHER,))])
    for one in (answer(), *more):
        assert made.take(one).method == "references_participant"
    return made, made.tickets[0]


def test_an_answer_lends_the_ticket_no_name_and_no_address() -> None:
    at_office, ticket = office()
    asks = at_office.ticket(ticket).requester
    assert (asks.phone, asks.name, asks.email) == (OWNER, None, None)
    assert [one.value for one in asks.identities] == [OWNER, "wuye@example.cn"]  # masks look for every one of them
    assert REPLY in at_office.ticket(ticket).text


def test_what_they_ask_later_is_their_own() -> None:
    at_office, ticket = office()
    (number,) = at_office.desk.state.tickets._by_number
    own = at_office.take(message(3, ASKED, sender=OTHER))
    assert own.tickets[0].ticket_id != ticket
    quoting = message(4, "这个工单怎么样了", sender=OTHER)
    told = at_office.take(replace(quoting, features=replace(quoting.features, ticket_nos=(number,))))
    assert told.relation == "new"
    assert [one.target for one in at_office.ticket(told.tickets[0].ticket_id).proposals] == [ticket]


def test_they_may_answer_again_also_when_the_ticket_has_left() -> None:
    at_office, ticket = office(answer(3, "已经修好"))
    state = at_office.desk.state
    state._evict(state.tickets[ticket])
    assert all(state.participants.has(ticket, f"k:{digest(person)}") for person in (OWNER, OTHER))


@pytest.mark.parametrize("to", [True, False], ids=["to a ticket", "to its own"])
def test_it_stays_so_when_another_message_leaves_the_ticket(to: bool) -> None:
    at_office, ticket = office()
    wrong = at_office.take(message(5, "我家水管爆了", sender=OWNER, answers=(f"{CITY}-1",))).input.message_id
    other = at_office.take(message(6, "水管一直漏水", sender="13700137000")).tickets[0].ticket_id
    at_office.order("move", ticket, message_id=wrong, **({"to": other} if to else {}))
    held, asks = at_office.desk.state.tickets[ticket], at_office.ticket(ticket).requester
    assert (held.requesters, held.participants) == ((f"k:{digest(OWNER)}",), (f"k:{digest(OTHER)}",))
    assert (asks.phone, asks.name, asks.email) == (OWNER, None, None)
    same(at_office)


LIFT = "柳荫公寓的电梯总是坏，物业不修"


def mail(number: int, text: str, sender: str, *, cc: str = "", answers: tuple[int, ...] = ()) -> Message:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Cc"] = sender, "mayor@12345.example", cc
    letter["Message-ID"] = f"<{number}@mail.example>"
    letter["References"] = " ".join(f"<{one}@mail.example>" for one in answers)
    letter.set_content(text, charset="utf-8")
    raw = raw_message(
        channel="mailbox", channel_kind="imap", account="mayor", jurisdiction=CITY, identifier=str(number),
        value=bytes(letter), content_type="message/rfc822", time=START, recorded=START,
    )  # fmt: skip
    return normalize(raw, Policy()).message


def conversation(text: str) -> tuple[Office, str, Event]:
    """Return the ticket of who wrote of a lift, and what becomes of what a neighbour writes who got a copy."""
    at_office = Office([mail(1, LIFT, "li@mail.example", cc="wang@mail.example")])
    return at_office, at_office.tickets[0], at_office.take(mail(2, text, "wang@mail.example", answers=(1,)))


@pytest.mark.parametrize("text", ["翠屏花园停水三天了，没有人通知", "我要举报物业经理受贿，请替我保密"])
def test_a_matter_of_their_own_has_a_ticket_of_their_own(text: str) -> None:
    at_office, ticket, decision = conversation(text)
    own = at_office.ticket(decision.tickets[0].ticket_id)
    assert own.ticket_id != ticket
    assert own.requester.email == "wang@mail.example"
    assert [(one.relation, one.target) for one in own.proposals] == [("follow_up", ticket)]
    assert at_office.ticket(ticket).message_count == 1
    same(at_office)


@pytest.mark.parametrize("text", ["电梯今天又困了我一次，没有人来修", "还是没有人来", "我也是柳荫公寓的，请尽快处理"])
def test_what_they_say_of_the_matter_is_filed_in_its_ticket(text: str) -> None:
    _, ticket, decision = conversation(text)
    assert (decision.method, decision.tickets[0].ticket_id) == ("references_participant", ticket)


def test_of_a_child_whom_the_ticket_is_about_they_may_tell_in_it() -> None:
    child = "我九岁的孩子在第三小学被老师打了"
    at_office = Office([mail(1, child, "li@mail.example", cc="wang@mail.example")])
    assert any(code.startswith("minor.") for code in at_office.input[0].features.codes)  # type: ignore[union-attr]
    answer = at_office.take(mail(2, "我的孩子昨天在第三小学也被老师打了，今年九岁", "wang@mail.example", answers=(1,)))
    assert answer.tickets[0].ticket_id == at_office.tickets[0]


def test_who_answers_the_other_about_their_own_matter_is_heard_in_their_own_ticket() -> None:
    at_office, ticket, _ = conversation("翠屏花园停水三天了，没有人通知")
    back = at_office.take(mail(3, "柳荫公寓的电梯还是没修", "li@mail.example", cc="wang@mail.example", answers=(1, 2)))
    assert (back.method, back.tickets[0].ticket_id) == ("references_same_person", ticket)
