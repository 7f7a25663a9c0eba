"""A false alarm (误报) is taken back by a clerk, message by message; what comes later rings again."""

from typing import Any

import pytest

from schemas.records import Emergency, Message, event
from schemas.records.ticket import HandoverState
from tests.rows import each_row
from tests.tickets.build import message
from tests.tickets.commands.orders import Office, refusal, same

FIRE = ("emergency.fire", "emergency_level.critical")
GAS = ("emergency.utility", "emergency_level.urgent")
MAYBE = ("emergency.medical", "emergency_level.mentioned")
OWNER = "13900000001"


def alarm(number: int, codes: tuple[str, ...] = FIRE, **more: Any) -> Message:
    """A message of one person about one lamp, which is taken for an emergency."""
    classes = tuple(code.partition(".")[2] for code in codes if code.startswith("emergency."))
    emergency = Emergency(classes=classes, level=codes[-1].partition(".")[2]) if codes else None
    return message(number, sender=OWNER, codes=codes, emergency=emergency, **more)


def dismiss(at_office: Office, said: Message, **args: Any) -> str | None:
    order = at_office.order("dismiss_handover", handover_id=said.message_id, **({"reason_code": "misread"} | args))
    same(at_office)
    return refusal(order)


def alarming(at_office: Office) -> tuple[Any, ...]:
    told = at_office.ticket(at_office.tickets[0])
    held = at_office.desk.state.tickets[told.ticket_id]
    return (told.emergency and (told.emergency.classes, told.emergency.level), told.urgency, held.danger)


def test_who_said_so_when_and_why_stands_in_the_record_and_nobody_waits_for_the_desk() -> None:
    burning = alarm(1)
    at_office = Office([burning])
    assert alarming(at_office) == ((("fire",), "critical"), "critical", True)
    assert dismiss(at_office, burning, author="wang.li", reason_code="drill") is None
    decided = at_office.decisions[-1]
    assert (decided.author, decided.method) == ("wang.li", "dismiss_handover")
    assert decided.changes == (
        event.HandoverDismissed(
            ticket_id=at_office.tickets[0], handover_id=burning.message_id, reason_code="drill", classes=(), level=None
        ),
    )
    assert at_office.ticket(at_office.tickets[0]).handovers == (
        HandoverState(
            handover_id=burning.message_id,
            dismissed_at=decided.at,
            dismissed_by="wang.li",
            dismissed_reason="drill",
        ),
    )
    assert alarming(at_office) == (None, "normal", False)
    assert at_office.desk.state.handovers.waiting == {}


def test_an_alarm_of_a_new_message_rings_again() -> None:
    at_office = Office([alarm(1)])
    assert dismiss(at_office, alarm(1)) is None
    again = at_office.take(alarm(2))
    assert [one.ticket_id for one in again.tickets] == at_office.tickets
    assert any(isinstance(change, event.HandedOver) for change in again.changes)
    assert at_office.desk.state.handovers.waiting == {alarm(2).message_id: at_office.tickets[0]}
    assert alarming(at_office) == ((("fire",), "critical"), "critical", True)


def test_what_other_messages_alarm_of_stays() -> None:
    at_office = Office([alarm(1)])
    at_office.take(alarm(2, GAS))
    at_office.take(alarm(3, MAYBE))
    assert alarming(at_office)[0] == (("fire", "utility", "medical"), "critical")
    assert dismiss(at_office, alarm(1)) is None
    assert alarming(at_office) == ((("utility", "medical"), "urgent"), "urgent", True)
    assert dismiss(at_office, alarm(2, GAS)) is None
    assert alarming(at_office) == ((("medical",), "mentioned"), "normal", False)
    assert dismiss(at_office, alarm(3, MAYBE)) is None
    assert alarming(at_office) == (None, "normal", False)


def test_an_acknowledged_hand_over_can_be_a_false_alarm_all_the_same() -> None:
    at_office = Office([alarm(1)])
    at_office.order("acknowledge_handover", handover_id=alarm(1).message_id, author="desk-119")
    assert dismiss(at_office, alarm(1)) is None
    (told,) = at_office.ticket(at_office.tickets[0]).handovers
    assert (told.acknowledged_by, told.dismissed_by) == ("desk-119", "clerk-7")


def test_protections_stay_until_a_clerk_lowers_them() -> None:
    grave = ("emergency.minor_in_danger", "emergency_level.critical")
    at_office = Office([alarm(1, grave)])
    (ticket,) = at_office.tickets
    before = at_office.ticket(ticket)
    assert dismiss(at_office, alarm(1, grave)) is None
    after = at_office.ticket(ticket)
    assert after.minor_protection == before.minor_protection
    assert after.minor_protection.mandatory_report
    assert after.confidentiality == before.confidentiality == "restricted"


def test_each_refusal_has_its_reason() -> None:
    at_office = Office([alarm(1), message(5, "路灯坏了", sender="13900000005")])
    calm = message(5, "路灯坏了", sender="13900000005")
    assert dismiss(at_office, calm) == "no_alarm"
    assert dismiss(at_office, alarm(9)) == "not_filed"
    assert dismiss(at_office, alarm(1), reason_code="because") == "arguments"
    assert refusal(at_office.order("dismiss_handover", handover_id=alarm(1).message_id)) == "arguments"
    assert refusal(at_office.order("dismiss_handover", at_office.tickets[0], reason_code="misread")) == "arguments"
    assert dismiss(at_office, alarm(1), city="310000") == "jurisdiction"
    assert dismiss(at_office, alarm(1), if_version=7) == "stale"
    assert dismiss(at_office, alarm(1)) is None
    assert dismiss(at_office, alarm(1)) == "dismissed"
    assert refusal(at_office.order("acknowledge_handover", handover_id=alarm(1).message_id)) == "acknowledged"


def test_a_message_that_is_moved_takes_the_clerks_word_along() -> None:
    at_office = Office([message(0, sender=OWNER)])
    at_office.take(alarm(1))
    (ticket,) = at_office.tickets
    assert dismiss(at_office, alarm(1)) is None
    moved = at_office.order("move", ticket, message_id=alarm(1).message_id)
    same(at_office)
    opened = next(one.ticket_id for one in moved.tickets if one.ticket_id != ticket)
    for one in (ticket, opened):
        told = at_office.ticket(one)
        assert (told.emergency, told.urgency, at_office.desk.state.tickets[one].danger) == (None, "normal", False)
    assert at_office.ticket(opened).handovers[0].dismissed_by == "clerk-7"
    assert dismiss(at_office, alarm(1)) == "dismissed"


@pytest.mark.parametrize("is_moved", [False, True])
def test_the_time_that_a_danger_took_away_is_given_back(is_moved: bool) -> None:
    """In Beijing a danger leaves two hours, everything else seven days. One that is another's matter goes with it."""
    first, later = message(0, sender=OWNER, jurisdiction="110000"), alarm(3000, jurisdiction="110000")
    at_office = Office([first])
    (ticket,) = at_office.tickets

    def resolve() -> tuple[str, Any]:
        return next((one.policy_id, one.due_at) for one in at_office.ticket(ticket).deadlines if one.clock == "resolve")

    usual = resolve()
    assert usual[0] == "beijing.resolve"
    at_office.take(later)
    assert resolve()[0] == "beijing.resolve.danger"
    if is_moved:
        order = at_office.order("move", ticket, message_id=later.message_id, city="110000")
        (own,) = (
            one.policy_id for one in at_office.ticket(order.tickets[0].ticket_id).deadlines if one.clock == "resolve"
        )
        assert own == "beijing.resolve.danger"
    else:
        order = at_office.order("dismiss_handover", handover_id=later.message_id, reason_code="misread", city="110000")
    assert refusal(order) is None
    assert resolve() == usual
    same(at_office)


REFUSED = {"status": "not_accepted", "reason_code": "emergency_line"}


@each_row("answer", ["acknowledge_handover", "dismiss_handover"])
@each_row("later", [False, True])
def test_a_danger_is_not_refused_before_the_desk_has_it_or_a_clerk_called_it_false(answer: str, later: bool) -> None:
    at_office = Office([message(0, sender=OWNER)] if later else [alarm(1)])
    if later:
        at_office.take(alarm(1))
    (ticket,) = at_office.tickets
    order = at_office.order("set_status", ticket, **REFUSED)
    assert refusal(order) == "unacknowledged"
    (told,) = order.changes
    assert isinstance(told, event.CommandRefused)
    assert alarm(1).message_id in told.reason
    assert at_office.ticket(ticket).status == "received"
    args = {"reason_code": "hoax"} if answer == "dismiss_handover" else {}
    assert refusal(at_office.order(answer, handover_id=alarm(1).message_id, **args)) is None
    assert refusal(at_office.order("set_status", ticket, **REFUSED)) is None
    same(at_office)


REGISTERED = ("set_status", {"status": "registered"})
ANSWERED = ("set_status", {"status": "answered"})
AT_WORK = (("dispatch", {"organizer": "gas"}), *(("set_status", {"status": one}) for one in ("signed", "in_progress")))


@each_row("answer", ["acknowledge_handover", "dismiss_handover"])
@each_row(
    ("way", "stage"),
    [
        ([("set_status", {"status": "handed_over"})], "resolved"),
        ([("set_status", {"status": "handed_over"})], "archived"),
        ([REGISTERED, ANSWERED], "resolved"),
        ([REGISTERED, *AT_WORK], "resolved"),
    ],
    ids=["handed over", "archived", "answered", "at work"],
)
def test_a_danger_is_not_closed_before_the_desk_has_it(way: list[tuple[str, Any]], stage: str, answer: str) -> None:
    at_office = Office([alarm(1)])
    (ticket,) = at_office.tickets
    for kind, args in way:
        assert refusal(at_office.order(kind, ticket, **args)) is None
    assert refusal(at_office.order("set_status", ticket, status=stage)) == "unacknowledged"
    args = {"reason_code": "past"} if answer == "dismiss_handover" else {}
    assert refusal(at_office.order(answer, handover_id=alarm(1).message_id, **args)) is None
    assert refusal(at_office.order("set_status", ticket, status=stage)) is None
    same(at_office)


def test_a_danger_that_was_only_mentioned_keeps_no_ticket_open() -> None:
    at_office = Office([alarm(1, MAYBE)])
    for kind, args in (REGISTERED, ANSWERED, ("set_status", {"status": "resolved"})):
        assert refusal(at_office.order(kind, at_office.tickets[0], **args)) is None


def test_who_only_mentions_a_danger_can_be_refused_at_once() -> None:
    at_office = Office([alarm(1, MAYBE)])
    assert refusal(at_office.order("set_status", at_office.tickets[0], **REFUSED)) is None


@pytest.mark.parametrize("code", [GAS, MAYBE])
def test_a_danger_that_stays_keeps_its_limit(code: tuple[str, ...]) -> None:
    at_office = Office([alarm(1, jurisdiction="110000")])
    at_office.take(alarm(2, code, jurisdiction="110000"))
    (ticket,) = at_office.tickets
    order = at_office.order(
        "dismiss_handover", handover_id=alarm(1, jurisdiction="110000").message_id, reason_code="past", city="110000"
    )
    assert refusal(order) is None
    (policy_id,) = (one.policy_id for one in at_office.ticket(ticket).deadlines if one.clock == "resolve")
    assert policy_id == ("beijing.resolve.danger" if code is GAS else "beijing.resolve")
