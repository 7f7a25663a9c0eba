"""What a decision writes is headed as every record is, and its numbers are what the standard reckons."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stdnum.iso7064 import mod_11_10

from schemas import ids, topics
from schemas.codec import Outbound
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import Audit, Event
from tests.rows import each_row
from tests.tickets.build import CITY, START, message, position
from tests.tickets.commands.orders import Office
from tickets import records_out
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.receipts.policy import AnswerPolicy
from tickets.state.state import State


def decided() -> tuple[Event, list[Outbound]]:
    """Return a decision and all it writes: an event, a link, a ticket twice, a receipt."""
    desk = Desk(State(TicketPolicy(answers=AnswerPolicy(accounts=frozenset({"mayor"})))))
    decision = desk.take(message(1, channel="sms"), position(0))
    assert decision is not None
    return decision, desk.flush()


def test_the_headers_are_those_of_an_envelope() -> None:
    decision, records = decided()
    assert [one.topic for one in records] == [
        topics.EVENT, topics.LINK, topics.TICKET, topics.TICKET_MASKED, topics.OUTBOX
    ]  # fmt: skip
    for record in records:
        envelope = Envelope.of(record.headers)
        assert envelope.headers() == record.headers
        assert (envelope.time, envelope.recordedtime) == (decision.at, decision.at)
        assert envelope.source == f"/hotline/assign/{CITY}"
        assert (envelope.jurisdiction, envelope.causationid) == (CITY, decision.input.message_id)


@each_row("record", ["event", "link", "ticket", "outbox", "outbox_state", "audit"])
@each_row("sequence", [None, "0000000007"])
@each_row("subject", [None, "210100-20261124-000187-5"])
@each_row("ticket", [None, "210100-k3v7q2m4x6pbn5rct2w3"])
@each_row("at", [START, START.astimezone(timezone(timedelta(hours=8)))])
def test_whatever_is_absent_is_left_out(
    record: str, sequence: str | None, subject: str | None, ticket: str | None, at: datetime
) -> None:
    decision = replace(decided()[0], at=at)
    wanted = Envelope(
        id="x",
        source=f"/hotline/assign/{CITY}",
        type=type_of(record),
        time=at,
        recordedtime=at,
        dataschema=schema_of(record),
        jurisdiction=CITY,
        causationid=decision.input.message_id,
        sequence=sequence,
        subject=subject,
        correlationid=ticket,
    )
    assert records_out._headers(decision, record, "x", sequence, subject, ticket) == wanted.headers()


def test_an_order_is_the_cause_of_what_it_writes() -> None:
    office = Office([message(1)])
    office.desk.flush()
    decision = office.order("set_status", office.tickets[0], status="screened")
    act = Audit(audit_id="a", run_id="r", action="erased", subject=office.tickets[0], author="clerk-7", at=START)
    for record in (*office.desk.flush(), records_out.of_audit(act, decision)):
        assert Envelope.of(record.headers).headers() == record.headers
        assert Envelope.of(record.headers).causationid == decision.input.command_id


@given(st.integers(1, 9_999_999), st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_a_ticket_number_has_the_check_digit_of_the_standard(sequence: int, at: datetime) -> None:
    number = ids.ticket_no(CITY, at, sequence)
    digits, _, check = number.replace("-", "", 2).rpartition("-")
    assert check == mod_11_10.calc_check_digit(digits)
    assert ids.valid_ticket_no(number)
    assert ids.day_of(at) == at.astimezone(ids.SHANGHAI).strftime("%Y%m%d")
