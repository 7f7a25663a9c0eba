"""Limits of a city that are for some channels alone: they start, hasten and are chosen as all others."""

from typing import Any

from msgspec.structs import replace

from schemas.records import Message, event
from tests.tickets.build import message
from tests.tickets.commands.orders import Office, refusal
from tests.tickets.test_pauses import policy_of
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import State

CITY = "990100"


def rule(name: str, clock: str, amount: int, *channels: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "clock": clock,
        "amount": amount,
        "unit": "hours",
        "channels": channels,
        "legal_basis": "-",
    } | more


def policy(*rules: dict[str, Any]) -> TicketPolicy:
    return policy_of({"id": "own", "name": "自定", "version": "1", "adcodes": ["9901"], "rules": rules})


OF_COMPLAINTS = policy(
    rule("own.sign.sms", "sign", 2, "sms", kinds=["complaint"]),
    rule("own.sign", "sign", 9, "mailbox", kinds=["complaint"]),
)


def taken(*codes: str, channel: str = "sms") -> Message:
    return message(0, "路灯坏了", jurisdiction=CITY, channel=channel, codes=codes)


def hall(known: TicketPolicy, *messages: Message) -> Office:
    return Office(messages, known)


def give(office: Office, kind: str, /, **fields: Any) -> None:
    assert refusal(office.order(kind, office.tickets[0], city=CITY, **fields)) is None


def sign(office: Office) -> tuple[str, Any] | None:
    """Return the limit of signing and when it is due."""
    told = office.ticket(office.tickets[0]).deadlines
    return next(((one.policy_id, one.due_at) for one in told or () if one.clock == "sign"), None)


def test_what_an_office_owes_by_a_channel_starts_with_the_dispatch() -> None:
    """The city gave itself the rule after the ticket was opened."""
    for channel, name, hours in (("sms", "own.sign.sms", 2), ("mailbox", "own.sign", 9)):
        office = hall(policy(rule("own.resolve", "resolve", 100)), taken("request_kind.complaint", channel=channel))
        assert sign(office) is None
        office.desk.state.policy = OF_COMPLAINTS
        give(office, "set_status", status="registered")
        give(office, "dispatch", organizer="a")
        policy_id, due_at = sign(office) or ("", None)
        assert (policy_id, (due_at - office.decisions[-1].at).total_seconds() / 3600) == (name, hours)


def test_the_kind_that_a_clerk_gives_chooses_the_limit_of_the_channel() -> None:
    for channel, name in (("sms", "own.sign.sms"), ("mailbox", "own.sign")):
        office = hall(OF_COMPLAINTS, taken(channel=channel))
        give(office, "reclassify", kind="complaint")
        assert (sign(office) or ("", None))[0] == name
    office = hall(OF_COMPLAINTS, taken(channel="wechat"))
    give(office, "reclassify", kind="complaint")
    assert sign(office) is None


def test_a_message_that_is_moved_into_a_ticket_of_its_own_brings_its_channel() -> None:
    office = hall(OF_COMPLAINTS, taken(channel="mailbox"))
    later = message(1, "噪音扰民", jurisdiction=CITY, channel="sms", answers=(f"{CITY}-0",))
    assert office.take(later).tickets[0].ticket_id == office.tickets[0]
    moved = office.order("move", office.tickets[0], city=CITY, message_id=later.message_id)
    opened = next(change for change in moved.changes if isinstance(change, event.Opened))
    assert opened.channel == "sms"
    assert office.desk.state.tickets[opened.ticket_id].channel == "sms"


def test_a_danger_is_hastened_by_the_limit_of_its_channel() -> None:
    known = policy(
        rule("own.resolve.danger", "resolve", 1, "sms", emergency=True),
        rule("own.resolve", "resolve", 100),
    )
    office = hall(known, taken())
    burning = ("emergency.fire", "emergency_level.critical")
    office.take(message(1, "着火了", jurisdiction=CITY, channel="mailbox", codes=burning, answers=(f"{CITY}-0",)))
    (limit,) = office.ticket(office.tickets[0]).deadlines or ()
    assert limit.policy_id == "own.resolve.danger"


def test_a_ticket_of_an_older_log_keeps_the_limits_that_it_has() -> None:
    """Its opening was written down without a channel."""
    office = hall(OF_COMPLAINTS, taken("request_kind.complaint"))
    opened = office.decisions[0]
    changes = tuple(
        replace(change, channel=None) if isinstance(change, event.Opened) else change for change in opened.changes
    )
    state: State = fold([replace(opened, changes=changes)], OF_COMPLAINTS)
    office.desk.flush()
    state.bodies = office.desk.state.bodies
    office.desk = Desk(state)
    before = sign(office)
    give(office, "reclassify", category="lamps")
    assert before is not None
    assert sign(office) == before
    give(office, "set_status", status="registered")
    give(office, "dispatch", organizer="a")
    assert (sign(office) or ("", None))[0] == "own.sign.sms"
