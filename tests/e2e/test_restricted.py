"""A restricted ticket (严格保密) on real servers: it leaves all that others read; a lowered one comes back."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_producer import Producer
from connectors.web.receipts import Receipts
from hotline.admin import commands
from hotline.cli.app import app
from hotline.dev.demo import pipeline as demo
from hotline.dev.demo import web
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import command_signature, ids, topics
from schemas.codec import Outbound, Position, decode, encode
from schemas.command_signature import Signer
from schemas.contract.index_templates import indices
from schemas.envelope import WITHHELD, type_of
from schemas.errors import RecordError
from schemas.records import Command, Delivery, Outbox, Party, Ticket
from tests.e2e.pipeline import Pipeline, until
from tests.hotline.letters import letter, send
from tests.hotline.signing import SIGNING
from tests.peers.dovecot import free_ports
from tests.streams import raws
from tickets.admission import confirmation_id, signed_headers
from tickets.policy import DEMO_QUERY_KEY

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

WORDS, OTHER_WORDS = "滨河东巷的路灯坏了三天", "北三路的井盖丢了"
SECOND, SECRET = "second.person", "planted-key-of-the-second-of-32-bytes-or-more"
KINDS = '["reclassify", "set_deadline", "read", "export", "approve"]'
KEYS = SIGNING | {
    "HOTLINE_COMMAND_KEYS__US__KINDS": KINDS,
    "HOTLINE_COMMAND_KEYS__SECOND__SECRET": SECRET,
    "HOTLINE_COMMAND_KEYS__SECOND__AUTHOR": SECOND,
    "HOTLINE_COMMAND_KEYS__SECOND__KINDS": KINDS,
    "HOTLINE_COMMAND_KEYS__SECOND__JURISDICTIONS": '["210100"]',
}
TICKETS = {name: indices()[name].alias for name in ("ticket", "ticket_masked", "ticket_restricted")}
Documents = dict[str, dict[str, tuple[int, dict[str, Any]]]]


class City:
    """A running pipeline with a web door that tells masked words, and two people who may give commands."""

    def __init__(self, connection: KafkaConnection, elasticsearch: str, settings: dict[str, str], port: int) -> None:
        self.connection = connection
        self.elasticsearch = elasticsearch
        self.settings = settings
        self.url = f"http://127.0.0.1:{port}{web.PATH}"

    def hotline(self, *words: str) -> Result:
        return CliRunner().invoke(app, words, env={**os.environ, **self.settings}, input="")

    def newest(self, topic: str) -> dict[str, Any]:
        """Return the newest record of each ticket, which is what compaction keeps."""
        return {record.key.decode(): record for record in kafka_reader.read_all(self.connection, topic)}

    def documents(self) -> Documents:
        """Return what the three indices of tickets hold: documents with their versions."""
        return dict(starmap(self._held, TICKETS.items()))

    def _held(self, name: str, alias: str) -> tuple[str, dict[str, tuple[int, dict[str, Any]]]]:
        httpx.post(f"{self.elasticsearch}/{alias}/_refresh", timeout=60, trust_env=False)
        asked = {"query": {"match_all": {}}, "size": 1000, "version": True}
        answer = httpx.post(f"{self.elasticsearch}/{alias}/_search", json=asked, timeout=60, trust_env=False)
        return name, {hit["_id"]: (hit["_version"], hit["_source"]) for hit in answer.json()["hits"]["hits"]}

    def until_held(self, version: int, ticket: str, *names: str) -> None:
        """Wait until these indices hold this version of the ticket, and no others hold a word of it."""

        def stands() -> bool:
            held = {name: found.get(ticket, (0, {})) for name, found in self.documents().items()}
            full = {name for name, (_, source) in held.items() if source}
            return full == set(names) and {held[name][0] for name in names} == {version}

        until(stands, f"version {version} of the ticket in {names}")

    def approve(self, request: str) -> None:
        """Confirm what waits as the second person does, who signs on another machine."""
        record = commands.request(self.connection, request)
        asked = decode(record.value, Command)
        given = Command(
            command_id=confirmation_id(asked),
            jurisdiction=asked.jurisdiction,
            ticket_id=asked.ticket_id,
            kind="approve",
            author=SECOND,
            at=datetime.now(UTC),
            args={"digest": command_signature.digest_of(record.value)},
        )
        signer = Signer("second", SECRET.encode())
        headers = signed_headers(record.headers, record.value)
        commands.deliver(self.connection, given.outbound(given.at, signer, headers))


@pytest.fixture
def city(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, env: Any, tmp_path: Path
) -> Iterator[City]:
    port = free_ports(1, start=19400)
    env.setattr("hotline.runtime.logging.set_up", lambda *_: None)
    own = {"HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(), "HOTLINE_KAFKA__PARTITIONS": "2"}
    settings = demo.environment(local_stack.data_dir, port) | web.account() | own | KEYS
    settings |= {f"{web.PREFIX}TOLD": "masked", "HOTLINE_RECEIVER__JOURNAL_FOLDER": str(tmp_path / "journal")}
    pipeline = Pipeline(settings, tmp_path, port)
    pipeline.start("normalize", "assign", "receiver", "sink:elastic")
    try:
        pipeline.wait()
        yield City(fresh_topics, stack.elasticsearch_url, settings, port)
    finally:
        pipeline.stop()
    assert WORDS not in pipeline.log()


@pytest.fixture
def raised(city: City) -> Ticket:
    """One ticket of two, raised to restricted after everybody could read it."""
    with_two_tickets(city)
    (ticket,) = (one for one in newest_tickets(city) if WORDS in one.text)
    city.until_held(1, ticket.ticket_id, "ticket", "ticket_masked")
    done = city.hotline("command", "reclassify", ticket.ticket_id, "confidentiality=restricted", "--reason", "x")
    assert done.exit_code == 0, done.output
    city.until_held(2, ticket.ticket_id, "ticket_restricted")
    return ticket


def with_two_tickets(city: City) -> None:
    producer = Producer(city.connection)
    some = [raws.outbound(number, text, sender=f"citizen{number}") for number, text in enumerate((WORDS, OTHER_WORDS))]
    producer.deliver_now(some)
    producer.close()
    until(lambda: len(city.newest(topics.TICKET)) == len(some), "two tickets")


def newest_tickets(city: City) -> list[Ticket]:
    return [decode(record.value, Ticket) for record in city.newest(topics.TICKET).values()]


def rebuilt(city: City) -> Documents:
    done = city.hotline("index", "rebuild", *TICKETS)
    assert done.exit_code == 0, done.output
    return city.documents()


def test_a_raised_ticket_leaves_what_others_read_and_a_lowered_one_comes_back(city: City, raised: Ticket) -> None:
    name = raised.ticket_id
    left = city.newest(topics.TICKET_MASKED)[name]
    assert WITHHELD in left.headers
    assert (decode(left.value, Ticket).text, decode(left.value, Ticket).title) == ("", None)
    assert decode(city.newest(topics.TICKET_RESTRICTED)[name].value, Ticket).text == WORDS
    held = city.documents()
    assert held["ticket"][name] == held["ticket_masked"][name] == (2, {})
    assert held["ticket_restricted"][name][1]["text"] == WORDS
    assert len(held["ticket"]) == len(held["ticket_masked"]) == 2, "the other one stays"
    assert rebuilt(city) == held

    lower = ("command", "reclassify", name, "confidentiality=internal")
    unreasoned = city.hotline(*lower)
    assert (unreasoned.exit_code, "needs a reason" in unreasoned.output) == (2, True), unreasoned.output
    asked = city.hotline(*lower, "--reason", "x", "--command-id", "l1")
    assert (asked.exit_code, "waits up to seven days for a second person" in asked.output) == (2, True), asked.output
    alone = city.hotline("approve", "l1", "--yes")
    assert (alone.exit_code, "another person" in alone.output) == (2, True), alone.output
    assert city.documents() == held
    city.approve("l1")
    city.until_held(3, name, "ticket", "ticket_masked")
    lowered = city.documents()
    assert lowered["ticket_masked"][name][1]["text"] == lowered["ticket"][name][1]["text"] == WORDS
    assert lowered["ticket_restricted"][name] == (3, {})
    assert WITHHELD in city.newest(topics.TICKET_RESTRICTED)[name].headers
    assert rebuilt(city) == lowered


NOT_READING = (
    "up,down,demo,run,pipe,check,import,try,evaluate,bench,topics create,topics withhold,index create,index rebuild,"
    "manifest kafka-users,manifest topics,manifest roles,manifest alerts,dead replay,journal show,journal drain,"
    "webhook test,schema check,schema release,schema export,learn category,"
    "learn place,new connector,console user add,console user end,console user remove,console user list"
)
"""Verbs that show no ticket of the city: they read what they are given, or say how many."""

ORDERING = "command,approve"
"""Verbs that name a ticket to a person with a key of their own; they show what that person typed or asked for."""

DEAD_IN = ids.partition_of("210100", 2)

MESSAGE = raws.raw(0, WORDS, sender="citizen0").message_id


def reading_verbs(ticket: Ticket, file: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return the arguments with which each reading verb is asked for the ticket: by number, id, message and words."""
    names = [(ticket.ticket_id,), (ticket.ticket_no,), (MESSAGE,)]
    clear = ("--clear", "--reason", "x")
    return {
        "search": [(one, *more) for one in ("", WORDS, ticket.ticket_no, ticket.ticket_id) for more in ((), clear)],
        "show": [(*one, *more) for one in names for more in ((), clear)],
        "explain": [(*one, *more) for one in names for more in ((), clear)],
        "export": [(str(file), "--format", form) for form in ("open311-json", "open311-xml", "zammad")],
        "rates": [("--least", "1")],
        "deadlines overdue": [("--within-hours", "100000")],
        "deadlines recompute": [("--dry-run",)],
        "dead list": [()],
        "dead show": [(f"{DEAD_IN}:0",)],
        "replay": [("--diff",)],
        "webhook list": [()],
        "webhook log": [(), ("--ticket", ticket.ticket_id)],
        "answers list": [(), ("--ticket", ticket.ticket_no)],
        "audit verify": [()],
        "index describe": [()],
        "topics describe": [()],
        "topics list": [()],
        "topics hanging": [()],
        "status": [()],
        "doctor": [()],
    }


def verbs(command: Any, *path: str) -> Iterator[str]:
    """Yield every verb of the command line."""
    for name, one in getattr(command, "commands", {}).items():
        yield from verbs(one, *path, name)
    if not hasattr(command, "commands"):
        yield " ".join(path)


def secrets_of(ticket: Ticket) -> tuple[str, ...]:
    return (WORDS, WORDS[:6], json.dumps(WORDS)[1:-1], ticket.ticket_no, ticket.ticket_id)


LOGS = ("answers list", "webhook log")
"""Verbs that read a topic of their own, for which it takes a right: its lines name tickets, and hold no word of any."""


def with_traces(city: City, ticket: Ticket) -> None:
    """Write what could stand elsewhere of a ticket: an answer, a line of the delivery log, and a dead letter."""
    now, key = datetime.now(UTC), ticket.ticket_id.encode()
    answer = Outbox(
        ticket_id=ticket.ticket_id,
        jurisdiction=ticket.jurisdiction,
        outbox_id=f"{ticket.ticket_id}:receipt",
        kind="receipt",
        ticket_no=ticket.ticket_no,
        message_id=MESSAGE,
        channel="mailbox",
        channel_kind="imap",
        account="mayor",
        recipient=Party(kind="email", value="a@example.cn"),
        received_at=now,
        at=now,
    )
    line = Delivery(
        delivery_id=f"crm:{ticket.ticket_id}:1",
        subscriber="crm",
        ticket_id=ticket.ticket_id,
        version=1,
        outcome="delivered",
        answer="200",
        attempts=1,
        first_at=now,
        at=now,
    )
    raw = raws.outbound(0, WORDS, sender="citizen0")
    send(
        city.connection,
        Outbound(topics.OUTBOX, key, encode(answer), [("ce_type", type_of("outbox").encode())]),
        Outbound(topics.DELIVERY, line.delivery_id.encode(), encode(line), []),
        *(letter("normalize", Position(raw.topic, 0, n), raw, RecordError("a fault")) for n in range(2)),
    )


def test_no_verb_shows_it_without_the_role(city: City, raised: Ticket, tmp_path: Path) -> None:
    with_traces(city, raised)
    (other,) = (one for one in newest_tickets(city) if one.ticket_id != raised.ticket_id)
    for name in (raised.ticket_id, other.ticket_id):
        late = ("clock=resolve", "due_at=2026-11-25T12:00:00+08:00")
        assert (done := city.hotline("command", "set_deadline", name, *late, "--reason", "x")).exit_code == 0, (
            done.output
        )
    city.until_held(3, raised.ticket_id, "ticket_restricted")
    city.until_held(2, other.ticket_id, "ticket", "ticket_masked")
    file = tmp_path / "exported"
    asked = reading_verbs(raised, file)
    decided = {*asked, *NOT_READING.split(","), *ORDERING.split(",")}
    assert set(verbs(typer.main.get_command(app))) == decided, "decide what a new verb shows of a restricted ticket"
    shown, said = {}, dict.fromkeys(asked, "")
    for verb, ways in asked.items():
        for words in ways:
            done = city.hotline(*verb.split(), *words)
            told = done.output + (file.read_text("utf-8") if file.exists() else "")
            file.unlink(missing_ok=True)
            finds_none = verb in ("show", "explain")
            assert (done.exit_code, "has no ticket" in told) == ((2, True) if finds_none else (0, False)), (verb, told)
            if leaked := leaked_in(told, raised, *words, *((raised.ticket_id, raised.ticket_no) * (verb in LOGS))):
                shown[verb, words] = leaked
            said[verb] += told
    assert shown == {}
    for verb in ("search", "export", "deadlines overdue"):
        assert other.ticket_no in said[verb], f"{verb} shows the ordinary ticket"
    assert raised.ticket_no in said["answers list"]
    assert raised.ticket_id in said["webhook log"]
    assert "a fault" in said["dead list"]
    with_role = city.hotline("show", raised.ticket_no, "--restricted", "--reason", "x")
    assert WORDS[:6] in with_role.output, with_role.output
    reckoned = city.hotline("deadlines", "recompute", "--restricted", "--dry-run")
    assert reckoned.exit_code == 0, reckoned.output
    overdue = city.hotline("deadlines", "overdue", "--restricted").output
    assert (raised.ticket_no in overdue, other.ticket_no in overdue) == (True, False), overdue


def test_no_door_shows_it(city: City, raised: Ticket) -> None:
    """Open311 and the status page answer as if there were no such ticket; the right code opens nothing."""
    requests, nobody = f"{city.url}/open311/v2", f"210100-{'a' * 20}"
    for form in ("json", "xml"):
        listed = ask(f"{requests}/requests.{form}")
        assert (OTHER_WORDS[:3] in listed, leaked_in(listed, raised)) == (True, [])
    receipt = Receipts(DEMO_QUERY_KEY, "210100", web.ACCOUNT).receipt(MESSAGE)
    for name in (raised.ticket_id, raised.ticket_no, receipt):
        for page in (
            "requests/{}.json",
            "requests/{}.xml",
            "requests.json?service_request_id={}",
            "servicerequestupdates.json?service_request_id={}",
        ):
            told = ask(f"{requests}/{page.format(name)}")
            assert told.replace(name, nobody) == ask(f"{requests}/{page.format(nobody)}"), page
        given = {"number": name, "code": ids.query_code(DEMO_QUERY_KEY, raised.ticket_id)}
        asked = httpx.post(f"{city.url}/status", data=given, timeout=60, trust_env=False)
        assert (asked.status_code, leaked_in(asked.text, raised, name)) == (404, []), name
    token = f"{requests}/tokens/{receipt}.json"
    assert (raised.ticket_no in ask(token), WORDS[:6] in ask(token)) == (False, False), ask(token)
    assert leaked_in(ask(f"{city.url}/receipt/{receipt}"), raised) == []


def ask(url: str) -> str:
    answer = httpx.get(url, timeout=60, trust_env=False)
    return f"{answer.status_code}\n{answer.text}"


def leaked_in(said: str, ticket: Ticket, *typed: str) -> list[str]:
    """Return what a text says of a ticket, but for what was typed: that may be repeated."""
    return [one for one in secrets_of(ticket) if one in said and not any(one in word for word in typed)]
