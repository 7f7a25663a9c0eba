"""Who takes part in a ticket may answer it, and owns it no more than before: neither its name nor what comes later."""

import pytest
from msgspec.structs import replace

from schemas.records import Message, Party
from tests.tickets.build import CITY, digest, message
from tests.tickets.commands.orders import Office, same
from tickets.state import part

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
    (number,) = at_office.desk.state.by_number
    own = at_office.take(message(3, ASKED, sender=OTHER))
    assert own.tickets[0].ticket_id != ticket
    quoting = message(4, "这个工单怎么样了", sender=OTHER)
    told = at_office.take(replace(quoting, features=replace(quoting.features, ticket_nos=(number,))))
    assert told.relation == "new"
    assert [one.target for one in at_office.ticket(told.tickets[0].ticket_id).proposals] == [ticket]


def test_they_may_answer_again_also_when_the_ticket_has_left() -> None:
    at_office, ticket = office(answer(3, "已经修好"))
    state = at_office.desk.state
    state._forget(state.tickets[ticket])
    assert all(part(ticket, f"k:{digest(person)}") in state.left for person in (OWNER, OTHER))


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
