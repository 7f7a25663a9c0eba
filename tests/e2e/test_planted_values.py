"""Values planted in every kind of input come out in the topics that keep them in clear, and nowhere else."""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from broker.config import KafkaConnection
from hotline.admin import erasure_report
from hotline.dev.demo import mailbox, web
from hotline.dev.demo import pipeline as demo
from hotline.dev.demo.ledger import Totals
from hotline.dev.stack.stack import Endpoints, Stack
from hotline.monitor.stages import WATCHED
from hotline.quality.evaluate.labelled import rows
from hotline.runtime.tracing import LINKS
from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.records import Command, Message, Ticket, raw_message
from schemas.records.dead_letter import PREFIX
from tests.checkpoints import is_one, text_of
from tests.e2e import outputs, planted, promised
from tests.e2e.hooked import hooked
from tests.e2e.pipeline import Pipeline, reading, until
from tests.peers.collector import Collector
from tests.peers.dovecot import free_ports
from tests.peers.greenmail import GreenMail
from tests.tickets.test_spans import HIDDEN
from tickets.deciders.redelivery import METHOD

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

CITY = demo.CITY
LONG = 8
"""Characters that no id and no time holds by chance."""

NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)

SENDER, WRITER, CLERK = "霁霄溪", "李沐阳", "衡之岫"
"""A display name that begins with no surname, a name under a letter, and one in commands."""

NEIGHBOUR, RESULT_NUMBER = "郁青岚", "13504017388"
"""Whom a text names by a cue and the result of the ticket without one, and a number in that result."""

NUMBER, DESK_NUMBER, ADDRESS = "13764520918", "13976410253", "jixiaoxi.1987@mail.example"
PERSONAL = (SENDER, WRITER, NUMBER, ADDRESS, "jixiaoxi")

GONE, GONE_NUMBER, GONE_ADDRESS = "漱霰汀", "13512207689", "shuxianting@mail.example"
FORGOTTEN = (GONE, GONE_NUMBER, GONE_ADDRESS, "辽A58K62", "6217003810026896707", "翠屏苑")
"""Of a citizen who asks to be forgotten; the estate is a place, which masks show."""


def by_no_chance(text: str, secret: str) -> str:
    """Return what is hunted: a few digits with what stands around them, as ids and times are full of digits."""
    start = text.index(secret)
    start = max(0, min(start, start + len(secret) - LONG))
    return text[start : max(start + LONG, text.index(secret) + len(secret))] if secret.isdecimal() else secret


FORMS = {
    text: by_no_chance(text, secret)
    for text, secret in HIDDEN.values()
    if len(secret.encode()) > 5 and "座" not in secret
}
"""The forms whose secret is long enough to be found by no chance in an id or a time."""

TOLD = {
    str(row["text"]): [value for value in str(row["expected"]).split() if len(value) >= LONG]
    for row in rows(Path(__file__).parents[1] / "tickets/personal_told.tsv")
    if row.get("expected") and "地址在下面" not in str(row["text"])
}
"""What reaches a person: numbers, papers, accounts, plates; those long enough.

But one that alarms."""

A_DOZEN = 12
IN_LINES = ["\n".join([*TOLD][first : first + A_DOZEN]) for first in range(0, len(TOLD), A_DOZEN)]
"""Several of them in each message: what stands in one line must not unmask the next."""

PROMISED = sorted(set(topics.TOPICS) - {topics.COMMAND, topics.CURSOR})
"""The topics whose records are ours: commands come from outside, and cursors are nobody else's."""

HIDDEN_FROM = {topics.TICKET_MASKED, topics.CURSOR} | (
    set(topics.TOPICS) - {*erasure_report.PERSONAL, topics.LEASE, topics.REPLAYED}
)
"""All topics that the report of an erasure does not name, but two without records here; and two that it does."""


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


def leaving() -> bytes:
    letter = EmailMessage()
    letter["From"] = f"{GONE} <{GONE_ADDRESS}>"
    letter["To"] = "szxx@12345.example"
    letter["Subject"] = f"{GONE}:翠屏苑的车库进水"
    letter["Message-ID"] = f"<{GONE_ADDRESS}>"
    text = f"我叫{GONE}，电话{GONE_NUMBER}，翠屏苑3号楼2单元1504，车牌辽A58K62泡在水里，卡号6217003810026896707。\n"
    letter.set_content(text, charset="utf-8", cte="8bit")
    for number in (1, 2):
        name = f"{GONE}{GONE_NUMBER}-{number}.txt"
        letter.add_attachment(f"{GONE}{number}".encode(), maintype="text", subtype="x-note", filename=name)
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


def answers(smtp_port: int) -> dict[str, str]:
    """Return the settings by which the mailbox answers."""
    prefix = "HOTLINE_ANSWERS__DEMO_MAILBOX__SMTP__"
    told = {"HOST": "127.0.0.1", "PORT": str(smtp_port), "TLS": "none", "FROM_ADDRESS": "szxx@12345.example"}
    return {f"{prefix}{name}": value for name, value in told.items()}


def records() -> list[Outbound]:
    words = f"{WRITER} {NUMBER} 的供热"
    coded = ("channel_kind", "account", "category", "external_ticket_no", "hotline_code", "kind", "note")
    files = [{"name": f"{WRITER}.txt", "media_type": f"{WRITER}/{NUMBER}"}]
    return [
        record(1, text="井盖丢了，没有人管", place=f"{WRITER}家", attachments=files, **dict.fromkeys(coded, words)),
        record(2, text=f"解放路88号着火了，快来人，我叫{WRITER}，{NUMBER}", sender=NUMBER),
        record(
            3, text="公园的长椅坏了" * 12 + f"，请找我，手机{NUMBER}，{ADDRESS}，邻居{NEIGHBOUR}也摔了", sender=ADDRESS
        ),
        *(record(number, text=f"第{number}件事：{text}") for number, text in enumerate((*FORMS, *IN_LINES), 10)),
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
            told = [name.encode() + b": " + text for name, text in one.headers if name.startswith(header)]
            yield b"\n".join([*((one.key or b"", one.value or b"") if value else ()), *told]).decode()

    def all(self, topic: str, header: tuple[str, ...] = ("",), *, value: bool = True) -> str:
        return "\n".join(self.texts(topic, header, value=value))

    def close(self) -> None:
        self._consumer.close()


def found(secrets: list[str], text: str) -> list[str]:
    told = text.casefold()
    return [secret for secret in secrets if secret.casefold() in told or json.dumps(secret)[1:-1] in told]


def indexed(url: str) -> str:
    """Return every document of every index."""
    return json.dumps(outputs.indexed(url), ensure_ascii=False)


def stored(folder: Path) -> str:
    """Return every object of the blob store, with its name; of a checkpoint also what is packed in it."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return "\n".join(f"{file}\n{_read(file)}" for file in files)


def _read(file: Path) -> str:
    whole = file.read_bytes()
    return asyncio.run(text_of(whole)) if is_one(file) else whole.decode(errors="replace")


def newest(read: "Read", topic: str) -> str:
    """Return what compaction leaves of a topic."""
    kept = {one.key: (one.value or b"").decode() for one in read.records(topic)}
    return "\n".join(kept.values())


def erase(
    pipeline: Pipeline,
    order: Sequence[str],
    known_by: set[str],
    secrets: list[str],
    *,
    elasticsearch: str,
    blobs: Path,
    read: "Read",
) -> None:
    """Erase what one citizen said, by forget or redact; everybody else's words stay."""
    before = indexed(elasticsearch), stored(blobs)
    for text in before:
        assert known_by <= set(found(secrets, text)), "what was not there cannot be gone"
    _, report = pipeline.ask("command", *order)
    assert {one["state"] for one in report["places"]} == {"gone", "expires"}, report
    assert not found(secrets, json.dumps(report, ensure_ascii=False))
    texts = {"indices": indexed(elasticsearch), "blob store, archive and checkpoints": stored(blobs)}
    texts |= {topic: newest(read, topic) for topic in (topics.TICKET, topics.TICKET_MASKED)}
    texts |= {topic: read.all(topic) for topic in topics.TOPICS if topic not in erasure_report.PERSONAL}
    assert {topics.EVENT, topics.AUDIT, topics.LINK, topics.DELIVERY} <= set(texts)
    for place, text in texts.items():
        assert not found(secrets, text), place
    assert f'"action":"{report["action"]}"' in texts[topics.AUDIT]
    assert WRITER in texts["indices"]
    assert ADDRESS in texts["blob store, archive and checkpoints"]


@pytest.fixture
def read(fresh_topics: KafkaConnection) -> Iterator[Read]:
    reader = Read(fresh_topics)
    yield reader
    reader.close()


def test_planted_values_come_out_in_clear_topics_alone(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, read: Read, tmp_path: Path
) -> None:
    sent, dead = records(), broken()
    came = len(sent) + planted.CAME + 2
    port = free_ports(2, start=19400)
    doors = planted.Doors(port)
    (tmp_path / "blobs").mkdir(mode=0o755)  # as an administrator may make it
    with GreenMail() as server, Collector(tmp_path) as collector, hooked() as subscriber, doors.open():
        settings = (
            demo.environment(local_stack.data_dir, port)
            | mailbox.account(server.port)
            | answers(server.smtp_port)
            | doors.settings
            | {
                "HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(),
                "HOTLINE_KAFKA__PARTITIONS": "2",
                "HOTLINE_RECEIVER__PUBLISH_TIMEOUT_SECONDS": "4",  # a busy machine's broker is no error that is told
                "HOTLINE_TELEMETRY__PORT": str(port + 1),
                "HOTLINE_TELEMETRY__OTLP_ENDPOINT": collector.endpoint,
                "HOTLINE_SINKS__ARCHIVE__ENABLED": "true",
                **subscriber.settings,
            }
        )
        pipeline = Pipeline(settings, tmp_path, port)
        try:
            pipeline.start_all("monitor", "eraser", "sink:archive", "sink:webhook", "outbox", *doors.components)
            server.deliver(mail())
            server.deliver(leaving())
            send(fresh_topics, [*sent, *dead, *commands()])
            doors.knock()
            with reading(fresh_topics) as totals:
                wanted = (came, len(dead), 1)
                until(lambda: (filed := totals()).balanced and counts(filed) == wanted, "every message is filed")
            until(lambda: "command_refused" in read.all(topics.EVENT), "the command is refused")
            until(lambda: DESK_NUMBER in read.all(topics.DEAD), "the other commands are dead letters")
            until(lambda: bool(pipeline.ask("search", "公园的长椅坏了")), "a hit")
            hits = json.dumps(pipeline.ask("search", "件事", "--limit", "100"), ensure_ascii=False)
            until(lambda: len(pipeline.ask("search", "翠屏苑")) == 1, "a hit for who leaves")
            (left,) = pipeline.ask("search", "翠屏苑")
            settle(pipeline, ticket_that_holds(NEIGHBOUR, read))
            until(lambda: RESULT_NUMBER in read.all(topics.TICKET), "the result is in the ticket")
            until(lambda: is_there_in_clear(stack.elasticsearch_url), "what will be forgotten is in the archive")
            until(lambda: '"accepted"' in read.all(topics.OUTBOX), "a receipt leaves")
            until(lambda: len(subscriber.came) >= totals_of(read), "every ticket is delivered")
            until(lambda: is_archived(tmp_path / "blobs", came + len(dead)), "every raw record is archived")
            shown = "".join(pipeline.told(*words) for words in asked(left["ticket_id"], read))
            shown += pipeline.told("answers", "list")
            status, indices = pipeline.ask("status"), indexed(stack.elasticsearch_url)
            metrics = urllib3.request("GET", f"http://127.0.0.1:{port + 1}/metrics", timeout=60).data.decode()
            outputs.ask_for(port, (planted.AT_WECHAT, planted.AT_PHONE, planted.AT_LMTP, GONE))
            tickets = sorted({one.key.decode() for one in read.records(topics.TICKET_MASKED)})[:A_DOZEN]
            said = dict(outputs.answers(port, port + 1, tickets)) | dict(outputs.printed(pipeline, tmp_path))
            said |= {
                one: json.dumps(outputs.indexed(stack.elasticsearch_url, one), ensure_ascii=False)
                for one in ("hotline-ticket-masked", "hotline-link")
            }
            servers = "".join(one.read_text("utf-8") for one in (local_stack.data_dir / "logs").glob("*.out"))
            leaving_ones = {left["ticket_id"]: ({GONE_ADDRESS, GONE}, [*FORGOTTEN])} | {
                ticket_that_holds(known_by, read): ({known_by}, [*told]) for known_by, told in planted.LEAVING.items()
            }
            for ticket_id, (known_by, told_of) in leaving_ones.items():
                erase(
                    pipeline,
                    ("forget", ticket_id, "--reason", "pipl-47"),
                    known_by,
                    told_of,
                    elasticsearch=stack.elasticsearch_url,
                    blobs=tmp_path / "blobs",
                    read=read,
                )
            erase(
                pipeline,
                ("redact", *span_of(planted.IN_WECHAT, read)),
                {planted.IN_WECHAT},
                [planted.IN_WECHAT],
                elasticsearch=stack.elasticsearch_url,
                blobs=tmp_path / "blobs",
                read=read,
            )
            server.deliver(planted.AGAIN + leaving())
            doors.knock_again()
            until(
                lambda: read.all(topics.EVENT).count(METHOD) == 1 + planted.CAME_AGAIN, "what comes again goes as well"
            )
            gone = [secret for _, told_of in leaving_ones.values() for secret in told_of] + [planted.IN_WECHAT]
            places = (lambda: indexed(stack.elasticsearch_url), lambda: stored(tmp_path / "blobs"))
            for place in places:
                until(lambda place=place: not found(gone, place()), "no place has it")  # type: ignore[misc]
            still_said = "".join(outputs.printed_in_clear(pipeline, tmp_path, leaving_ones))
            open_files = outputs.open_to_others(tmp_path, "blobs", "export.*")
        finally:
            pipeline.stop()
        assert ADDRESS in still_said, "of everybody else"
        assert not found(gone, still_said)
        assert not found(gone, "".join(place() for place in places)), "nor does it come back"
        spans, told = collector.spans(), collector.text()
    written = [promised.check(one.value, one.headers) for topic in PROMISED for one in read.records(topic)]
    assert set(written) == {
        "message",
        "command",
        "event",
        "link",
        "placement",
        "ticket",
        "handover",
        "dead",
        "delivery",
        "audit",
        "outbox",
        "outbox_state",
        "",
    }
    secrets = [
        *PERSONAL,
        NEIGHBOUR,
        RESULT_NUMBER,
        *planted.SECRETS,
        CLERK,
        DESK_NUMBER,
        *FORMS.values(),
        *(value for values in TOLD.values() for value in values),
        *(one for one in FORGOTTEN if one != "翠屏苑"),
    ]
    clear = read.all(topics.TICKET) + read.all(topics.MESSAGE)
    came_in = "".join(read.all(topics.raw(channel)) for channel in ("mailbox", "web"))
    assert set(found([*planted.INSIDE], came_in)) == set(planted.INSIDE)
    assert set(found(secrets, clear)) == set(secrets), "what was planted nowhere cannot be missed anywhere"
    assert planted.DIGESTS[0] in clear, "of the card"
    came_as = [one.value for topic in topics.LIVE_RAW for one in read.records(topic)]
    secrets += [*planted.INSIDE, *planted.DIGESTS, *(hashlib.sha256(value).hexdigest() for value in came_as)]
    for topic in HIDDEN_FROM:
        text = read.all(topic)
        assert text, topic
        assert not found(secrets, text), topic
    reasons = read.all(topics.DEAD, (PREFIX, "hotline.error."), value=False)
    assert reasons.count("malformed") == len(dead) + 3
    assert not found(secrets, reasons)
    assert not found(secrets, hits)
    for place in ("hotline-ticket-masked", f"{web.PATH}/open311/v2/requests.json", "file of export zammad"):
        assert "翠屏苑" in said[place], "a place is no secret"
    for place, text in said.items():
        assert not found([*secrets, *planted.KEYS], text), place
    assert not found(secrets, servers)
    assert not open_files
    assert "翠屏苑" in shown, "a place is no secret"
    assert not found(secrets, shown)
    assert not found(secrets, "\n".join(subscriber.came))
    assert NUMBER in read.all(topics.HANDOVER), "the desk that rings back has the number"
    assert "hotline_monitor_silent" in metrics
    workers = {one["stage"]: one["workers"] for one in status if one["kind"] == "stage"}
    assert workers == {**dict.fromkeys(WATCHED, 1), "sink:archive": 1, "webhook:map": 1, "outbox": 1}
    assert {one["account"]: one["silent"] for one in status if one["kind"] == "account"}["demo_mailbox"] is False
    assert not found(secrets, json.dumps(status, ensure_ascii=False))
    assert not found(secrets, metrics)
    answered = [one for one in read.texts(topics.TICKET_MASKED) if "长椅已修" in one]
    assert answered, "the result is no secret, but whom it names"
    assert not found([*secrets, *planted.KEYS], pipeline.log())
    assert not found([*secrets, *planted.KEYS], told)
    assert not found([*planted.KEYS], metrics + clear + indices)
    states = [text for text in read.texts(topics.OUTBOX) if '"state":' in text]
    assert not found(secrets, "\n".join(states))
    assert_every_hop_is_told(spans, read, pipeline.log())


def counts(totals: Totals) -> tuple[int, int, int]:
    return totals.messages, totals.dead, totals.handovers


def is_there_in_clear(elasticsearch: str) -> bool:
    return {GONE_ADDRESS, GONE} <= set(found([*FORGOTTEN], indexed(elasticsearch)))


def totals_of(read: Read) -> int:
    """Return how many tickets there are."""
    return len({one.key for one in read.records(topics.TICKET_MASKED)})


def ticket_that_holds(secret: str, read: Read) -> str:
    """Return the id of the one ticket that holds this."""
    (ticket_id,) = {one.key.decode() for one in read.records(topics.TICKET) if secret in one.value.decode()}
    return ticket_id


def span_of(secret: str, read: Read) -> tuple[str, ...]:
    """Return what `redact` is told of where a ticket's text says this."""
    held = [decode(one.value, Ticket) for one in read.records(topics.TICKET) if secret in one.value.decode()]
    ticket, start = held[-1], held[-1].text.index(secret)
    return ticket.ticket_id, f"spans=[[{start}, {start + len(secret)}]]", f"if_version={ticket.version}"


def settle(pipeline: Pipeline, ticket_id: str) -> None:
    """Answer a ticket, in words that name its neighbour and a number."""
    result = f"result_text=已转告{NEIGHBOUR}，长椅已修，可拨{RESULT_NUMBER}"
    for told in (["status=registered"], ["status=answered", result]):
        pipeline.told("command", "set_status", ticket_id, *told, codes=(0,))


def is_archived(folder: Path, messages: int) -> bool:
    return len(list(folder.glob(f"{CITY}/*/*.json"))) >= messages


def asked(ticket_id: str, read: Read) -> Iterator[tuple[str, ...]]:
    """Yield what people ask without --clear: of a ticket, its message, and a dead letter."""
    message = next(link.value for link in read.records(topics.LINK) if ticket_id.encode() in link.value)
    yield ("search", "翠屏苑")
    for name in (ticket_id, json.loads(message)["message_id"]):
        yield ("show", name)
    yield ("explain", ticket_id)
    yield ("dead", "list")
    letter = next(iter(read.records(topics.DEAD)))
    yield ("dead", "show", f"{letter.partition}:{letter.offset}")


def assert_every_hop_is_told(spans: list[dict[str, Any]], read: Read, log: str) -> None:
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
    linked = {link["spanId"] for span in mine if span["name"] == "sink:elastic" for link in span["links"]}
    batches = [span["links"] for span in spans if span["name"] == "sink:elastic batch" and span["spanId"] in linked]
    assert batches, "each hop names its batch"
    for links in batches:  # of a large batch the first ones
        assert any(link["traceId"] == trace for link in links) or len(links) == LINKS
    errors = {
        (span["name"].startswith("connector"), told["value"]["stringValue"])
        for span in spans
        for told in span["attributes"]
        if told["key"] == "error.type"
    }
    # On a busy machine Kafka may confirm so late that the journal takes a message: the log tells it.
    late = {(True, "UnreachableError")} if "journal_opened" in log and "did not confirm within" in log else set()
    assert errors - late == {(False, "malformed")}
