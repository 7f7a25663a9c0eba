"""A stage that loses its broker may write a dead letter twice: who puts both back doubles no message and no ticket."""

import asyncio

import pytest
import urllib3

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.codec import Outbound, Position, decode
from schemas.errors import RecordError
from schemas.records import Message, Ticket
from tests.assign import logs
from tests.fakes.sinks import document
from tests.hotline.letters import hotline, letter, lines, read, send
from tests.hotline.test_dead_sinks import STAGE, map_, published
from tests.sinks.webhook.receiver import Receiver
from tests.sinks.webhook.snapshots import snapshot
from tests.tickets.build import message
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

__all__ = ["map_"]


@pytest.fixture
def kafka(operators_kafka: KafkaConnection) -> KafkaConnection:
    return operators_kafka


def twice(kafka: KafkaConnection, stage: str, place: Position, record: Outbound) -> tuple[str, str]:
    """Write a letter twice, and return the ids of both."""
    one = letter(stage, place, record, RecordError("refused"))
    send(kafka, one, one)
    first, second = (f"{found.partition}:{found.offset}" for found in read(kafka, topics.DEAD))
    return first, second


def put_back(*arguments: str, code: int = 0) -> dict[str, int]:
    (report,) = lines(hotline("dead", "replay", *arguments, "--yes", "--json"), code)
    found: dict[str, int] = report["put_back"]
    return found


def test_it_is_put_back_once_and_who_names_the_other_one_opens_no_second_ticket(kafka: KafkaConnection) -> None:
    sent = logs.outbound(message(1))
    both = twice(kafka, "assign", Position(topics.MESSAGE, 0, 5), sent)
    assert put_back(*both) == {topics.MESSAGE: 1}
    assert put_back() == {}
    assert put_back(both[1]) == {topics.MESSAGE: 1}
    found = read(kafka, topics.MESSAGE)
    desk = Desk(State(TicketPolicy()))
    taken = [desk.take(decode(one.value, Message), Position(one.topic, one.partition, one.offset)) for one in found]
    assert [decision is not None for decision in taken] == [True, False]
    snapshots = [decode(one.value, Ticket) for one in desk.flush() if one.topic == topics.TICKET]
    assert [(one.version, one.message_count) for one in snapshots] == [(1, 1)]


@pytest.mark.usefixtures("fresh_indices")
def test_the_archive_has_one_document_in_one_version(kafka: KafkaConnection, stack: Endpoints) -> None:
    one = document("210100-a", b'{"ticket_id":"210100-a"}', version=2, topic=topics.TICKET)
    record = Outbound(topics.TICKET, one.key, one.value, one.headers)
    both = twice(kafka, "sink", Position(topics.TICKET, 0, 7), record)
    assert put_back() == {"sink": 1}
    assert put_back(both[1]) == {"sink": 1}
    url = f"{stack.elasticsearch_url}/hotline-ticket"
    with urllib3.PoolManager() as http:
        http.request("POST", f"{url}/_refresh")
        found = http.request("GET", f"{url}/_search?version=true").json()["hits"]["hits"]
    assert [(hit["_id"], hit["_version"]) for hit in found] == [("210100-a", 2)]


async def test_a_subscriber_knows_the_repeat_by_its_id(kafka: KafkaConnection, map_: Receiver) -> None:
    (one,) = await asyncio.to_thread(published, kafka, snapshot(version=2, topic=topics.TICKET_MASKED))
    record = Outbound(one.position.topic, one.key, one.value, one.headers)
    both = await asyncio.to_thread(twice, kafka, STAGE, one.position, record)
    assert await asyncio.to_thread(put_back, *both) == {STAGE: 1}
    assert await asyncio.to_thread(put_back) == {}
    assert map_.ids == ["map:210100-a:2"]
    assert await asyncio.to_thread(put_back, both[1]) == {STAGE: 1}
    assert map_.ids == ["map:210100-a:2"] * 2
