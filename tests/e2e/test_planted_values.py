"""Values planted in every kind of input come out in the topics that records.md keeps in clear, and nowhere else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from hotline.demo import pipeline as demo
from hotline.local.stack import Endpoints, Stack
from hotline.watch.stages import WATCHED
from schemas import topics
from schemas.connection import KafkaConnection
from schemas.records import Command, Message, raw_message
from schemas.records.dead import PREFIX
from schemas.wire import Outbound, decode, encode
from tests.e2e import promised
from tests.e2e.pipeline import Pipeline, reading, until
from tests.peers.collector import Collector
from tests.peers.dovecot import free_ports
from tests.peers.greenmail import GreenMail
from tests.tickets.test_spans import HIDDEN

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

CITY = demo.CITY
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)

SENDER, WRITER, CLERK = "霁霄溪", "李沐阳", "衡之岫"
"""A display name that begins with no surname, a name under a letter, and one in commands."""

NUMBER, DESK_NUMBER, ADDRESS = "13764520918", "13976410253", "jixiaoxi.1987@mail.example"
PERSONAL = (SENDER, WRITER, NUMBER, ADDRESS, "jixiaoxi")

FORMS = {text: secret for text, secret in HIDDEN.values() if len(secret.encode()) > 5 and "座" not in secret}
"""The forms whose secret is long enough to be found by no chance in an id or a time."""

PROMISED = sorted(set(topics.TOPICS) - {topics.COMMAND, topics.CURSOR, topics.OUTBOX})
"""The topics whose records are ours: commands come from outside, and cursors are nobody else's."""

HIDDEN_FROM = (topics.EVENT, topics.LINK, topics.TICKET_MASKED, topics.CURSOR)


def mail() -> bytes:
    letter = EmailMessage()
    letter["From"] = f"{SENDER} <{ADDRESS}>"
    letter["To"] = f"szxx@12345.example, {WRITER} <{NUMBER}@mail.example>"
    letter["Subject"] = f"{SENDER}投诉中山路12号的路灯"
    letter["Message-ID"] = f"<{ADDRESS}>"
    text = f"路灯坏了，{SENDER}的孩子摔了，电话{NUMBER}，{ADDRESS}。\n此致\n敬礼\n{WRITER}\n"
    letter.set_content(text, charset="utf-8")
    letter.add_attachment(b"x", maintype="image", subtype="jpeg", filename=f"{WRITER}{NUMBER}.jpg")
    return bytes(letter)


def record(number: int, *, value: bytes | None = None, **fields: object) -> Outbound:
    """Return a neutral record, of a sender of its own."""
    at = NOON + timedelta(minutes=number)
    own = {"id": f"{SENDER}-{number}", "sender": f"A{number:08d}", "received_at": at.isoformat(), **fields}
    return raw_message(
        channel="record",
        channel_kind="record",
        account="office",
        jurisdiction=CITY,
        identifier=str(own["id"]),
        value=json.dumps(own, ensure_ascii=False).encode() if value is None else value,
        content_type="application/json",
        time=at,
        recorded=at,
        sender=NUMBER,
    ).outbound()


def records() -> list[Outbound]:
    words = f"{WRITER} {NUMBER} 的供热"
    coded = ("channel_kind", "account", "category", "external_ticket_no", "hotline_code", "kind", "note")
    files = [{"name": f"{WRITER}.txt", "media_type": f"{WRITER}/{NUMBER}"}]
    return [
        record(1, text="井盖丢了，没有人管", place=f"{WRITER}家", attachments=files, **dict.fromkeys(coded, words)),
        record(2, text=f"解放路88号着火了，快来人，我叫{WRITER}，{NUMBER}", sender=NUMBER),
        record(3, text="公园的长椅坏了" * 12 + f"，请找我，手机{NUMBER}，{ADDRESS}", sender=ADDRESS),
        *(record(number, text=f"第{number}件事：{text}") for number, text in enumerate(FORMS, 10)),
    ]


def broken() -> list[Outbound]:
    """Return records that become dead letters, and say why."""
    return [
        record(800, value=f'{{"id": "{WRITER}", "text": "{NUMBER}'.encode()),
        record(801, text="x", channel=f"{WRITER} {NUMBER}"),
        record(802, text="x", attachments=[{"name": [WRITER], "data": NUMBER}]),
        record(803, text="x", sender={"kind": WRITER, "value": {WRITER: NUMBER}}),
    ]


def commands() -> list[Outbound]:
    words = f"{CLERK} {DESK_NUMBER}"
    given = {"command_id": "c1", "jurisdiction": CITY, "kind": "read", "author": "clerk-7", "reason": words, "at": NOON}
    made = [
        given | {"kind": words, "args": {words: words}, "ticket_id": words},
        given | {"command_id": "c2", "author": words},
        given | {"command_id": words},
        given | {"command_id": "c3", "jurisdiction": words},
    ]
    headers = [("traceparent", words.encode()), ("ce_traceparent", words.encode())]
    return [Outbound(topics.COMMAND, None, encode(Command(**one)), headers) for one in made]


def send(connection: KafkaConnection, outbound: list[Outbound]) -> None:
    producer = KafkaProducer(**connection.client_options())
    for one in outbound:
        producer.send(one.topic, key=one.key, value=one.value, headers=one.headers)
    producer.flush()
    producer.close()


class Read:
    """What a topic holds: each record as one text of key, value and headers."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._consumer = KafkaConsumer(**connection.client_options(), isolation_level="read_committed")

    def records(self, topic: str) -> Iterator[Any]:
        places = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic) or ()]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        ends = self._consumer.end_offsets(places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            for some in self._consumer.poll(timeout_ms=500).values():
                yield from some

    def texts(self, topic: str, header: tuple[str, ...] = ("",), *, value: bool = True) -> Iterator[str]:
        for one in self.records(topic):
            told = [text for name, text in one.headers if name.startswith(header)]
            yield b"\n".join([*((one.key or b"", one.value or b"") if value else ()), *told]).decode()

    def all(self, topic: str, header: tuple[str, ...] = ("",), *, value: bool = True) -> str:
        return "\n".join(self.texts(topic, header, value=value))

    def close(self) -> None:
        self._consumer.close()


def found(secrets: list[str], text: str) -> list[str]:
    told = text.casefold()
    return [secret for secret in secrets if secret.casefold() in told or json.dumps(secret)[1:-1] in told]


@pytest.fixture
def read(fresh_topics: KafkaConnection) -> Iterator[Read]:
    reader = Read(fresh_topics)
    yield reader
    reader.close()


def test_planted_values_come_out_in_clear_topics_alone(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, read: Read, tmp_path: Path
) -> None:
    sent, dead = records(), broken()
    port = free_ports(2, start=19400)
    with GreenMail() as server, Collector(tmp_path) as collector:
        settings = demo.environment(local_stack.data_dir, server.port, port) | {
            "HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(),
            "HOTLINE_KAFKA__PARTITIONS": "2",
            "HOTLINE_TELEMETRY__PORT": str(port + 1),
            "HOTLINE_TELEMETRY__OTLP_ENDPOINT": collector.endpoint,
        }
        pipeline = Pipeline(settings, tmp_path, port)
        try:
            pipeline.start_all("monitor")
            server.deliver(mail())
            send(fresh_topics, [*sent, *dead, *commands()])
            with reading(fresh_topics) as totals:
                until(lambda: totals().balanced and totals().messages == len(sent) + 1, "every message is filed")
                assert (totals().dead, totals().handovers) == (len(dead), 1)
            until(lambda: "command_refused" in read.all(topics.EVENT), "the command is refused")
            until(lambda: DESK_NUMBER in read.all(topics.DEAD), "the other commands are dead letters")
            until(lambda: bool(pipeline.ask("search", "公园的长椅坏了")), "a hit")
            hits = json.dumps(pipeline.ask("search", "件事", "--limit", "100"), ensure_ascii=False)
            status = pipeline.ask("status")
            metrics = urllib3.request("GET", f"http://127.0.0.1:{port + 1}/metrics").data.decode()
        finally:
            pipeline.stop()
        spans, told = collector.spans(), collector.text()
    written = [promised.check(one.value, one.headers) for topic in PROMISED for one in read.records(topic)]
    assert set(written) == {"message", "command", "event", "link", "ticket", "handover", "dead", ""}
    secrets = [*PERSONAL, CLERK, DESK_NUMBER, *FORMS.values()]
    clear = read.all(topics.TICKET) + read.all(topics.MESSAGE)
    assert set(found(secrets, clear)) == set(secrets), "what was planted nowhere cannot be missed anywhere"
    for topic in HIDDEN_FROM:
        text = read.all(topic)
        assert text, topic
        assert not found(secrets, text), topic
    reasons = read.all(topics.DEAD, (PREFIX, "hotline.error."), value=False)
    assert reasons.count("malformed") == len(dead) + 3
    assert not found(secrets, reasons)
    assert not found(secrets, hits)
    assert NUMBER in read.all(topics.HANDOVER), "the desk that rings back has the number"
    assert "hotline_monitor_silent" in metrics
    workers = {one["stage"]: one["workers"] for one in status if one["kind"] == "stage"}
    assert workers == {stage: int(stage in demo.COMPONENTS) for stage in WATCHED}
    assert {one["account"]: one["silent"] for one in status if one["kind"] == "account"}["demo_mailbox"] is False
    assert not found(secrets, json.dumps(status, ensure_ascii=False))
    assert not found(secrets, metrics)
    assert not found(secrets, pipeline.log())
    assert not found(secrets, told)
    assert_every_hop_is_told(spans, read)


def assert_every_hop_is_told(spans: list[dict[str, Any]], read: Read) -> None:
    """The mail's trace goes from the connector to the archive, each hop below the one before."""
    mails = [one.value for one in read.records(topics.MESSAGE) if ("ce_channel", b"mailbox") in one.headers]
    trace = (decode(mails[0], Message).trace or "").split("-")[1]
    mine = [span for span in spans if span["traceId"] == trace]
    above = ""
    for name in ("connector", f"normalize {topics.raw('mailbox')}", f"assign {topics.MESSAGE}", "sink:elastic"):
        found = [span for span in mine if span["name"] == name and span["parentSpanId"] == above]
        assert found, name
        above = found[0]["spanId"]
    assert f"screen {topics.raw('record')}" in {span["name"] for span in spans}, "the hand-over"
    batches = [span for span in spans if span["name"] == "sink:elastic batch"]
    assert any(link["traceId"] == trace for batch in batches for link in batch["links"])
    errors = [
        told["value"]["stringValue"] for span in spans for told in span["attributes"] if told["key"] == "error.type"
    ]
    assert set(errors) == {"malformed"}
