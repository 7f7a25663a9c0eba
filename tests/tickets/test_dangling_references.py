"""An answer that is decided before its original: the original is filed with it, or proposed."""

from itertools import permutations

import msgspec
from msgspec.structs import replace

from schemas.records import Message
from tests.rows import each_row
from tests.tickets.build import CITY, message
from tests.tickets.commands.orders import POLICY, Office, refusal
from tickets.reducers import fold
from tickets.state.state import Snapshot, State

LAMP = "中山路12号门口的路灯坏了三天"
ASKS = "请问我反映的事情办得怎么样了？"
STRANGER = "13900139000"


def original(sender: str = "13800138000") -> Message:
    return message(1, LAMP, sender=sender)


def answer(number: int = 2, sender: str = "13800138000", to: int = 1) -> Message:
    return message(number, ASKS, sender=sender, answers=(f"{CITY}-{to}",))


def same(office: Office) -> None:
    """The log alone gives this state, and so does a checkpoint."""
    state = office.desk.state
    office.desk.flush()
    rebuilt = fold(office.decisions, POLICY)
    rebuilt.bodies = state.bodies
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(state.dump()), type=Snapshot)
    restored = State(POLICY, stored)
    assert rebuilt.dump() == state.dump() == restored.dump()
    assert rebuilt.dangling._by_key == state.dangling._by_key == restored.dangling._by_key


def test_the_original_is_filed_with_the_answer_that_came_before_it() -> None:
    office = Office([answer()])
    came = office.take(original())
    assert (came.relation, came.method) == ("follow_up", "answers_same_person")
    (ticket,) = office.desk.state.tickets
    assert office.ticket(ticket).text == f"{ASKS}\n\n{LAMP}"
    assert office.desk.state.dangling._by_key == {}
    same(office)


@each_row("order", list(permutations((1, 2, 3))), ids=str)
def test_a_thread_in_any_order_is_one_ticket(order: tuple[int, ...]) -> None:
    thread = {
        1: original(),
        2: answer(2),
        3: message(3, "灯还是不亮", answers=(f"{CITY}-2", f"{CITY}-1")),
    }
    office = Office([thread[number] for number in order])
    assert len(office.desk.state.tickets) == 1
    assert office.ticket(office.tickets[0]).message_count == 3
    same(office)


def test_the_original_of_somebody_else_is_only_proposed() -> None:
    office = Office([answer(sender=STRANGER)])
    came = office.take(original())
    assert came.relation == "new"
    first, second = office.desk.state.tickets
    (proposal,) = office.ticket(second).proposals
    assert (proposal.relation, proposal.target) == ("follow_up", first)
    assert office.desk.state.dangling._by_key == {}
    same(office)


def test_of_two_answers_the_persons_own_has_the_original() -> None:
    office = Office([answer(2, STRANGER), answer(3)])
    office.take(original())
    assert [office.ticket(one).message_count for one in office.tickets] == [1, 2]


def test_what_a_clerk_took_out_of_the_ticket_awaits_it_elsewhere() -> None:
    office = Office([message(5, "楼下烧烤摊油烟扰民")])
    (first,) = office.tickets
    other = office.take(replace(answer(), features=replace(answer().features, token=first)))
    assert [one.ticket_id for one in other.tickets] == [first]
    assert refusal(office.order("move", first, message_id=answer().message_id, to=None)) is None
    office.take(original())
    assert [one.message_count for one in map(office.ticket, office.desk.state.tickets)] == [1, 2]
    same(office)


def test_an_erased_answer_awaits_nothing() -> None:
    office = Office([answer()])
    office.order("forget", office.tickets[0])
    assert office.desk.state.dangling._by_key == {}
    assert office.take(original()).relation == "new"
    same(office)


def test_a_ticket_that_left_the_memory_awaits_nothing() -> None:
    office = Office([answer()])
    office.order("set_status", office.tickets[0], status="not_accepted", reason_code="malicious")
    late = replace(message(9, "另一件事", minutes=60 * 24 * 200))
    office.take(late)
    assert office.desk.state.dangling._by_key == {}
    same(office)
