"""Spans of every hop, sent by OTLP; imported only if a collector is set."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.metadata import version
from itertools import islice

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas import topics
from schemas.codec import Outbound
from schemas.envelope import FIRST_TRACE, HOP
from schemas.records.dead_letter import CODE
from schemas.tracing import Came

CONVENTIONS = "https://opentelemetry.io/schemas/1.36.0"
"""Version of the attributes' names; those of messaging are still in development, so it stays."""

LINKS = 128
"""Most links of one batch's span: the specification's own limit."""

QUEUE_SPANS = 8_192
EXPORT_SECONDS = 5.0
"""After this a collector that does not answer is given up; spans that find no room are dropped, messages wait never."""

CLOSE_SECONDS = 3.0
"""Seconds that the end of a process waits for its last spans."""

_log = structlog.get_logger(__name__)

_TRACE_IDS = (1 << 64) - 1
_own: ContextVar[SpanContext | None] = ContextVar("own", default=None)


class _Ids(RandomIdGenerator):
    """Gives the first span of a message the ids that its headers already name."""

    def generate_trace_id(self) -> int:
        own = _own.get()
        return own.trace_id if own else super().generate_trace_id()

    def generate_span_id(self) -> int:
        own = _own.get()
        return own.span_id if own else super().generate_span_id()


class Spans:
    """A tracer of `schemas.tracing`: spans name stages, topics and codes, never a person, an id or a citizen's word.

    A share `ratio` of the traces is recorded, chosen by trace id: stages with one ratio record the same ones.
    """

    def __init__(self, processor: SpanProcessor, ratio: float) -> None:
        resource = Resource.create({"service.name": "hotline", "service.version": version("hotline")})
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=_Ids())
        self._provider.add_span_processor(processor)
        self.tracer = self._provider.get_tracer("hotline", version("hotline"), schema_url=CONVENTIONS)
        self._bound = TraceIdRatioBased.get_bound_for_rate(ratio)

    @contextmanager
    def hop(
        self, stage: str, topic: str | None = None, partition: int | None = None, came: Iterable[Came] = ()
    ) -> Iterator["_Hop"]:
        """Begin a batch; all its spans begin now and end with the block."""
        hop = _Hop(self, stage, topic, partition)
        hop.links(list(came))
        try:
            yield hop
        except BaseException as error:
            hop.failed(type(error).__name__)
            raise
        finally:
            hop.end()

    def tells(self, context: SpanContext | None) -> bool:
        """Return whether this trace is recorded."""
        return context is not None and context.trace_id & _TRACE_IDS < self._bound

    def close(self) -> None:
        """Send the remaining spans, within the collector's time limit."""
        self._provider.shutdown()


def exporting(endpoint: str, ratio: float) -> Spans:
    """Return a tracer that sends to the OTLP collector at the base URL `endpoint`."""
    # It would write a line for each batch, and each span without room.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = _Told(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS))
    return Spans(_Impatient(exporter, max_queue_size=QUEUE_SPANS), ratio)


class _Told(SpanExporter):
    """Exports, and logs when the collector stops taking spans or takes them again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._well = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        well = result is SpanExportResult.SUCCESS
        if well != self._well:
            self._well = well
            _log.warning("spans_taken_again" if well else "spans_lost")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Impatient(BatchSpanProcessor):
    def shutdown(self) -> None:
        self._batch_processor.shutdown(int(CLOSE_SECONDS * 1000))  # the library's own 30 s are a service's whole drain


class _Hop:
    """One batch in one stage: a span of its own, and one in the trace of each message."""

    def __init__(self, spans: Spans, stage: str, topic: str | None, partition: int | None) -> None:
        self._spans = spans
        self._name = f"{stage} {topic}" if topic else stage
        self._began = time.time_ns()
        self._batch: Span | None = None
        self._count = self._linked = 0
        self._by_parent: dict[bytes, Span | None] = {}
        self._attributes: dict[str, str | int] = {"messaging.system": "kafka", "messaging.operation.name": stage}
        if topic:
            self._attributes |= {"messaging.destination.name": topic}
        if partition is not None:
            self._attributes |= {"messaging.destination.partition.id": str(partition)}

    def links(self, came: Sequence[Came]) -> None:
        """Link the batch's span to the spans of the records' senders."""
        self._count += len(came)
        contexts = (_context(headers) for headers in came)
        for context in islice(filter(self._spans.tells, contexts), LINKS):
            self._link(context)

    def begins(self, outbounds: Sequence[Outbound]) -> Sequence[Outbound]:
        self._count += len(outbounds)
        return [self._begun(outbound) for outbound in outbounds]

    def passes_on(self, outbounds: Sequence[Outbound]) -> Sequence[Outbound]:
        return [self._passed_on(outbound) for outbound in outbounds]

    def ends(self, came: Iterable[Came]) -> None:
        all_of_them = list(came)
        self.links(all_of_them)
        for headers in all_of_them:
            self._below(headers)

    def failed(self, error: str) -> None:
        """Mark every span: an exception's own text may quote a citizen, so its name alone."""
        for span in self._all():
            _fail(span, error)

    def end(self) -> None:
        """End every span."""
        if self._batch is not None:
            self._batch.set_attribute("messaging.batch.message_count", self._count)
        now = time.time_ns()
        for span in self._all():
            span.end(now)

    def _all(self) -> Iterator[Span]:
        yield from (span for span in self._by_parent.values() if span is not None)
        if self._batch is not None:
            yield self._batch

    def _batch_span(self) -> Span:
        if self._batch is None:
            self._batch = self._spans.tracer.start_span(
                f"{self._name} batch",
                kind=SpanKind.CONSUMER,
                attributes=self._attributes,
                start_time=self._began,
                context=Context(),
            )
        return self._batch

    def _link(self, context: SpanContext | None) -> None:
        if context is not None and self._linked < LINKS:
            self._batch_span().add_link(context)
            self._linked += 1

    def _begun(self, outbound: Outbound) -> Outbound:
        context = _context(outbound.headers)
        if context is None or not self._spans.tells(context):
            return outbound
        self._link(context)
        token = _own.set(context)
        try:
            span = self._start(outbound.topic, SpanKind.PRODUCER)
        finally:
            _own.reset(token)
        self._by_parent[_value(outbound.headers)] = span
        if outbound.topic == topics.DEAD:
            return _dead(span, outbound)
        own = _text(span)
        return _with(outbound, {HOP: own, FIRST_TRACE: own})

    def _passed_on(self, outbound: Outbound) -> Outbound:
        span = self._below(outbound.headers)
        if span is None:
            return outbound
        return _dead(span, outbound) if outbound.topic == topics.DEAD else _with(outbound, {HOP: _text(span)})

    def _below(self, headers: Came) -> Span | None:
        """Return this hop's span below the one that sent the record; several records of one sender share it."""
        value = _value(headers)
        if value not in self._by_parent:
            parent = _parsed(value)
            told = parent is not None and self._spans.tells(parent)
            self._by_parent[value] = self._start(None, SpanKind.CONSUMER, parent) if told else None
        return self._by_parent[value]

    def _start(self, topic: str | None, kind: SpanKind, parent: SpanContext | None = None) -> Span:
        to = {"messaging.destination.name": topic} if topic else {}
        return self._spans.tracer.start_span(
            self._name,
            context=set_span_in_context(NonRecordingSpan(parent), Context()) if parent else Context(),
            kind=kind,
            attributes={**self._attributes, **to},
            links=[Link(self._batch_span().get_span_context())],
            start_time=self._began,
        )


def _value(headers: Came) -> bytes:
    return next((value for name, value in headers if name == HOP and value), b"")


def _context(headers: Came) -> SpanContext | None:
    return _parsed(_value(headers))


@lru_cache(maxsize=4096)
def _parsed(value: bytes) -> SpanContext | None:
    """Return the context that a `traceparent` names, None when it is none."""
    found = TraceContextTextMapPropagator().extract({HOP: value.decode(errors="replace")}, Context())
    context = get_current_span(found).get_span_context()
    return context if context.is_valid else None


def _text(span: Span) -> bytes:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01".encode()


def _with(outbound: Outbound, changed: dict[str, bytes]) -> Outbound:
    return outbound._replace(headers=[(name, changed.get(name, value)) for name, value in outbound.headers])


def _dead(span: Span, outbound: Outbound) -> Outbound:
    """Record in the span why the record is a dead letter; its headers stay unchanged."""
    _fail(span, next((value.decode() for name, value in outbound.headers if name == CODE), "unknown"))
    return outbound


def _fail(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))
