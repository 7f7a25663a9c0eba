"""A clerk erred with a false alarm (误报) and takes that back: it rings again, for desk, monitor and limits."""

from typing import Any

import pytest

from schemas import topics
from schemas.codec import Outbound, decode
from schemas.records import Event, Handover, Message, event
from schemas.records.ticket import HandoverState
from tests.tickets.build import message, position
from tests.tickets.commands.orders import Office, refusal, same
from tests.tickets.commands.test_false_alarms import FIRE, GAS, MAYBE, OWNER, alarm, alarming, dismiss


def reinstate(at_office: Office, said: Message, **args: Any) -> Event:
    order = at_office.order("reinstate_handover", handover_id=said.message_id, **args)
    same(at_office)
    return order


def acknowledge(at_office: Office, said: Message) -> str | None:
    return refusal(at_office.order("acknowledge_handover", handover_id=said.message_id, author="desk-119"))


def rung(records: list[Outbound]) -> list[tuple[str, Handover]]:
    """Return the hand-overs among records, each with its ce_id."""
    return [
        (dict(one.headers)["ce_id"].decode(), decode(one.value, Handover))
        for one in records
        if one.topic == topics.HANDOVER
    ]


def wrongly_dismissed(*more: Message) -> Office:
    at_office = Office([alarm(1)])
    for one in more:
        at_office.take(one)
    assert dismiss(at_office, alarm(1)) is None
    at_office.desk.flush()
    return at_office


def test_the_ticket_alarms_again_and_the_desk_has_to_take_it() -> None:
    at_office = wrongly_dismissed()
    decided = reinstate(at_office, alarm(1), author="wang.li")
    (ticket,) = at_office.tickets
    assert decided.changes == (
        event.HandoverReinstated(
            ticket_id=ticket, handover_id=alarm(1).message_id, classes=("fire",), level="critical"
        ),
    )
    assert at_office.ticket(ticket).handovers == (
        HandoverState(handover_id=alarm(1).message_id, reinstated_at=decided.at, reinstated_by="wang.li"),
    )
    assert alarming(at_office) == ((("fire",), "critical"), "critical", True)
    assert at_office.desk.state.handovers.waiting == {alarm(1).message_id: ticket}
    assert acknowledge(at_office, alarm(1)) is None
    assert acknowledge(at_office, alarm(1)) == "acknowledged"
    same(at_office)
    assert at_office.desk.state.handovers.waiting == {}
    (told,) = at_office.ticket(ticket).handovers
    assert (told.acknowledged_by, told.reinstated_by, told.dismissed_at) == ("desk-119", "wang.li", None)


def test_the_desk_gets_the_whole_text_again_under_an_id_that_it_has_not_taken() -> None:
    at_office = wrongly_dismissed(message(2, "补充", sender=OWNER))
    decided = reinstate(at_office, alarm(1), command_id="c-77")
    ((ce_id, told),) = rung(at_office.desk.flush())
    assert ce_id == f"{alarm(1).message_id}:command:c-77"
    assert (told.handover_id, told.level, told.stale, told.reinstated_at) == (
        alarm(1).message_id, "critical", False, decided.at,
    )  # fmt: skip
    assert (told.text, told.sender, told.taken_at) == (
        f"{alarm(1).title}\n{alarm(1).text}", alarm(1).sender, alarm(1).ingested_at,
    )  # fmt: skip
    assert rung(at_office.desk.flush()) == []


def test_of_a_message_that_the_input_has_no_more_the_ticket_tells() -> None:
    at_office = wrongly_dismissed()
    at_office.input[0] = message(0, message_class="event")  # retention took it: no message of this id is read
    reinstate(at_office, alarm(1))
    ((_, told),) = rung(at_office.desk.flush())
    assert alarm(1).text in told.text
    assert (told.sender, told.classes, told.spans) == (alarm(1).sender, ("fire",), ())


@pytest.mark.parametrize("fields", [("text",), ("requester", "text", "title")])
def test_what_was_blacked_out_stays_so_on_the_desk(fields: tuple[str, ...]) -> None:
    at_office = wrongly_dismissed()
    assert refusal(at_office.order("redact", at_office.tickets[0], fields=fields)) is None
    at_office.desk.flush()
    reinstate(at_office, alarm(1))
    ((_, told),) = rung(at_office.desk.flush())
    assert alarm(1).text not in told.text
    assert "requester" not in fields or told.sender is None


def test_a_desk_that_had_taken_it_takes_it_again() -> None:
    at_office = Office([alarm(1)])
    assert acknowledge(at_office, alarm(1)) is None
    assert dismiss(at_office, alarm(1)) is None
    reinstate(at_office, alarm(1))
    assert at_office.desk.state.handovers.waiting == {alarm(1).message_id: at_office.tickets[0]}
    assert at_office.ticket(at_office.tickets[0]).handovers[0].acknowledged_at is None
    assert acknowledge(at_office, alarm(1)) is None


def test_an_alarm_of_another_message_stays_beside_it() -> None:
    at_office = wrongly_dismissed(alarm(2, GAS))
    assert alarming(at_office) == ((("utility",), "urgent"), "urgent", True)
    reinstate(at_office, alarm(1))
    assert alarming(at_office) == ((("fire", "utility"), "critical"), "critical", True)
    assert dismiss(at_office, alarm(1), reason_code="drill") is None
    assert alarming(at_office) == ((("utility",), "urgent"), "urgent", True)
    told = {one.handover_id: one for one in at_office.ticket(at_office.tickets[0]).handovers}[alarm(1).message_id]
    assert (told.dismissed_reason, told.reinstated_at) == ("drill", None)


@pytest.mark.parametrize(("codes", "stage"), [(FIRE, "reopened"), (MAYBE, "not_accepted")])
def test_a_closed_ticket_lives_again_when_its_danger_goes_on(codes: tuple[str, ...], stage: str) -> None:
    at_office = Office([alarm(1, codes)])
    (ticket,) = at_office.tickets
    assert dismiss(at_office, alarm(1, codes), reason_code="hoax") is None
    closed = at_office.order("set_status", ticket, status="not_accepted", reason_code="malicious")
    assert refusal(closed) is None
    reinstate(at_office, alarm(1, codes))
    told = at_office.ticket(ticket)
    assert (told.status, told.closed_at is None) == (stage, stage == "reopened")
    assert at_office.desk.state.tickets[ticket].status == stage


def test_the_limit_of_a_danger_counts_from_its_receipt_again() -> None:
    first, later = message(0, sender=OWNER, jurisdiction="110000"), alarm(3000, jurisdiction="110000")
    at_office = Office([first])

    def limits() -> dict[str, Any]:
        told = at_office.ticket(at_office.tickets[0]).deadlines
        assert isinstance(told, tuple)
        return {one.clock: (one.policy_id, one.due_at) for one in told}

    at_office.take(later)
    hurried = limits()
    assert hurried["resolve"][0] == "beijing.resolve.danger"
    for kind, args in (("dismiss_handover", {"reason_code": "misread"}), ("reinstate_handover", {})):
        order = at_office.order(kind, handover_id=later.message_id, city="110000", **args)
        assert refusal(order) is None
        assert (limits() == hurried) == (kind == "reinstate_handover")
    same(at_office)


def test_a_message_that_is_moved_rings_where_it_is() -> None:
    at_office = Office([message(0, sender=OWNER)])
    at_office.take(alarm(1))
    (ticket,) = at_office.tickets
    assert dismiss(at_office, alarm(1)) is None
    moved = at_office.order("move", ticket, message_id=alarm(1).message_id)
    opened = next(one.ticket_id for one in moved.tickets if one.ticket_id != ticket)
    assert [one.ticket_id for one in reinstate(at_office, alarm(1)).tickets] == [opened]
    assert at_office.ticket(opened).urgency == "critical"
    assert at_office.ticket(ticket).urgency == "normal"
    assert at_office.desk.state.handovers.waiting == {alarm(1).message_id: opened}


def test_one_that_is_taken_back_has_to_be_taken_by_the_desk_before_it_is_refused() -> None:
    at_office = Office([alarm(1)])
    assert dismiss(at_office, alarm(1)) is None
    assert refusal(at_office.order("reinstate_handover", handover_id=alarm(1).message_id)) is None
    assert (
        refusal(at_office.order("set_status", at_office.tickets[0], status="not_accepted", reason_code="malicious"))
        == "unacknowledged"
    )


def test_each_refusal_has_its_reason() -> None:
    at_office = Office([alarm(1), message(5, "路灯坏了", sender="13900000005")])
    calm = message(5, "路灯坏了", sender="13900000005")

    def refused(said: Message, **args: Any) -> str | None:
        return refusal(reinstate(at_office, said, **args))

    assert refused(alarm(1)) == "not_dismissed"
    assert refused(calm) == "not_dismissed"
    assert refused(alarm(9)) == "not_filed"
    assert refusal(at_office.order("reinstate_handover", at_office.tickets[0])) == "arguments"
    assert refusal(at_office.order("reinstate_handover", handover_id="a")) == "arguments"
    assert dismiss(at_office, alarm(1)) is None
    assert refused(alarm(1), city="310000") == "jurisdiction"
    assert refused(alarm(1), if_version=1) == "stale"
    assert refused(alarm(1), reason_code="misread") == "arguments"
    assert refused(alarm(1), if_version=at_office.ticket(at_office.tickets[0]).version) is None
    assert refused(alarm(1)) == "not_dismissed"
    assert dismiss(at_office, alarm(1)) is None
    assert refusal(at_office.order("forget", at_office.tickets[0])) is None
    assert refused(alarm(1)) == "erased"


def test_only_the_message_itself_is_read_again() -> None:
    at_office = wrongly_dismissed(message(2, "补充", sender=OWNER))
    order = at_office.input[-1]
    assert at_office.desk.looks_back(order) == []
    reinstate(at_office, alarm(1))
    assert at_office.desk.looks_back(at_office.input[-1]) == [0]
    assert at_office.desk.take(at_office.input[-1], position(99)) is None, "a repeat rings for nobody"
