"""The verbs that need servers, on the real ones: topics, indices, doctor, dead letters, and the walk of explain."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from typer.testing import CliRunner, Result

from broker import kafka_reader
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.cli.app import app
from hotline.config import clients
from hotline.config.load import load
from hotline.dev.stack.stack import Endpoints, Stack
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Position, decode, encode
from schemas.errors import MalformedError
from schemas.records import Command, DeadLetter, Message, RawMessage, raw_message
from schemas.topics import Topic
from sinks import Document, routes
from sinks.elastic.sink import ElasticSink
from tickets import policies
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

NOW = datetime(2026, 3, 1, 1, 2, 3, tzinfo=UTC)
NAME, PHONE = "欧阳测试", "13912345678"


@pytest.fixture
def door(local_stack: Stack, stack: Endpoints, tmp_path: Path, env: pytest.MonkeyPatch) -> Endpoints:
    """The settings of a user whose stack runs."""
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(local_stack.data_dir))
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    return stack


@pytest.fixture
def provisioned(door: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics and indices; other tests may have made the topics before, with as many partitions as they liked."""
    hotline("topics", "create")
    found = Provision(clients.kafka(load())).describe()
    monkeypatch.setenv("HOTLINE_KAFKA__PARTITIONS", str(found[topics.DEAD].partitions))
    assert hotline("topics", "create", "--alter").exit_code == 0
    assert hotline("index", "create").exit_code == 0


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def lines(*arguments: str) -> list[dict[str, Any]]:
    result = hotline(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def topic(door: Endpoints) -> Iterator[Topic]:
    name = f"hotline.test.{time.time_ns()}"
    yield Topic(name=name, about="a test", key="any", retention_ms=3_600_000)
    admin = KafkaAdminClient(bootstrap_servers=door.bootstrap_servers)
    admin.delete_topics([name], raise_errors=False)
    admin.close()


def test_topics_are_made_once_and_their_differences_are_told(door: Endpoints, topic: Topic) -> None:
    connection = KafkaConnection(bootstrap_servers=door.bootstrap_servers, partitions=3)
    provision = Provision(connection, {topic.name: topic})
    assert [one.found for one in provision.differences()] == [None]
    assert provision.create() == [topic.name]
    assert provision.create() == []
    assert provision.differences() == []
    other = Topic(name=topic.name, about="a test", key="any", retention_ms=7_200_000)
    more = KafkaConnection(bootstrap_servers=door.bootstrap_servers, partitions=4)
    changed = Provision(more, {topic.name: other})
    assert {(one.what, one.found, one.wanted) for one in changed.differences()} == {
        ("partitions", "3", "4"),
        ("retention.ms", "3600000", "7200000"),
    }
    assert [one.what for one in changed.alter()] == ["retention.ms"]
    assert [one.what for one in changed.differences()] == ["partitions"]


@pytest.mark.usefixtures("provisioned")
def test_doctor_finds_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_TELEMETRY__PORT", "0")  # of another installation on this machine it would report
    found = lines("doctor")
    assert {line["name"]: line["outcome"] for line in found} == dict.fromkeys(
        [
            "settings",
            "commands",
            "Kafka",
            "topics",
            "rights",
            "Elasticsearch",
            "indices",
            "blob store",
            "disk",
            "processes",
            "clock",
        ],
        "ok",
    )


@pytest.mark.usefixtures("provisioned")
def test_doctor_tells_what_to_do_about_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__PARTITIONS", "99")
    examined = hotline("doctor")
    assert examined.exit_code == 2
    described = hotline("topics", "describe")
    assert described.exit_code == 1
    for told in (examined.stdout, described.stderr):
        # Another test of this server may have frozen another number before.
        assert re.search(
            r"`kafka.partitions` is 99, but cities are spread over (\d+) partitions .*set it to \1\.", told
        )
    assert "kafka-topics.sh" not in described.output


def test_servers_that_do_not_answer_are_a_fault_of_the_surroundings(
    door: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "http://127.0.0.1:9")
    for verb in (["topics", "describe"], ["search", "x"], ["index", "create"]):
        failed = hotline(*verb)
        assert failed.exit_code == 1, verb
        assert failed.stderr.startswith("hotline: ")
        assert len(failed.stderr.splitlines()) == 1


@pytest.mark.usefixtures("provisioned")
def test_index_describe_lists_what_is_there() -> None:
    assert {"hotline-ticket", "hotline-ticket-masked", "hotline-link"} <= {
        row["alias"] for row in lines("index", "describe")
    }


def sent(connection: KafkaConnection, topic: str, key: bytes, value: bytes, headers: Any) -> Position:
    producer = KafkaProducer(**connection.client_options())
    try:
        placed = producer.send(topic, value, key, headers).get(60)
    finally:
        producer.close()
    return Position(topic, placed.partition, placed.offset)


def raw(account: str) -> RawMessage:
    value = json.dumps({"id": "1", "text": f"我叫{NAME}，人民路12号停水", "sender": PHONE}, ensure_ascii=False)
    return raw_message(
        channel="record",
        channel_kind="record",
        account=account,
        jurisdiction="210100",
        identifier="1",
        value=value.encode(),
        content_type="application/json",
        time=NOW,
        recorded=NOW,
        sender=PHONE,
    )


@pytest.fixture
def account() -> str:
    return f"door{time.time_ns()}"


@pytest.mark.usefixtures("provisioned")
def test_a_dead_letter_is_found_and_keeps_its_secret(account: str) -> None:
    one = raw(account)
    letter = DeadLetter.of(
        MalformedError("not JSON"),
        stage=account,
        position=Position(topics.raw("record"), 0, 7),
        key=b"k",
        value=one.value,
        headers=one.envelope.headers(),
    )
    out = letter.outbound()
    position = sent(clients.kafka(load()), out.topic, out.key, out.value, out.headers)
    (found,) = lines("dead", "list", "--stage", account)
    assert found["id"] == f"{position.partition}:{position.offset}"
    assert (found["code"], found["reason"], found["message_id"]) == ("malformed", "not JSON", one.message_id)
    assert found["came_from"] == "hotline.raw.record.v1:0:7"
    assert lines("dead", "list", "--stage", account, "--code", "internal") == []
    shown = hotline("dead", "show", found["id"]).stdout
    clear = hotline("dead", "show", found["id"], "--clear", "--reason", "a test").stdout
    assert NAME not in shown
    assert PHONE not in shown
    assert NAME in clear
    assert hotline("dead", "show", "0:99999999").exit_code == 2
    assert hotline("dead", "show", "nonsense").exit_code == 2


@pytest.fixture
def archived(provisioned: None, account: str) -> Message:
    """One message in Kafka, with its ticket in the archive, as the pipeline would have left them."""
    return archive(raw(account))


def archive(one: RawMessage) -> Message:
    settings = load()
    connection = clients.kafka(settings)
    out = one.outbound()
    position = sent(connection, out.topic, out.key, out.value, out.headers)
    placed = RawMessage(envelope=one.envelope, value=one.value, conversation=one.conversation, position=position)
    message = normalize(placed, Policy()).message
    desk = Desk(State(TicketPolicy()))
    desk.take(message, Position(topics.MESSAGE, 0, 0))
    wanted = {route.topic for route in routes().values()}
    documents = [
        Document(Position(record.topic, 0, number), record.key, record.value, record.headers)
        for number, record in enumerate(desk.flush())
        if record.topic in wanted
    ]
    documents.append(
        Document(Position(topics.MESSAGE, 0, 0), message.message_id.encode(), encode(message), one.envelope.headers())
    )
    asyncio.run(_write(settings, documents))
    return message


async def _write(settings: Any, documents: list[Document]) -> None:
    client = clients.elasticsearch(settings)
    sink = ElasticSink(client, routes().values())
    try:
        await sink.open()
        verdicts = await sink.write(documents)
        assert not verdicts.rejected
        assert not verdicts.retry
        await client.indices.refresh(index="hotline-*")
    finally:
        await sink.close()


def reads_of(ticket_id: str) -> list[list[str]]:
    """What the access log was told about a ticket: the fields that somebody read in clear."""
    commands = (decode(one.value, Command) for one in kafka_reader.read_all(clients.kafka(load()), topics.COMMAND))
    return [one.args["fields"] for one in commands if (one.kind, one.ticket_id) == ("read", ticket_id)]


def test_the_archive_answers_masked_unless_asked_in_clear(archived: Message) -> None:
    ticket_id = f"210100-{archived.message_id[:20]}"
    masked = hotline("show", ticket_id, "--json").stdout
    assert json.loads(masked)["masked"] is True
    assert PHONE not in masked
    assert PHONE in hotline("show", ticket_id, "--clear", "--reason", "核实", "--json").stdout
    assert PHONE not in hotline("show", archived.message_id).stdout
    assert reads_of(ticket_id) == [["all"]]
    assert PHONE in hotline("show", archived.message_id, "--clear", "--reason", "核实").stdout
    assert reads_of(ticket_id) == [["all"], ["all"]]
    assert ticket_id in {hit["ticket_id"] for hit in lines("search", "人民路12号", "--limit", "1000")}
    assert not lines("search", "人民路12号", "--not", "人民路", "--limit", "1000")
    number = json.loads(masked)["ticket_no"]
    assert ticket_id in {hit["ticket_id"] for hit in lines("search", number, "--limit", "1000")}
    assert hotline("show", "210100-aaaaaaaaaaaaaaaaaaaa").exit_code == 2


@pytest.mark.usefixtures("provisioned")
@pytest.mark.parametrize("verb", ["show", "explain"])
def test_a_message_without_a_ticket_is_read_in_clear_by_nobody_unrecorded(account: str, verb: str) -> None:
    """An auto-reply, which holds what it answers, opens no ticket; so no ticket's log can tell who read it."""
    words = (
        f"Auto-Submitted: auto-replied\r\nFrom: {PHONE}@mail.example\r\nSubject: =?utf-8?q?re?=\r\n\r\ncall {PHONE}\r\n"
    )
    message = archive(
        raw_message(
            channel="mailbox",
            channel_kind="mailbox",
            account=account,
            jurisdiction="210100",
            identifier="1",
            value=words.encode(),
            content_type="message/rfc822",
            time=NOW,
            recorded=NOW,
        )
    )
    assert (message.message_class, acts_on(message)) == ("auto_reply", [])
    assert PHONE not in hotline(verb, message.message_id, "--json").stdout
    assert acts_on(message) == []
    assert PHONE in hotline(verb, message.message_id, "--clear", "--reason", "核实", "--json").stdout
    (act,) = acts_on(message)
    assert (act.args["action"], act.author.partition(":")[0], act.reason) == ("read_in_clear", "local", "核实")


def acts_on(message: Message) -> list[Command]:
    """What was sent to the audit log of a message."""
    acts = (decode(one.value, Command) for one in kafka_reader.read_all(clients.kafka(load()), topics.COMMAND))
    return [act for act in acts if act.kind == "record" and act.args["subject"] == message.message_id]


def test_nobody_reads_in_clear_without_a_reason(archived: Message) -> None:
    for words in (["show", archived.message_id], ["explain", archived.message_id], ["search", "人民路12号"]):
        for right in ("--clear", "--restricted"):
            refused = hotline(*words, right)
            assert (refused.exit_code, PHONE in refused.output) == (2, False)
            assert "--reason" in refused.stderr


@pytest.mark.parametrize("by_message", [False, True])
def test_explain_walks_down_to_the_bytes(archived: Message, by_message: bool) -> None:
    ticket_id = f"210100-{archived.message_id[:20]}"
    (told,) = lines("explain", archived.message_id if by_message else ticket_id)
    assert told["ticket_id"] == ticket_id
    (filed,) = told["messages"]
    assert filed["link"]["relation"] == "new"
    assert filed["normalizer_version"] == archived.normalizer_version
    assert (filed["raw"]["found"], filed["raw"]["intact"]) == (True, True)
    assert NAME not in json.dumps(told, ensure_ascii=False)
    shown = hotline("explain", ticket_id)
    assert "intact" in shown.stdout
    assert "normalizer" in shown.stdout


LONG_AGO = datetime(2018, 3, 1, 1, 2, 3, tzinfo=UTC)
"""A year of which our calendar has no holidays, as of every year to come."""


@pytest.mark.usefixtures("provisioned")
def test_what_is_overdue_is_listed_and_a_grown_calendar_is_reckoned_with(
    account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = ("--jurisdiction", "371700")
    message = archive(
        raw_message(
            channel="record",
            channel_kind="record",
            account=account,
            jurisdiction="371700",
            identifier="1",
            value=json.dumps({"id": "1", "text": "人民路12号停水", "sender": PHONE}, ensure_ascii=False).encode(),
            content_type="application/json",
            time=LONG_AGO,
            recorded=LONG_AGO,
            sender=PHONE,
        )
    )
    ticket_id = f"371700-{message.message_id[:20]}"
    late = {line["ticket_id"]: line for line in lines("deadlines", "overdue", *city, "--limit", "10000")}[ticket_id]
    assert (late["clock"], late["status"], late["due_at"]) == ("resolve", "received", "2018-03-08T23:59:59+08:00")
    asked = hotline("deadlines", "recompute", *city)
    assert asked.exit_code == 0
    assert "0 deadlines recalculated." in asked.stderr
    assert "1 stays provisional" in asked.stderr
    ours = policies.OURS.joinpath("calendars", "cn.toml").read_text(encoding="utf-8")
    (tmp_path / "rules" / "calendars").mkdir(parents=True)
    (tmp_path / "rules" / "calendars" / "cn.toml").write_text(f"{ours}\n[years.2018]\noff = [2018-03-05]\n", "utf-8")
    monkeypatch.setenv("HOTLINE_RULES__FOLDER", str(tmp_path / "rules"))
    assert ticket_id in hotline("deadlines", "recompute", *city, "--dry-run").stdout
    assert orders_about(ticket_id) == []
    assert hotline("deadlines", "recompute", *city).exit_code == 0
    assert orders_about(ticket_id) == [("set_deadline", {"clock": "resolve", "recompute": True})]


def orders_about(ticket_id: str) -> list[tuple[str, Any]]:
    commands = (decode(one.value, Command) for one in kafka_reader.read_all(clients.kafka(load()), topics.COMMAND))
    return [(one.kind, one.args) for one in commands if one.ticket_id == ticket_id]
