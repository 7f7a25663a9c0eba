"""Spans of a message's hops: one trace from the connector to the archive, and nothing of what anybody wrote."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from hotline.runtime import tracing
from hotline.runtime.tracing import Spans
from schemas import ids, topics
from schemas.codec import Outbound, Position
from schemas.envelope import FIRST_TRACE, HOP, Envelope
from schemas.errors import MalformedError
from schemas.records import DeadLetter
from schemas.tracing import OFF
from tests.streams.raws import outbound

SOURCE = "/hotline/record/office"


class Told:
    """A tracer, and the spans that it told of."""

    def __init__(self, ratio: float) -> None:
        self._memory = InMemorySpanExporter()
        self.tracer = Spans(SimpleSpanProcessor(self._memory), ratio)

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._memory.get_finished_spans() if span.name == name]


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told(1.0)
    yield told
    told.tracer.close()


def raw(number: int) -> Outbound:
    """Return a raw record as a connector makes it."""
    return outbound(number, traceparent=None)


def context(span: ReadableSpan) -> tuple[str, str]:
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def test_the_first_span_is_the_one_that_the_message_names(told: Told) -> None:
    with told.tracer.hop("connector") as hop:
        (sent,) = hop.begins([raw(1)])
    envelope = Envelope.of(sent.headers)
    (span,) = told.spans("connector")
    assert span.parent is None
    assert envelope.traceparent == envelope.hop == "00-{}-{}-01".format(*context(span))
    assert base64.b32decode(ids.message_id(SOURCE, "n1").upper() + "======") == span.context.trace_id.to_bytes(16)


def test_each_hop_is_below_the_one_before_and_the_first_trace_stays(told: Told) -> None:
    with told.tracer.hop("connector") as hop:
        (sent,) = hop.begins([raw(1)])
    with told.tracer.hop("normalize", "hotline.raw.record.v1", 3) as hop:
        (passed,) = hop.passes_on([sent])
    with told.tracer.hop("assign", topics.MESSAGE, 0) as hop:
        written = hop.passes_on([passed._replace(topic=topic) for topic in (topics.EVENT, topics.TICKET)])
    with told.tracer.hop("sink:elastic") as hop:
        hop.ends(one.headers for one in written)
    names = ("connector", "normalize hotline.raw.record.v1", f"assign {topics.MESSAGE}", "sink:elastic")
    spans = [span for name in names for span in told.spans(name)]
    assert len(spans) == len(names), "several records of one sender share a span"
    assert [span.parent and span.parent.span_id for span in spans] == [None, *(s.context.span_id for s in spans[:-1])]
    assert {span.context.trace_id for span in spans} == {spans[0].context.trace_id}
    assert {Envelope.of(one.headers).traceparent for one in (sent, passed, *written)} == {
        "00-{}-{}-01".format(*context(spans[0]))
    }
    assert spans[1].attributes["messaging.destination.partition.id"] == "3"


def test_a_batch_links_what_came_in(told: Told) -> None:
    records = [outbound(number) for number in range(3)]
    with told.tracer.hop("normalize", "t", 0, (record.headers for record in records)) as hop:
        hop.passes_on(records[:1])
    (batch,) = told.spans("normalize t batch")
    assert [link.context.trace_id for link in batch.links] == [0x0AF7651916CD43DD8448EB211C80319C] * 3
    assert batch.attributes["messaging.batch.message_count"] == 3
    (span,) = told.spans("normalize t")
    assert span.links[0].context.span_id == batch.context.span_id


def test_a_dead_letter_keeps_its_headers_and_its_span_the_code(told: Told) -> None:
    record = outbound(1)
    letter = DeadLetter.of(
        MalformedError("no"),
        stage="normalize",
        position=Position("t", 0, 1),
        key=b"",
        value=b"",
        headers=record.headers,
    ).outbound()
    with told.tracer.hop("normalize", "t", 0) as hop:
        assert hop.passes_on([letter]) == [letter]
    (span,) = told.spans("normalize t")
    assert (span.attributes["error.type"], span.status.is_ok) == ("malformed", False)


def test_a_fault_is_named_and_never_quoted(told: Told) -> None:
    def fail() -> None:
        with told.tracer.hop("normalize", "t", 0) as hop:
            hop.passes_on([outbound(1)])
            raise ValueError("李沐阳 13764520918")

    with pytest.raises(ValueError, match="李沐阳"):
        fail()
    (span,) = told.spans("normalize t")
    assert span.attributes["error.type"] == "ValueError"
    assert "李沐阳" not in span.to_json()
    assert not span.events


def test_a_share_of_the_traces_is_told_and_every_stage_chooses_the_same() -> None:
    told = Told(0.3)
    records = [raw(number) for number in range(200)]
    with told.tracer.hop("connector") as hop:
        sent = hop.begins(records)
    with told.tracer.hop("normalize", "t", 0) as hop:
        passed = hop.passes_on(sent)
    began, went_on = told.spans("connector"), told.spans("normalize t")
    assert 30 < len(began) < 90
    assert {span.context.trace_id for span in began} == {span.context.trace_id for span in went_on}
    untold = [one for one in passed if dict(one.headers)[HOP].endswith(b"-00")]
    assert len(untold) == len(records) - len(began)
    told.tracer.close()


def test_without_a_tracer_a_hop_passes_on_what_came() -> None:
    records = [outbound(1)]
    with OFF.hop("normalize", "t", 0) as hop:
        assert hop.passes_on(records) is records
        assert hop.begins(records) is records
    headers = dict(records[0].headers)
    assert headers[FIRST_TRACE] == headers[HOP]


def test_a_header_that_is_no_trace_is_let_pass(told: Told) -> None:
    strange = Outbound("t", b"", b"", [(HOP, b"00-zero-01"), ("x", b"y")])
    with told.tracer.hop("normalize", "t", 0) as hop:
        assert hop.passes_on([strange, Outbound("t", b"", b"", [])]) == [strange, Outbound("t", b"", b"", [])]
    assert not told.spans("normalize t")


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_collector_that_is_away_costs_one_line_and_a_short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "CLOSE_SECONDS", 2.0)
    monkeypatch.setattr(tracing, "EXPORT_SECONDS", 0.2)
    tracer = tracing.exporting("http://127.0.0.1:9", 1.0)
    with capture_logs() as lines:
        for number in range(3):
            with tracer.hop("connector") as hop:
                hop.begins([raw(number)])
            tracer._provider.force_flush()
        began = time.monotonic()
        tracer.close()
    assert time.monotonic() - began < 20  # the library would wait for 30
    assert [line["event"] for line in lines] == ["spans_lost"]


COMPONENTS_WITHOUT_A_COLLECTOR = """
import sys
from hotline.config.settings import TelemetrySettings
from hotline.runtime.logging import tracing
import connectors.publish.publisher, sinks.runner, streams.assign, streams.normalize, streams.screen
import hotline.runtime.components
with tracing(TelemetrySettings()):
    print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_opentelemetry_is_not_even_imported_when_nobody_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", COMPONENTS_WITHOUT_A_COLLECTOR], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
