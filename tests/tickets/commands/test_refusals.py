"""What is not carried out is refused by an event with the reason, and none of the sender's words."""

import pytest

from schemas.codec import encode
from schemas.records import event
from tests.rows import each_row
from tests.tickets.build import message
from tests.tickets.commands.orders import Office, office, refusal
from tickets.commands import COMMANDS
from tickets.records_out import link_of

SECRETS = ("李小龙", "13812345678", "不满意")


def test_words_given_as_a_kind_are_not_repeated() -> None:
    at_office, (ticket,) = office()
    refused = at_office.order("退给李小龙 13812345678", ticket, reason="李小龙不满意")
    assert refusal(refused) == "unknown_kind"
    assert not any(secret in encode(refused).decode() for secret in SECRETS)


@each_row("kind", COMMANDS)
def test_words_given_as_arguments_are_not_repeated(kind: str) -> None:
    at_office, (ticket,) = office()
    refused = at_office.order(kind, ticket, 李小龙="13812345678", status="李小龙", reason="不满意")
    assert refusal(refused) == "arguments"
    assert not any(secret in encode(refused).decode() for secret in SECRETS)
    assert link_of(refused) is None


@each_row(
    ("kind", "args"),
    [
        ("dispatch", {"organizer": "找李小龙 13812345678"}),
        ("return_dispatch", {"reason_code": "13812345678"}),
        ("reclassify", {"category": "李小龙说路灯坏了，已经第 13812345678 次"}),
        ("reclassify", {"category": "3栋2单元501室"}),
        ("reclassify", {"category": "马合木提"}),
        ("dispatch", {"organizer": "water", "organizer_name": "辽A3M2K7"}),
        ("dispatch", {"organizer": "water", "co_organizers": ["李小龙"]}),
        ("set_deadline", {"clock": "resolve", "due_at": "明天"}),
        ("set_status", {"status": "finished"}),
        ("set_status", {"status": "not_accepted"}),
        ("set_status", {"status": "not_accepted", "reason_code": "boring"}),
        ("supervise", {"level": "loud"}),
        ("reclassify", {}),
        ("unmerge", {}),
        ("revisit", {"resolved": True}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(kind: str, args: dict[str, object]) -> None:
    at_office, (ticket,) = office()
    refused = at_office.order(kind, ticket, **args)
    assert refusal(refused) == "arguments"
    assert not any(secret in encode(refused).decode() for secret in SECRETS)


@each_row(
    ("kind", "args", "told"),
    [
        ("revisit", {"satisfied": True}, "revisit do not fit: it needs contacted"),
        ("redact", {"fields": "李小龙"}, "redact do not fit: fields has another form, see the table of kinds"),
        ("read", {"李小龙": 1}, "read do not fit: one of them is none of it, it takes if_version, fields"),
        (
            "supervise",
            {"levle": "李小龙", "李小龙": 1},
            "supervise do not fit: one of them is none of it (did you mean level?), it takes if_version, level, number",
        ),
    ],
)
def test_what_does_not_fit_is_named(kind: str, args: dict[str, object], told: str) -> None:
    at_office, (ticket,) = office()
    (refused,) = at_office.order(kind, ticket, **args).changes
    assert isinstance(refused, event.CommandRefused)
    assert refused.reason == f"the arguments of {told}"


@each_row("kind", sorted(COMMANDS.keys() - {"acknowledge_handover"}))
def test_a_command_needs_its_ticket(kind: str) -> None:
    at_office, _ = office()
    assert refusal(at_office.order(kind)) == "arguments"


def test_tickets_that_cannot_be_meant() -> None:
    at_office, (ticket,) = office()
    asked = {"status": "registered"}
    assert refusal(at_office.order("set_status", "210100-aaaaaaaaaaaaaaaaaaaa", **asked)) == "unknown_ticket"
    assert refusal(at_office.order("set_status", ticket, city="110000", **asked)) == "jurisdiction"
    assert refusal(at_office.order("set_status", ticket, if_version=7, **asked)) == "stale"
    assert refusal(at_office.order("read", "110000-aaaaaaaaaaaaaaaaaaaa")) == "jurisdiction"
    assert refusal(at_office.order("read", "210100-aaaaaaaaaaaaaaaaaaaa")) == "unknown_ticket"
    assert at_office.ticket(ticket).version == 1
    assert refusal(at_office.order("set_status", ticket, if_version=1, **asked)) is None


def test_a_ticket_that_left_the_memory_is_named_as_such_and_may_be_read() -> None:
    at_office, (old,) = office()
    at_office.order("set_status", old, status="not_accepted", reason_code="malicious")
    at_office.take(message(999, "很久以后", minutes=60 * 24 * 200))
    assert refusal(at_office.order("set_status", old, status="archived")) == "evicted"
    assert refusal(at_office.order("read", old, fields=["text"])) is None


def test_a_command_is_carried_out_once() -> None:
    at_office, (ticket,) = office()
    at_office.order("set_status", ticket, status="registered", command_id="same")
    with pytest.raises(AssertionError):  # no decision
        at_office.order("set_status", ticket, status="answered", command_id="same")
    assert at_office.ticket(ticket).status == "registered"


def test_two_cities_may_name_a_command_alike() -> None:
    at_office, (ticket,) = office()
    elsewhere = at_office.take(message(50, "外地的事", jurisdiction="110000")).tickets[0].ticket_id
    at_office.order("set_status", ticket, status="registered", command_id="1")
    at_office.order("set_status", elsewhere, city="110000", status="registered", command_id="1")
    assert at_office.ticket(elsewhere).status == "registered"


def test_an_office_without_tickets_refuses_too() -> None:
    refused = Office().order("merge", "210100-aaaaaaaaaaaaaaaaaaaa", into="210100-bbbbbbbbbbbbbbbbbbbb")
    assert isinstance(refused.changes[0], event.CommandRefused)
