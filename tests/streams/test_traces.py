"""Two trace contexts travel through every hop: where it began, which nobody changes, and who sent this record."""

import pytest
from msgspec.structs import replace

from schemas import topics
from schemas.codec import Outbound, encode
from schemas.envelope import FIRST_TRACE, HOP, Envelope
from schemas.records import Command, raw_of
from streams import normalize, screen
from streams.engine.tracing import carried_on
from tests.streams.raws import NOON, raw
from tests.streams.test_steps import FIRE, POLICY, Kept
from tests.tickets.build import message, position
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

BEGAN, SENT = (f"00-0af7651916cd43dd8448eb211c80319c-{span * 16}-01" for span in "12")


def contexts(outbound: Outbound) -> tuple[str | None, str | None]:
    headers = dict(outbound.headers)
    assert len(headers) == len(outbound.headers), "no header twice"
    return tuple(headers[name].decode() if name in headers else None for name in (FIRST_TRACE, HOP))


def with_traces(outbound: Outbound, *traces: tuple[str, str]) -> Kept:
    headers = [header for header in outbound.headers if header[0] not in (FIRST_TRACE, HOP)]
    return Kept(outbound.topic, outbound.key, outbound.value, [*headers, *((n, v.encode()) for n, v in traces)])


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        ([(FIRST_TRACE, BEGAN), (HOP, SENT)], (BEGAN, SENT)),
        ([(HOP, SENT)], (SENT, SENT)),
        ([(FIRST_TRACE, BEGAN)], (BEGAN, BEGAN)),
    ],
)
def test_what_came_is_passed_on_by_every_stage(traces: list, expected: tuple[str, str]) -> None:
    record = with_traces(raw(1, FIRE).outbound(), *traces)
    assert contexts(normalize.step(record, raw_of(record), POLICY).outbound) == expected
    handed = screen.screen(raw_of(record), POLICY)
    assert handed
    assert contexts(handed.outbound) == expected
    assert contexts(normalize.command_step(with_traces(command(), *traces)).outbound) == expected


def command() -> Outbound:
    one = Command(command_id="c1", jurisdiction="210100", kind="read", author="clerk-7", at=NOON)
    return Outbound(topics.COMMAND, b"c1", encode(one), [])


@pytest.mark.parametrize("traces", [[], [(HOP, "13764520918"), (FIRST_TRACE, "李沐阳")]])
def test_a_stranger_without_a_trace_begins_one_and_his_words_go_no_further(traces: list) -> None:
    record = with_traces(raw(1, FIRE).outbound(), *traces)
    began, sent = contexts(normalize.step(record, raw_of(record), POLICY).outbound)
    assert began == sent == Envelope.of(raw(1, FIRE, traceparent=None).outbound().headers).traceparent
    ordered = contexts(normalize.command_step(with_traces(command(), *traces)).outbound)
    assert ordered[0] == ordered[1] != began


def test_everything_decided_goes_on_in_the_trace_of_its_input() -> None:
    desk, inputs = Desk(State(TicketPolicy())), []
    for number in range(3):
        one = message(number, f"第{number}件事")
        desk.take(one, position(number))
        trace = replace(raw(number).envelope, traceparent=f"{BEGAN[:-4]}{number}-01", hop=f"{SENT[:-4]}{number}-01")
        inputs.append(Kept(topics.MESSAGE, one.message_id.encode(), b"", trace.headers()))
    written = carried_on(desk.flush(), inputs)
    assert {one.topic for one in written} == {topics.EVENT, topics.LINK, topics.TICKET, topics.TICKET_MASKED}
    for one in written:
        cause = dict(one.headers)["ce_causationid"]
        number = [record.key for record in inputs].index(cause)
        assert contexts(one) == (f"{BEGAN[:-4]}{number}-01", f"{SENT[:-4]}{number}-01")


def test_an_input_that_names_no_trace_gives_none() -> None:
    desk = Desk(State(TicketPolicy()))
    one = message(1)
    desk.take(one, position(1))
    written = carried_on(desk.flush(), [Kept(topics.MESSAGE, one.message_id.encode(), b"", [(HOP, None)])])
    assert {contexts(outbound) for outbound in written} == {(None, None)}


def test_a_raw_record_keeps_the_trace_that_it_was_given() -> None:
    assert contexts(raw(1, traceparent=BEGAN).outbound()) == (BEGAN, BEGAN)
