"""CloudEvents in Kafka's binary mode: what goes in comes out, byte for byte."""

import string
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings import kafka as cloudevents
from cloudevents.core.formats.json import JSONFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from hotline.dev.stack.stack import Endpoints
from schemas.envelope import Envelope

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
zones = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=9, minutes=30))])
times = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=zones)
OPTIONAL = sorted(set(Envelope.__struct_fields__) - {"id", "source", "type", "time", "recordedtime", "specversion"})
TRACES = ("traceparent", "hop")
envelopes = st.builds(
    Envelope,
    id=texts,
    source=texts,
    type=texts,
    time=times,
    recordedtime=times,
    datacontenttype=texts,
    notbefore=st.none() | times,
    **{name: st.none() | texts for name in OPTIONAL if name not in ("datacontenttype", "notbefore", *TRACES)},
    **{
        name: st.none() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True)
        for name in TRACES
    },
)
foreign_names = st.text(string.ascii_letters + "_.中", min_size=1).filter(
    lambda name: name != "traceparent" and not name.startswith("ce_")
)
foreign_headers = st.lists(st.tuples(foreign_names, st.binary(max_size=20)))
values = st.binary(max_size=400) | texts.map(lambda text: text.encode("gb18030"))


NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)


def utc(envelope: Envelope) -> dict[str, Any]:
    known = {name: getattr(envelope, name) for name in Envelope.__struct_fields__}
    told = {name: getattr(envelope, name) for name in ("time", "recordedtime", "notbefore")}
    return known | {name: at.astimezone(UTC) for name, at in told.items() if at is not None}


@given(envelopes)
def test_headers_say_what_the_envelope_says(envelope: Envelope) -> None:
    assert utc(Envelope.of(envelope.headers())) == utc(envelope)


@given(texts)
def test_what_is_no_trace_context_is_not_taken_for_one(text: str) -> None:
    headers = [
        *Envelope(id="i", source="s", type="t", time=NOON, recordedtime=NOON).headers(),
        ("traceparent", text.encode()),
    ]
    assert Envelope.of(headers).hop is None


@given(envelopes, st.lists(st.tuples(texts.map(lambda name: f"x{name}"), st.binary())))
def test_a_reader_ignores_headers_it_does_not_know(envelope: Envelope, more: list[tuple[str, bytes]]) -> None:
    assert Envelope.of([*more, *envelope.headers(), *more]) == Envelope.of(envelope.headers())


def test_the_reference_implementation_reads_what_we_write() -> None:
    at = datetime(2026, 11, 24, 9, 12, 3, tzinfo=timezone(timedelta(hours=8)))
    ours = Envelope(
        id="1", source="/hotline/sms/12345", type="cn.hotline12345.raw.v1", time=at, recordedtime=at,
        datacontenttype="application/octet-stream", sequence="0000000007", subject="工单",
    )  # fmt: skip
    message = cloudevents.KafkaMessage(headers=dict(ours.headers()), key=b"k", value=b"\xd6\xd0\xff\x00")
    theirs = cloudevents.from_binary(message, JSONFormat())
    assert (theirs.get_id(), theirs.get_source(), theirs.get_type()) == (ours.id, ours.source, ours.type)
    assert (theirs.get_time(), theirs.get_subject()) == (at, "工单")
    assert theirs.get_extension("sequence") == "0000000007"
    assert theirs.get_data() == b"\xd6\xd0\xff\x00"


def test_we_read_what_the_reference_implementation_writes() -> None:
    at = datetime(2026, 11, 24, 9, 12, 3, 5, tzinfo=UTC)
    ours = Envelope(id="1", source="/s", type="t", time=at, recordedtime=at, account="12345")
    event = cloudevents.from_binary(
        cloudevents.KafkaMessage(headers=dict(ours.headers()), key=None, value=b"{}"), JSONFormat()
    )
    written = cloudevents.to_binary(event, JSONFormat())
    assert Envelope.of(written.headers.items()) == ours


@pytest.fixture(scope="module")
def through(request: pytest.FixtureRequest) -> Iterator["Passage"]:
    endpoints: Endpoints = request.getfixturevalue("local_stack").up()
    passage = Passage(endpoints.bootstrap_servers)
    yield passage
    passage.close()


class Passage:
    """Sends records through a topic of its own and returns them as they came out."""

    def __init__(self, servers: str) -> None:
        self.place = TopicPartition(f"test.envelope.{uuid.uuid4().hex}", 0)
        self.admin = KafkaAdminClient(bootstrap_servers=servers)
        self.admin.create_topics([NewTopic(self.place.topic, 1, 1)])
        self.producer = KafkaProducer(bootstrap_servers=servers, acks="all")
        self.consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
        self.consumer.assign([self.place])
        self.consumer.seek_to_beginning(self.place)

    def __call__(self, records: list[tuple[bytes, list[tuple[str, bytes]]]]) -> list[Any]:
        for value, headers in records:
            self.producer.send(self.place.topic, value, key=b"k", headers=headers, partition=0)
        self.producer.flush()
        out: list[Any] = []
        while len(out) < len(records):
            for batch in self.consumer.poll(timeout_ms=10_000, max_records=len(records)).values():
                out += batch
        return out

    def close(self) -> None:
        self.consumer.close()
        self.producer.close()
        self.admin.delete_topics([self.place.topic])
        self.admin.close()


@pytest.mark.integration
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    records=[
        (b"", Envelope(id="空", source="/s", type="t", time=datetime.now(UTC), recordedtime=datetime.now(UTC)), [])
    ]
)
@given(records=st.lists(st.tuples(values, envelopes, foreign_headers), min_size=1, max_size=20))
def test_raw_bytes_and_headers_are_identical_through_kafka_and_back(through: Passage, records: Any) -> None:
    sent = [(value, [*envelope.headers(), *foreign]) for value, envelope, foreign in records]
    came = through(sent)
    assert [(record.value, list(record.headers)) for record in came] == sent
    assert [utc(Envelope.of(record.headers)) for record in came] == [utc(e) for _, e, _ in records]
