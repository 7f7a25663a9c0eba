"""From a citizen's mail to a search hit with TLS, passwords, an API key, and for each process only what it needs."""

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from obstore.store import MemoryStore
from typer.testing import CliRunner, Result

from broker.config import KafkaConnection
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from hotline.cli.app import app
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.codec import Outbound, Position, decode
from schemas.errors import RecordError
from schemas.records import Audit, Cursor, RawMessage, raw_message
from tests.connectors import pushed
from tests.docs import pages
from tests.forked import Forked
from tests.hotline.letters import letter, read, send
from tests.peers import acls
from tests.peers.certificates import Authority
from tests.peers.elastic_door import ElasticDoor
from tests.peers.secured_kafka import SecuredKafka
from tests.sinks.webhook.receiver import SECRET, receiving, status
from tests.sinks.webhook.snapshots import snapshot
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.timeout(900), pytest.mark.long]

USERS = {
    "screen": "hotline-screen",
    "normalize": "hotline-normalize",
    "assign": "hotline-assign",
    "sink:elastic": "hotline-sink",
    "eraser": "hotline-eraser",
}
WRITERS = ("hotline-sink", "hotline-eraser")
PATIENCE = 180.0

KEYS = {"HOTLINE_REQUESTER_KEYS__K1": "planted-requester-key", "HOTLINE_QUERY_KEY": "planted-query-key-of-ours"}
PERSONS = ("desk", "operator")
"""Each has a login and a key: roles in the file of ACLs, persons here."""

SIGNING = {
    f"HOTLINE_COMMAND_KEYS__{one.upper()}__SECRET": f"planted-key-of-{one}-of-32-bytes-or-more" for one in PERSONS
}
"""Of these `assign` has all, and each person the own."""

SIGNERS = {
    f"HOTLINE_COMMAND_KEYS__{one.upper()}__{name}": value
    for one in PERSONS
    for name, value in (
        ("AUTHOR", f"hotline-{one}"),
        ("KINDS", '["set_status", "forget", "export"]'),
        ("JURISDICTIONS", '["110000", "210100"]'),
    )
}

Settings = Callable[[str], dict[str, str]]


@pytest.fixture
def door(stack: Endpoints, tmp_path: Path, fresh_indices: None) -> Iterator[ElasticDoor]:
    authority = Authority(tmp_path)
    with ElasticDoor(stack.elasticsearch_url, authority, authority.issue("elasticsearch")) as opened:
        yield opened


@pytest.fixture
def settings(secured: SecuredKafka, door: ElasticDoor, tmp_path: Path, env: pytest.MonkeyPatch) -> Settings:
    """Return what a process of one user gets as its environment."""
    shared = {
        "HOTLINE_ELASTICSEARCH__HOSTS": door.url,
        "HOTLINE_ELASTICSEARCH__CA_CERTS": str(door.authority.certificate),
        "HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(),
        "HOTLINE_JURISDICTION": "110000",
        **KEYS,
        **SIGNERS,
    }

    def of(user: str) -> dict[str, str]:
        key = door.keys["hotline-sink" if user in WRITERS else "hotline-restricted"]
        own = {name: secret for name, secret in SIGNING.items() if user in ("hotline-assign", _person(name))}
        return secured.settings(user) | shared | own | {"HOTLINE_ELASTICSEARCH__API_KEY": key}

    return of


def _person(variable: str) -> str:
    return f"hotline-{variable.split('__')[1].lower()}"


class Worker:
    """The components in one child process, each with its own user."""

    def __init__(self, settings: Settings, log: Path, users: Mapping[str, str] = USERS) -> None:
        self._log = log
        with log.open("wb") as output, tempfile.TemporaryFile() as told:
            told.write(json.dumps({name: settings(user) for name, user in users.items()}).encode())
            told.seek(0)
            self.process = Forked(
                "-m", "tests.e2e.secured_worker", cwd=pages.ROOT, stdin=told, stdout=output, stderr=output
            )

    def end(self) -> None:
        """Let it drain, or kill it when that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert self.process.poll() is None, self.said()[-3000:]
            assert time.monotonic() < deadline, f"{what} did not happen: {self.said()[-3000:]}"
            time.sleep(0.05)


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    running = Worker(settings, tmp_path / "worker.log")
    yield running
    running.end()


def mail(number: int, text: str, *, backfill: bool = False) -> RawMessage:
    now = datetime.now(UTC)
    head = f"From: c{number}@mail.example\r\nSubject: {text}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return raw_message(
        channel="mailbox",
        channel_kind="mailbox",
        account="mayor",
        jurisdiction="210100",
        identifier=f"{number}-{now.timestamp()}",
        value=f"{head}\r\n{text}\r\n".encode(),
        content_type="message/rfc822",
        time=now,
        recorded=now,
        sender=f"c{number}@mail.example",
        backfill=backfill,
    )


def publish(connection: KafkaConnection, *messages: RawMessage) -> None:
    publisher = Publisher(connection, MemoryStore())
    try:
        publisher.publish(messages)
    finally:
        publisher.close()


def hotline(variables: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env=dict(variables))


def lines(variables: Mapping[str, str], *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in hotline(variables, *arguments, "--json").stdout.splitlines()]


def count(connection: KafkaConnection, topic: str) -> int:
    consumer = KafkaConsumer(**connection.client_options())
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def test_a_message_becomes_a_search_hit_and_a_hand_over_until_one_right_is_taken_away(
    secured: SecuredKafka, door: ElasticDoor, settings: Settings, worker: Worker
) -> None:
    connector, desk = secured.connection("hotline-connector"), settings("hotline-desk")
    urgent = count(secured.administrator, topics.HANDOVER)
    publish(connector, mail(1, "长江街15号的路灯坏了"), mail(2, "解放路88号着火了，快来人"))
    worker.until(lambda: len(lines(desk, "search", "长江街15号")) == 1, "a hit")
    worker.until(lambda: count(secured.administrator, topics.HANDOVER) > urgent, "a hand-over")
    (hit,) = lines(desk, "search", "长江街15号")
    # A ticket and its message are documents of two indices: one may be found before the other.
    explained = ("explain", hit["ticket_no"])
    worker.until(lambda: "hotline.raw.mailbox.v1" in hotline(desk, *explained).stdout, "an explanation")
    publish(secured.connection("hotline-receiver"), pushed.message("broken", "<xml>半截".encode()))
    worker.until(lambda: "malformed" in hotline(desk, "dead", "list").stdout, "a dead letter")
    publish(secured.connection("hotline-operator"), mail(4, "黄河大街7号的井盖丢了", backfill=True))
    worker.until(lambda: len(lines(desk, "search", "黄河大街7号")) == 1, "a hit of an import")
    described = hotline(settings("hotline-topics"), "topics", "describe")
    assert described.exit_code == 0, described.output
    rebuilt = hotline(settings("hotline-sink"), "index", "rebuild")
    assert rebuilt.exit_code == 0, rebuilt.output
    forgotten = forget_by_two(secured, settings, hit["ticket_no"])
    assert "Erased now" in forgotten.stdout, forgotten.output
    assert "Not yet" not in forgotten.stdout
    # A topic that is empty is asked for nothing, so that nobody would miss a right: by now there is a record.
    assert "malformed" in hotline(desk, "dead", "list").stdout
    assert door.refused == []

    (line,) = [one for one in acls.lines() if "hotline-screen " in one and "Write" in one and topics.HANDOVER in one]
    with acls.without(secured.administrator, line):
        publish(connector, mail(3, "解放路90号着火了，快来人"))
        worker.process.wait(PATIENCE)
        examined = hotline(settings("hotline-screen"), "doctor", "screen")
    assert "screen: Kafka denies this to our user (TopicAuthorizationFailedError)" in worker.said()
    assert examined.exit_code == 2
    assert "may not Write the topic hotline.handover.v1: grant it with `kafka-acls.sh --add" in examined.stdout

    planted = [*secured.passwords.values(), *door.keys.values(), *KEYS.values(), *SIGNING.values()]
    assert [secret for secret in planted if secret in worker.said() + examined.output] == []


def forget_by_two(secured: SecuredKafka, settings: Settings, number: str) -> Result:
    """Erase a ticket: the desk asks, another person with the same rights confirms; the audit log has all of it."""
    desk, other, auditor = settings("hotline-desk"), settings("hotline-operator"), settings("hotline-auditor")
    asked = hotline(desk, "command", "forget", number, "--reason", "pipl-47", "--command-id", "f1")
    assert (asked.exit_code, "waits up to seven days for a second person" in asked.output) == (2, True), asked.output
    assert "f1" in waiting(desk)
    alone = hotline(desk, "approve", "f1", "--yes")
    assert (alone.exit_code, "another person" in alone.output) == (2, True), alone.output
    forged = hotline(
        desk | {"HOTLINE_COMMAND_KEYS__DESK__SECRET": "x" * 32}, "command", "set_status", number, "status=registered"
    )
    assert (forged.exit_code, "no key of ours signed it" in forged.output) == (2, True), forged.output
    rights = [line.replace("hotline-desk", "hotline-operator") for line in acls.lines() if "hotline-desk " in line]
    with acls.beside(secured.administrator, rights):
        forgotten = hotline(other, "approve", "f1", "--yes")
        assert "f1" not in waiting(other)
    assert "Erased now" in forgotten.stdout, forgotten.output
    for person in (desk, other):
        refused = hotline(person, "audit", "verify")
        assert (refused.exit_code, topics.AUDIT in refused.output) != (0, True), refused.output
    verified = hotline(auditor, "audit", "verify")
    assert (verified.exit_code, " 0 faults." in verified.output) == (0, True), verified.output
    acts = [decode(one.value, Audit) for one in read(secured.administrator, topics.AUDIT)]
    told = {(one.action, one.author, one.approved_by, one.reason) for one in acts}
    assert told >= {
        ("confirmation_asked", "hotline-desk", None, "pipl-47"),
        ("erased", "hotline-desk", "hotline-operator", "pipl-47"),
        ("command_unproven", "unproven", None, None),
    }
    return forgotten


def waiting(person: Mapping[str, str]) -> list[str]:
    return [one["command_id"] for one in lines(person, "approve", "--list")]


def test_processes_with_a_wrong_password_name_the_doctor_and_tell_no_secret(
    secured: SecuredKafka, door: ElasticDoor, settings: Settings, tmp_path: Path
) -> None:
    wrong = {"HOTLINE_KAFKA__SASL_PASSWORD": "planted-wrong-password"}
    worker = Worker(lambda user: settings(user) | wrong, tmp_path / "worker.log")
    try:
        worker.process.wait(PATIENCE)
    finally:
        worker.end()
    lines = worker.said().splitlines()
    ended = {line.split(": ")[0]: line for line in lines if line.split(": ")[0] in USERS}
    assert ended, worker.said()
    assert all("Kafka does not answer" in line and "`hotline doctor`" in line for line in ended.values())
    told = worker.said() + hotline(settings("hotline-screen") | wrong, "doctor", "screen").output
    assert "refuses the login of hotline-screen" in told
    planted = [
        "planted-wrong-password",
        *secured.passwords.values(),
        *door.keys.values(),
        *KEYS.values(),
        *SIGNING.values(),
    ]
    assert [secret for secret in planted if secret in told] == []


def test_a_sink_whose_right_is_taken_away_says_so_in_a_sentence(
    secured: SecuredKafka, door: ElasticDoor, settings: Settings, tmp_path: Path
) -> None:
    worker = Worker(settings, tmp_path / "sink.log", {"sink:elastic": "hotline-sink"})
    try:
        worker.until(lambda: "partitions_assigned" in worker.said(), "a share of the work")
        (line,) = [one for one in acls.lines() if "hotline-sink " in one and "hotline.link.v1" in one]
        with acls.without(secured.administrator, line):
            worker.process.wait(PATIENCE)
    finally:
        worker.end()
    assert "sink:elastic: Kafka denies this to our user (TopicAuthorizationFailedError)" in worker.said()


@pytest.mark.parametrize(
    ("stage", "topic"), [("screen", "hotline.raw."), ("normalize", "hotline.raw."), ("assign", topics.MESSAGE)]
)
def test_a_stage_whose_right_to_read_is_taken_away_says_so_in_a_sentence(
    stage: str, topic: str, secured: SecuredKafka, settings: Settings, tmp_path: Path
) -> None:
    decided, urgent = (count(secured.administrator, name) for name in (topics.EVENT, topics.HANDOVER))
    users = {name: USERS[name] for name in ("screen", "normalize", "assign")}
    worker = Worker(settings, tmp_path / "stages.log", users)
    try:
        publish(secured.connection("hotline-connector"), mail(5, "解放路92号着火了，快来人"))
        worker.until(lambda: count(secured.administrator, topics.HANDOVER) > urgent, "a hand-over")
        worker.until(lambda: count(secured.administrator, topics.EVENT) > decided, "a decision")
        (line,) = [one for one in acls.lines() if f"{users[stage]} --operation Read --topic {topic}" in one]
        with acls.without(secured.administrator, line):
            worker.process.wait(PATIENCE)
    finally:
        worker.end()
    assert f"{stage}: Kafka denies this to our user (TopicAuthorizationFailedError)" in worker.said()


def test_a_hand_over_that_there_is_not_is_acknowledged_by_nobody(settings: Settings, secured: SecuredKafka) -> None:
    desk = settings("hotline-desk")
    told = hotline(desk, "command", "acknowledge_handover", "a" * 26, "--jurisdiction", "210100", "--no-wait")
    assert (told.exit_code, "There is no hand-over" in told.output) == (2, True), told.output


async def test_a_subscriber_gets_its_letter_again_by_an_operator(secured: SecuredKafka, settings: Settings) -> None:
    ours, one = secured.administrator, snapshot(topic=topics.TICKET_MASKED)
    record = Outbound(one.position.topic, one.key, one.value, one.headers, jurisdiction="210100")
    await asyncio.to_thread(send, ours, record)
    (there,) = [each for each in await asyncio.to_thread(read, ours, record.topic) if each.value == one.value]
    place = Position(record.topic, there.partition, there.offset)
    await asyncio.to_thread(send, ours, letter("sink:webhook.map", place, record, RecordError("refused")))
    async with receiving() as receiver:
        receiver.answers = [status(400)]
        subscriber = {"URL": receiver.url, "ALLOW_PRIVATE": "true", "SECRETS": SECRET}
        operator = settings("hotline-operator") | {
            f"HOTLINE_SINKS__WEBHOOK__MAP__{name}": value for name, value in subscriber.items()
        }
        again = ("dead", "replay", "--stage", "sink:webhook.map", "--yes", "--json")
        refused = await asyncio.to_thread(hotline, operator, *again)
        assert json.loads(refused.stdout)["failed_again"] == 1, refused.output
        receiver.answers = [status(204)]
        taken = await asyncio.to_thread(hotline, operator, *again)
        assert json.loads(taken.stdout)["put_back"] == {"sink:webhook.map": 1}, taken.output
    assert "delivered" in hotline(operator, "webhook", "log", "map").stdout


async def test_a_channel_whose_topic_was_not_granted_keeps_no_other_waiting(
    secured: SecuredKafka, tmp_path: Path
) -> None:
    publisher = Publisher(secured.connection("hotline-receiver"), MemoryStore())
    intake = DurablePublisher.of_journal(publisher, Journal(tmp_path / "journal"), retry_seconds=0.1)
    working = asyncio.create_task(intake.run())
    ours, wechat, sms = secured.administrator, topics.raw("wechat"), topics.raw("sms")
    texts = await asyncio.to_thread(count, ours, sms)
    try:
        assert await intake.publish([pushed.message("refused", channel="sms")]) == "journaled"
        told = await asyncio.to_thread(count, ours, wechat)
        await intake.publish([pushed.message("urgent", "解放路88号着火了".encode())])
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(count, ours, wechat) == told:  # noqa: ASYNC110 - a topic has no event
                await asyncio.sleep(0.1)
        assert await asyncio.to_thread(count, ours, sms) == texts
        line = f"--allow-principal User:hotline-receiver --operation Write --topic {sms}"
        await asyncio.to_thread(acls.grant, ours, [*acls.lines(), line])
        await soon(lambda: not intake.journal_bytes)
        assert await asyncio.to_thread(count, ours, sms) == texts + 1
    finally:
        await asyncio.to_thread(acls.grant, ours, acls.lines())
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await intake.close()
        publisher.close()


def test_a_cursor_is_kept_with_the_rights_of_a_connector(secured: SecuredKafka) -> None:
    for position in ({}, {"INBOX": {"uidvalidity": 7, "uid": 2}}):
        cursors = Cursors(secured.connection("hotline-connector"), "mayor")
        try:
            assert cursors.load().position == position
            cursors.save(Cursor(connector_id="mayor", position={"INBOX": {"uidvalidity": 7, "uid": 2}}))
        finally:
            cursors.close()
