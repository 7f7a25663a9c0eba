"""`hotline approve --list` shows the commands that wait for a second person, on a real Kafka and Elasticsearch."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace

from broker.aio_client import running
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.codec import Outbound, decode
from schemas.records import Command
from sinks import routes
from sinks.elastic.sink import ElasticSink
from tests.hotline.letters import hotline, lines
from tests.sinks.webhook.snapshots import GOLDEN, document
from tests.tickets.build import CITY
from tests.tickets.test_admission import TICKET, WANG, Hall, confirmed, order, signed
from tickets import records_out

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(microsecond=0)
NUMBER = "210100-20261125-000001-7"


class Log:
    """The topics of commands and of decisions, as a desk fills them."""

    def __init__(self) -> None:
        self.hall = Hall("confidential")
        self.records: list[Outbound] = []

    def ask(self, kind: str, name: str, *, age: timedelta = timedelta(hours=1), **fields: Any) -> Any:
        """Give a command of the first person and return its record."""
        own = {key: fields.pop(key) for key in ("reason", "ticket_id") if key in fields}
        asked = replace(order(kind, **fields), command_id=name, at=NOW - age, seen_at=NOW - age, **own)
        return self.give(signed(asked))

    def give(self, record: Any) -> Any:
        self.send(record)
        decision = self.hall.give(record)
        assert decision is not None
        self.records += records_out.of_event(decision)
        return record

    def send(self, record: Any) -> None:
        """Let a command wait for its decision."""
        key = decode(record.value, Command).command_id.encode()
        self.records.append(Outbound(topics.COMMAND, key, record.value, record.headers, CITY))

    def write(self, connection: KafkaConnection) -> None:
        async def send() -> None:
            producer = make_producer(connection)
            async with running(producer):
                await Sender(producer, connection.partitions).send(self.records)

        asyncio.run(send())


@pytest.fixture
def log(operators_kafka: KafkaConnection) -> Log:
    log = Log()
    log.ask(
        "reclassify", "lower", confidentiality="internal", reason="请公开\x1b[31m\nx:2  forget", age=timedelta(hours=3)
    )
    log.ask("forget", "erase", message_ids=["210100-m"], age=timedelta(hours=2))
    log.ask("export", "export:n:d", form="zammad", digest="d", ticket_id=None)
    log.ask("reclassify", "raise", confidentiality="restricted")
    log.ask("set_status", "stage", status="registered")
    old = log.ask("export", "old", form="zammad", digest="d", ticket_id=None, age=timedelta(days=8))
    done = log.ask("export", "done", form="zammad", digest="d", ticket_id=None)
    log.give(confirmed(done))
    alone = log.ask("export", "alone", form="zammad", digest="d", ticket_id=None, age=timedelta(minutes=5))
    log.give(confirmed(alone, WANG, "wang.li"))  # refused: it is still for another person
    log.send(signed(replace(order("forget"), command_id="undecided", at=NOW, seen_at=NOW)))
    log.records.append(Outbound(topics.COMMAND, b"broken", b"{", [], CITY))
    assert decode(old.value, Command).command_id == "old"
    return log


def test_those_that_wait_are_listed_the_oldest_first_and_no_other(
    operators_kafka: KafkaConnection, stack: Endpoints, fresh_indices: None, log: Log
) -> None:
    log.write(operators_kafka)
    archive(stack, TICKET)
    listed = lines(hotline("approve", "--list", "--json"))
    assert [one["command_id"] for one in listed] == ["lower", "erase", "export:n:d", "alone"]
    lower, erase, export, _ = listed
    assert lower == {
        "command_id": "lower",
        "kind": "reclassify",
        "jurisdiction": CITY,
        "ticket_no": NUMBER,
        "ticket_id": TICKET,
        "author": "wang.li",
        "at": shown(NOW - timedelta(hours=3)),
        "until": shown(NOW - timedelta(hours=3) + timedelta(days=7)),
        "reason": "请公开\x1b[31m\nx:2  forget",
    }
    assert (erase["kind"], erase["reason"], export["ticket_no"], export["ticket_id"]) == (
        "forget",
        "pipl-47",
        None,
        None,
    )

    told = hotline("approve", "--list")
    assert told.exit_code == 0, told.output
    _, first, *others = told.stdout.splitlines()
    assert len(others) == 3, "a reason makes no line of its own"
    assert first.split() == [
        *("lower", "reclassify", CITY, NUMBER, "wang.li", shown(NOW - timedelta(hours=3))),
        *("请公开\N{REPLACEMENT CHARACTER}[31m", "x:2", "forget"),
    ]
    assert "\x1b" not in told.output


def test_it_goes_without_the_archive_and_says_so(
    operators_kafka: KafkaConnection, log: Log, env: pytest.MonkeyPatch
) -> None:
    log.write(operators_kafka)
    env.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "http://127.0.0.1:9")
    told = hotline("approve", "--list")
    assert told.exit_code == 0, told.output
    assert TICKET in told.stdout.splitlines()[1]
    assert "The archive does not return the number of each ticket" in told.stderr


def test_where_nothing_waits_it_says_so(operators_kafka: KafkaConnection) -> None:
    told = hotline("approve", "--list")
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "No command waits for a second person.\n")


@pytest.mark.parametrize("words", [[], ["erase", "--list"]])
def test_an_id_or_the_list_is_asked_for(words: list[str], env: pytest.MonkeyPatch) -> None:
    refused = hotline("approve", *words)
    assert (refused.exit_code, "Give the id of one command, or --list" in refused.stderr) == (2, True)


def archive(stack: Endpoints, ticket_id: str) -> None:
    async def write() -> None:
        client = AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60)
        sink = ElasticSink(client, routes().values())
        ticket = replace(GOLDEN, ticket_id=ticket_id, ticket_no=NUMBER, masked=True)
        assert (await sink.write([document(ticket, topics.TICKET_MASKED)])).stored
        await client.indices.refresh(index="hotline-ticket*")
        await sink.close()

    asyncio.run(write())


def shown(at: datetime) -> str:
    return (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
