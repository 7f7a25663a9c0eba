"""Parts of a long SMS: joined as bytes in the ticket of the first, decided afresh when complete."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from msgspec.structs import replace

from normalizers.assembly import GAP
from normalizers.base import Policy
from schemas import topics
from schemas.codec import Position, decode
from schemas.records import Handover, Message, Ticket
from tests.rows import each_row
from tests.tickets.build import message
from tests.tickets.pieces import FIRE, TEXT, parts_of
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import State


class Assigned:
    """A desk and the input it has read, which it looks back into."""

    def __init__(self, state: State | None = None) -> None:
        self.desk = Desk(state or State(TicketPolicy()))
        self.input: list[Message] = []

    def take(self, messages: Sequence[Message]) -> list[str]:
        """Return the method of each decision."""
        return [self._take(message) for message in messages]

    def _take(self, message: Message) -> str:
        earlier = [self.input[offset] for offset in self.desk.looks_back(message)]
        decision = self.desk.take(message, Position(topics.MESSAGE, 0, len(self.input)), earlier)
        self.input.append(message)
        assert decision is not None
        self.last = decision
        return decision.method or ""

    @property
    def tickets(self) -> list[Ticket]:
        return [self.desk.ticket(ticket_id) for ticket_id in self.desk.state.tickets]


@each_row("order", list(permutations(range(3))), ids=str)
def test_parts_in_any_order_become_one_ticket_with_the_whole_text(order: tuple[int, ...]) -> None:
    parts, assigned = parts_of(TEXT, 33), Assigned()  # an odd size: characters lie across two parts
    assert len(parts) == 3
    assert assigned.take([parts[number] for number in order]) == ["first_part", "next_part", "last_part"]
    (ticket,) = assigned.tickets
    assert ticket.text == TEXT
    assert ticket.labels == ()
    assert ticket.message_count == 3


def test_an_incomplete_ticket_is_marked_and_shows_what_is_there() -> None:
    parts, assigned = parts_of(TEXT, 34), Assigned()
    assigned.take([parts[0], parts[2]])
    (ticket,) = assigned.tickets
    assert ticket.labels == ("incomplete",)
    assert ticket.text == TEXT[:17] + GAP + TEXT[34:]


def test_an_incomplete_ticket_joins_no_cluster_and_a_complete_one_does() -> None:
    assigned = Assigned()
    assigned.take(parts_of(TEXT, 60))
    others = parts_of(TEXT, 60, sender="13900139000", reference=9, minutes=5)
    assigned.take(others[:-1])
    first, second = assigned.tickets
    assert second.cluster_id == second.ticket_id
    assigned.take(others[-1:])
    second = assigned.tickets[1]
    assert second.cluster_id == first.ticket_id
    assert [edge.ticket_id for edge in second.edges] == [first.ticket_id]


def test_nobody_is_joined_to_an_incomplete_ticket() -> None:
    assigned = Assigned()
    assigned.take(parts_of(TEXT, 60)[:1])
    assert assigned.take([*parts_of(TEXT, 60, sender="13900139000", reference=9)])[-1] == "last_part"
    assert [ticket.cluster_id for ticket in assigned.tickets] == [ticket.ticket_id for ticket in assigned.tickets]


def test_a_part_that_comes_twice_changes_no_text() -> None:
    parts, assigned = parts_of(TEXT, 60), Assigned()
    again = replace(parts[0], message_id="again" + parts[0].message_id[5:])
    assert assigned.take([*parts, again])[-1] == "repeated_part"
    (ticket,) = assigned.tickets
    assert ticket.text == TEXT


def test_parts_find_each_other_while_the_key_of_the_hashes_changes() -> None:
    old = Policy(requester_keys={"k1": bytes(16)})
    both = Policy(requester_keys={"k2": bytes(range(16)), "k1": bytes(16)})
    before, after = (parts_of(TEXT, 33, policy=policy) for policy in (old, both))
    assigned = Assigned()
    assert assigned.take([before[0], after[1], after[2]]) == ["first_part", "next_part", "last_part"]
    assert [ticket.text for ticket in assigned.tickets] == [TEXT]
    assert len(assigned.desk.state.parts) == 1


@pytest.mark.parametrize("come", [1, 2])
def test_what_another_message_said_meanwhile_stays_when_the_rest_comes(come: int) -> None:
    parts, assigned = parts_of(TEXT, 33), Assigned()
    assigned.take(parts[:come])
    (held,) = assigned.desk.state.tickets.values()
    answer = message(50, "是实验小学东门外的那一盏")
    features = replace(answer.features, token=held.ticket_id, requesters=held.requesters)
    assert assigned.take([replace(answer, features=features)]) == ["token_same_person"]
    assigned.take(parts[come:])
    (ticket,) = assigned.tickets
    assert ticket.text == f"{TEXT}\n\n{answer.text}"
    assert ticket.search_text.endswith(answer.search_text)
    assert ticket.title == TEXT[:100]


def test_the_same_reference_with_other_words_or_a_day_later_is_another_message() -> None:
    assigned = Assigned()
    assigned.take(parts_of(TEXT, 60))
    assigned.take(parts_of(TEXT[::-1], 60, minutes=30))
    assigned.take(parts_of(TEXT[::-1], 60, minutes=30 + 24 * 60 + 1))
    assert len({ticket.ticket_id for ticket in assigned.tickets}) == 3


def test_a_gap_that_is_filled_late_is_filled_by_another_message_which_loses_no_part() -> None:
    """Its first part was lost for ever, and the telephone uses the reference again some hours later."""
    assigned, other = Assigned(), TEXT[::-1]
    torn = parts_of(TEXT, 34)
    assigned.take(torn[1:])
    assert assigned.take(parts_of(other, 34, minutes=150)) == ["first_part", "next_part", "last_part"]
    first, second = assigned.tickets
    assert first.text == GAP + TEXT[17:]
    assert first.labels == ("incomplete",)
    assert (second.text, second.labels) == (other, ())
    assert second.related == (first.ticket_id,), "a clerk sees what it may have been the end of"


@pytest.mark.parametrize(("reference", "minutes"), [(7, 29), (4711, 60 * 23)])
def test_a_gap_is_filled_as_long_as_no_telephone_uses_the_reference_again(reference: int, minutes: int) -> None:
    assigned = Assigned()
    assigned.take(parts_of(TEXT, 34, reference=reference)[1:])
    assert assigned.take(parts_of(TEXT, 34, reference=reference, minutes=minutes)[:1]) == ["last_part"]
    assert assigned.tickets[0].text == TEXT


def test_the_rest_of_a_message_that_comes_late_is_one_text_beside_what_came_in_time() -> None:
    parts, assigned = parts_of(TEXT, 34), Assigned()
    assigned.take(parts[:1])
    assigned.take(parts_of(TEXT, 34, minutes=45)[1:])
    first, second = assigned.tickets
    assert (first.text, second.text) == (TEXT[:17], GAP + TEXT[17:])
    assert assigned.take(parts_of(TEXT, 34, minutes=50)[:1]) == ["last_part"], "sent again, it is whole"
    assert assigned.tickets[1].text == TEXT


def test_a_part_that_comes_again_after_hours_is_known() -> None:
    assigned = Assigned()
    assigned.take(parts_of(TEXT, 34))
    assert assigned.take(parts_of(TEXT, 34, minutes=60 * 20)) == ["repeated_part"] * 3


def test_an_emergency_that_no_part_tells_alone_is_handed_over_with_the_last() -> None:
    cut = FIRE.index("着") * 2 + 2
    parts, assigned = parts_of(FIRE, cut), Assigned()
    assert all(part.emergency is None for part in parts)
    assigned.take(parts)
    handed = [decode(out.value, Handover) for out in assigned.desk.flush() if out.topic == topics.HANDOVER]
    assert FIRE in handed[-1].text
    assert "fire" in handed[-1].classes
    assert assigned.tickets[0].emergency is not None


def test_the_log_alone_and_a_checkpoint_know_the_parts_that_came() -> None:
    parts, assigned = parts_of(TEXT, 33), Assigned()
    events = []
    for part in parts[:2]:
        assigned.take([part])
        events.append(assigned.last)
    folded = fold(events, TicketPolicy())
    assigned.desk.flush()
    restored = State(TicketPolicy(), assigned.desk.state.dump())
    assert folded.parts.dump() == restored.parts.dump() == assigned.desk.state.parts.dump()
    successor = Assigned(restored)
    successor.input = [*parts[:2]]
    assert successor.take(parts[2:]) == ["last_part"]
    assert successor.tickets[0].text == TEXT


def test_a_part_whose_neighbours_left_the_input_still_adds_its_words() -> None:
    parts, assigned = parts_of(TEXT, 34), Assigned()
    assigned.take(parts[:1])
    assigned.desk.take(parts[1], Position(topics.MESSAGE, 0, 1), ())
    (ticket,) = assigned.tickets
    assert TEXT[:17] in ticket.text
    assert TEXT[17:34] in ticket.text


def test_what_stands_at_a_parts_place_in_an_input_that_was_made_anew_is_not_told() -> None:
    parts, assigned = parts_of(TEXT, 34), Assigned()
    assigned.take(parts[:1])
    stranger = replace(parts[0], message_id="210100-stranger", text="别人的话", search_text="别人的话")
    assert assigned.desk.looks_back(parts[1]) == [0]
    assigned.desk.take(parts[1], Position(topics.MESSAGE, 0, 1), [stranger])
    (ticket,) = assigned.tickets
    assert "别人" not in ticket.text
    assert TEXT[:17] in ticket.text
    assert TEXT[17:34] in ticket.text
