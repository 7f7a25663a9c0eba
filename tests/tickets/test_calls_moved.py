"""A message leaves the ticket of a call: what the call said once and says no more is no repeat of what is in it."""

import pytest

from schemas.records import Command
from tests.tickets.commands.orders import refusal
from tests.tickets.records_of_calls import CITY, LAMP, START, Calls
from tickets.policy import TicketPolicy
from tickets.reducers import fold

CRASH = "中山路和泰山路口两车相撞，路中间全是碎玻璃"
HEARD = "市民：晚上看不见路"
CALLER = "13800138000"
SHEET = "CC2026112500001"
"""The platform's number of a work sheet that an agent wrote anew."""


def tell(calls: Calls, call_id: str, note: str, number: str = "") -> str:
    """Tell of the caller's call, and return the id of the record."""
    calls.tell(call_id=call_id, revision=1, note=note, caller=CALLER, ticket_no=number)
    return calls.messages[-1].message_id


def move(calls: Calls, message_id: str, to: str | None = None) -> None:
    """Let a clerk file a message elsewhere."""
    ticket = next(calls.state.tickets.having(message_id), None)
    assert ticket is not None
    order = Command(
        command_id=f"move-{len(calls.input)}",
        jurisdiction=CITY,
        ticket_id=ticket.ticket_id,
        kind="move",
        author="clerk/7",
        at=START,
        args={"message_id": message_id, "to": to},
    )
    assert refusal(calls.order(order)) is None


def corrected() -> tuple[Calls, str]:
    """Return a call whose note was corrected, and a later call of the same person that was filed with it."""
    calls = Calls()
    tell(calls, "a", CRASH, SHEET)
    calls.tell(call_id="a", revision=2, note=LAMP, ticket_no=SHEET)
    later = tell(calls, "b", LAMP)
    assert calls.ticket.text.startswith(f"{CRASH}\n\n{LAMP}")
    return calls, later


def test_what_a_call_says_stands_in_its_ticket_when_another_of_the_person_leaves() -> None:
    calls, later = corrected()
    move(calls, later)
    assert [ticket.text for ticket in calls.tickets] == [f"{CRASH}\n\n{LAMP}", LAMP]
    tell(calls, "c", CRASH)
    assert calls.tickets[0].text.startswith(f"{CRASH}\n\n{LAMP}")
    assert fold(calls.events, TicketPolicy()).tickets == calls.state.tickets


def test_what_the_call_says_is_a_repeat_still() -> None:
    calls, _ = corrected()
    calls.tell(call_id="a", revision=3, transcript=HEARD)
    text = calls.ticket.text
    moved = tell(calls, "c", LAMP)
    before, *others = [ticket.text for ticket in calls.tickets if HEARD in ticket.text]
    assert (before.startswith(text), others) == (True, [])
    move(calls, moved)
    assert calls.tickets[0].text.count(HEARD) == 1


@pytest.mark.parametrize(("revision", "told"), [(0, "note"), (2, "transcript")])
def test_a_later_record_follows_the_one_that_moved_and_takes_no_word_of_the_others_along(
    revision: int, told: str
) -> None:
    calls = Calls()
    tell(calls, "a", CRASH)
    calls.tell(call_id="b", revision=1, note=LAMP, caller="13900139000")
    calls.tell(call_id="a", revision=1, caller=CALLER)
    crash, lamp = (ticket.ticket_id for ticket in calls.tickets)
    move(calls, calls.messages[-1].message_id, lamp)
    calls.tell(call_id="a", revision=revision, caller=CALLER, **{told: "楼里停水三天"})
    assert calls.desk.ticket(crash).text == CRASH
    assert calls.desk.ticket(lamp).text.split("\n")[0] == LAMP
    assert calls.desk.ticket(lamp).text.split("\n")[2:] == calls.messages[-1].text.split("\n")


def test_a_record_of_hours_later_says_nothing_of_the_parted_one_again() -> None:
    calls = Calls()
    calls.tell(call_id="a", revision=2, note=CRASH, caller=CALLER)
    calls.tell(call_id="a", revision=1, note=LAMP, caller=CALLER)
    move(calls, calls.messages[-1].message_id)
    calls.tell(8 * 60, call_id="a", revision=1, note="楼里停水三天")
    said = [ticket.text for ticket in calls.tickets]
    assert said == [CRASH, f"{LAMP}\n\n楼里停水三天"]
    assert fold(calls.events, TicketPolicy()).tickets == calls.state.tickets


def test_a_record_of_a_day_that_tells_its_day_follows_the_moved_one_when_the_memory_of_its_call_ended() -> None:
    calls, began = Calls(), "2026-11-25T09:00:00+08:00"
    tell(calls, "a", CRASH)
    calls.tell(call_id="b", revision=1, note=CRASH, caller=CALLER, started_at=began)
    move(calls, calls.messages[-1].message_id)
    calls.tell(60 * 72, call_id="b", revision=2, transcript=HEARD, started_at=began)
    assert HEARD in calls.tickets[1].text
    assert HEARD not in calls.tickets[0].text
