"""Tickets that are packed are the tickets that they were."""

import pytest

from schemas.codec import Outbound
from tests.tickets.build import CITY, START, digest, message, position
from tickets.model.ticket_state import TicketState
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state import store, text_index
from tickets.state.state import State
from tickets.state.store import LiveTickets

WORDS = ("中山路12号门口的路灯坏了三天", "人民路小区停水两天没人管", "和平广场夜里施工噪音扰民")


def ticket(number: int) -> TicketState:
    return TicketState(
        ticket_id=f"t{number}",
        ticket_no=f"n{number}",
        jurisdiction=CITY,
        order=number,
        opened_at=START,
        status_at=START,
        requesters=("k:a", f"k:{number}"),
        text_keys=(digest(str(number)),),
    )


def filled(count: int = 3) -> LiveTickets:
    made = LiveTickets()
    for number in range(count):
        made[f"t{number}"] = ticket(number)
    return made


def test_what_was_changed_stays_changed() -> None:
    kept = filled()
    kept.tidy(0)
    kept["t1"].status, kept["t1"].closed_at = "closed", START
    kept.tidy(0)
    assert kept["t1"] is kept["t1"]
    assert (kept["t1"].status, kept["t1"].closed_at, kept["t0"].status) == ("closed", START, "received")


def test_tickets_stay_in_the_order_they_were_opened() -> None:
    kept = filled()
    kept.tidy(0)
    kept["t2"].version = 5
    kept["t9"] = ticket(9)
    kept["t0"].version = 3
    kept.tidy(0)
    del kept["t1"]
    assert list(kept) == ["t0", "t2", "t9"]
    assert [one.version for one in kept.values()] == [3, 5, 0]
    assert (len(kept), "t1" in kept, kept.get("t1")) == (3, False, None)


def test_a_few_stay_open_until_there_are_many() -> None:
    kept = filled(store.MOST_OPEN)
    first = kept["t0"]
    kept.tidy()
    assert kept["t0"] is first
    kept["more"] = ticket(store.MOST_OPEN)
    kept.tidy()
    assert kept["t0"] is not first
    assert kept["t0"] == first


def test_what_a_ticket_is_found_by_is_read_without_the_rest() -> None:
    kept = LiveTickets(filled().dump())
    for found, whole in zip(kept.findable(), kept.values(), strict=True):
        assert {name: getattr(found, name) for name in found.__struct_fields__} == {
            name: getattr(whole, name) for name in found.__struct_fields__
        }
    assert [one.requesters for one in kept.findable()] == [("k:a", f"k:{number}") for number in range(3)]


def decided(tidy: bool) -> tuple[list[Outbound], State]:
    """What a desk writes about forty messages of five people about three matters, each said more than once."""
    desk, written = Desk(State(TicketPolicy())), []
    for number in range(40):
        answers = (f"{CITY}-{number - 7}",) if number % 4 == 3 else ()
        one = message(number, WORDS[number % 3], sender=str(number % 5), answers=answers)
        desk.take(one, position(number))
        written += desk.flush()
        if tidy:
            desk.state.tickets.tidy(0)
    return written, desk.state


def test_a_desk_decides_the_same_whenever_its_tickets_are_packed() -> None:
    (open_, held), (packed, kept) = decided(tidy=False), decided(tidy=True)
    assert len({one.key for one in open_}) > 3
    assert packed == open_
    assert kept.dump() == held.dump()
    again = State(TicketPolicy(), kept.dump())
    assert again.dump() == held.dump()
    assert again.tickets._by_number == held.tickets._by_number
    assert again.tickets._by_order == held.tickets._by_order


def test_who_says_what_many_said_is_asked_about_their_own_tickets_alone() -> None:
    desk = Desk(State(TicketPolicy()))
    for number in range(50):
        one = message(number, WORDS[0], sender=str(number))
        desk.take(one, position(number))
    said = desk.state.saying(CITY, digest(WORDS[0]), frozenset({f"k:{digest('7')}", f"k:{digest('9')}", "k:nobody"}))
    assert [one.order for one in said] == [7, 9]
    assert desk.state.saying("330100", digest(WORDS[0]), frozenset({f"k:{digest('7')}"})) == []
    assert desk.state.saying(CITY, digest(WORDS[1]), frozenset({f"k:{digest('7')}"})) == []


def test_digests_that_fall_together_join_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_index, "xxh3_64_intdigest", lambda _: 1)
    desk = Desk(State(TicketPolicy()))
    for number in range(6):
        one = message(number, WORDS[number % 2], sender=str(number))
        desk.take(one, position(number))
    said = desk.state.saying(CITY, digest(WORDS[1]), frozenset({f"k:{digest('3')}", f"k:{digest('4')}"}))
    assert [one.requesters for one in said] == [(f"k:{digest('3')}",)]


def test_what_is_not_there_is_the_default_and_what_is_packed_is_unpacked() -> None:
    shelf = LiveTickets()
    shelf["a"] = ticket(1)
    for _ in range(2):
        found = shelf.get("a")
        assert found is shelf["a"]
        assert shelf.get("b") is None
        assert shelf.get("b", "other") == "other"
        shelf.tidy(0)
    del shelf["a"]
    assert shelf.get("a") is None
