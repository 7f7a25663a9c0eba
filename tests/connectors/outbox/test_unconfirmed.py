"""Reports settle answers in any order; a report of something else settles none."""

from datetime import timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from connectors.replies.base import Report
from connectors.replies.unconfirmed import REPORTED_WITHIN, Unconfirmed
from schemas.records import Outbox, OutboxState, Party
from tests.connectors.outbox.answers import NOW, intent, state_of
from tests.rows import each_row

PHONE = "13800138000"


def short(number: int = 1, phone: str = PHONE) -> Outbox:
    return replace(intent(number, account="mobile"), recipient=Party(kind="phone", value=phone))


def ended(outbox: Outbox, reference: str | None, state: str = "accepted") -> OutboxState:
    return replace(state_of(outbox, state), reference=reference)


def report(reference: str, status: str = "DELIVRD", number: str = PHONE) -> Report:
    return Report(reference=reference, status=status, number=number)


def begun(*outboxes: Outbox) -> Unconfirmed:
    made = Unconfirmed()
    for outbox in outboxes:
        made.begin(outbox, NOW)
    return made


def told(*states: OutboxState | None) -> list[tuple[str, str | None]]:
    return [(one.state, one.code) for one in states if one is not None]


@each_row("order", list(permutations(range(4))))
def test_an_answer_in_pieces_is_delivered_with_the_last_of_them_in_any_order(order: tuple[int, ...]) -> None:
    outbox = short()
    unconfirmed = begun(outbox)
    states = [
        unconfirmed.report(report("789"[each])) if each < 3 else unconfirmed.note(ended(outbox, "7,8,9"))
        for each in order
    ]
    assert told(*states) == [("delivered", "DELIVRD")]
    assert states[-1] is not None


@pytest.mark.parametrize("state", ["accepted", "unknown"])
def test_a_piece_that_did_not_arrive_is_an_answer_that_did_not(state: str) -> None:
    unconfirmed = begun(outbox := short())
    states = [unconfirmed.note(ended(outbox, "7,8", state)), unconfirmed.report(report("8", "MK:0001"))]
    assert told(*states) == [("undelivered", "MK:0001")]
    assert unconfirmed.report(report("7")) is None


def test_half_an_answer_that_arrived_stays_unknown() -> None:
    unconfirmed = begun(outbox := short())
    assert told(unconfirmed.note(ended(outbox, "7", "unknown")), unconfirmed.report(report("7"))) == []


@each_row("status", ["", "ENROUTE", "ACCEPTD", "SCHEDULED", "UNKNOWN"])
def test_what_is_not_the_last_word_settles_nothing(status: str) -> None:
    unconfirmed = begun(outbox := short())
    states = [unconfirmed.note(ended(outbox, "7")), unconfirmed.report(report("7", status))]
    assert told(*states, unconfirmed.report(report("7"))) == [("delivered", "DELIVRD")]


@pytest.mark.parametrize(("taken", "said"), [("1E240", "123456"), ("123456", "1E240"), ("1e240", "0000123456")])
def test_an_id_in_hexadecimal_is_the_same_in_decimal_for_the_same_phone_alone(taken: str, said: str) -> None:
    unconfirmed = begun(outbox := short())
    unconfirmed.note(ended(outbox, taken))
    assert unconfirmed.report(report(said, number="13900139000")) is None
    assert told(unconfirmed.report(report(said, number=f"+86{PHONE}"))) == [("delivered", "DELIVRD")]


def test_an_id_as_it_stands_comes_before_what_it_may_mean() -> None:
    first, second = short(1), short(2)
    unconfirmed = begun(first, second)
    unconfirmed.note(ended(first, "10"))
    unconfirmed.note(ended(second, "16"))
    settled = unconfirmed.report(report("16"))
    assert settled is not None
    assert settled.outbox_id == second.outbox_id


def test_a_report_is_waited_for_three_days_from_when_the_answer_began() -> None:
    unconfirmed = begun(outbox := short())
    assert unconfirmed.since(NOW) is None
    unconfirmed.note(ended(outbox, "7"))
    assert unconfirmed.since(NOW + REPORTED_WITHIN) == NOW
    assert unconfirmed.since(NOW + REPORTED_WITHIN + timedelta(seconds=1)) is None


@pytest.mark.parametrize("end", ["refused", "withheld", "unknown"])
def test_what_no_gateway_has_taken_is_not_waited_for(end: str) -> None:
    unconfirmed = begun(outbox := short())
    assert unconfirmed.note(ended(outbox, None, end)) is None
    assert unconfirmed.since(NOW) is None
