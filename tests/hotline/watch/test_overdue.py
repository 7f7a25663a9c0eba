"""Tickets that wait for longer than they may (超期) ring: counted in the real archive, by the monitor's clock."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from elasticsearch import AsyncElasticsearch
from msgspec.structs import replace
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from hotline.config.settings import ElasticsearchSettings, KafkaSettings, Settings
from hotline.dev.stack.stack import Endpoints
from hotline.monitor.exporter import Monitor
from schemas import topics
from schemas.codec import Position, encode
from schemas.records import Message, Ticket
from sinks import Document, routes
from sinks.elastic.sink import ElasticSink
from tests.tickets.build import START, message
from tests.tickets.commands.orders import Office
from tickets.masking.mask import mask_ticket

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("fresh_indices")]

METRIC = "hotline_monitor_tickets_overdue"


def by_form(number: int) -> Message:
    """A message that is to be accepted within three minutes."""
    return message(number, f"第{number}件事", sender=f"138001380{number:02d}", channel="web")


def keep(stack: Endpoints, tickets: Iterable[Ticket]) -> None:
    """Let the sink write tickets as it does."""

    async def write() -> None:
        client = AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60)
        sink = ElasticSink(client, routes().values())
        await sink.open()
        await sink.write([_document(one) for one in tickets])
        await client.indices.refresh(index="hotline-ticket-masked")
        await sink.close()

    asyncio.run(write())


def _document(ticket: Ticket) -> Document:
    headers = [("ce_sequence", b"%010d" % ticket.version), ("ce_recordedtime", ticket.updated_at.isoformat().encode())]
    value = encode(mask_ticket(ticket))
    return Document(Position(topics.TICKET_MASKED, 0, 0), ticket.ticket_id.encode(), value, headers)


def counts() -> dict[tuple[str, str], float]:
    """What the metric says, without zeros."""
    found: dict[tuple[str, str], float] = {}
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name == METRIC and sample.value:
                found[sample.labels["clock"], sample.labels["urgency"]] = sample.value
    return found


def looking(stack: Endpoints, connection: KafkaConnection) -> Monitor:
    hosts = ElasticsearchSettings(hosts=[stack.elasticsearch_url])
    kafka = KafkaSettings(bootstrap_servers=connection.bootstrap_servers)
    return Monitor(Settings(kafka=kafka, elasticsearch=hosts))


def test_what_ran_out_is_counted_until_it_is_done(stack: Endpoints, fresh_topics: KafkaConnection) -> None:
    at_office = Office([by_form(0), by_form(1)])
    one, two = at_office.tickets
    keep(stack, [at_office.ticket(one), replace(at_office.ticket(two), urgency="critical")])
    monitor = looking(stack, fresh_topics)
    monitor.look(START + timedelta(minutes=2))
    assert (counts(), monitor.trouble) == ({}, None)
    assert REGISTRY.get_sample_value(METRIC, {"clock": "accept", "urgency": "normal"}) == 0  # an alarm on it could ring
    monitor.look(START + timedelta(days=1))
    assert counts() == {("accept", "normal"): 1, ("accept", "critical"): 1}
    at_office.order("set_status", one, status="registered")
    keep(stack, [at_office.ticket(one)])
    monitor.look(START + timedelta(days=1))
    assert counts() == {("accept", "critical"): 1}


def test_each_clock_counts_in_the_stages_that_wait_for_it(stack: Endpoints, fresh_topics: KafkaConnection) -> None:
    at_office = Office([by_form(0), by_form(1), by_form(2)])
    dispatched, resolved, erased = at_office.tickets
    for ticket in at_office.tickets:
        at_office.order("set_deadline", ticket, clock="sign", due_at=(START + timedelta(days=1)).isoformat())
        at_office.order("set_deadline", ticket, clock="resolve", due_at=(START + timedelta(days=2)).isoformat())
        at_office.order("set_status", ticket, status="registered")
        at_office.order("dispatch", ticket, organizer="chengguan")
    for stage in ("signed", "in_progress", "resolved"):
        at_office.order("set_status", resolved, status=stage)
    at_office.order("forget", erased)
    keep(stack, map(at_office.ticket, at_office.tickets))
    monitor = looking(stack, fresh_topics)
    monitor.look(START + timedelta(days=1, hours=1))
    assert counts() == {("sign", "normal"): 1}
    monitor.look(START + timedelta(days=3))
    assert counts() == {("sign", "normal"): 1, ("resolve", "normal"): 1}
    at_office.order("set_status", dispatched, status="signed")
    keep(stack, [at_office.ticket(dispatched)])
    monitor.look(START + timedelta(days=3))
    assert counts() == {("resolve", "normal"): 1}


def test_an_archive_without_indices_has_nothing_that_is_overdue(
    stack: Endpoints, fresh_topics: KafkaConnection
) -> None:
    asyncio.run(_without_index(stack))
    monitor = looking(stack, fresh_topics)
    monitor.look(START + timedelta(days=1))
    assert (counts(), monitor.trouble) == ({}, None)


async def _without_index(stack: Endpoints) -> None:
    async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
        await client.indices.delete(index="hotline-ticket-masked-v1")


@pytest.fixture(autouse=True)
def _indices_are_there_again(stack: Endpoints) -> Iterator[None]:
    yield

    async def again() -> None:
        from sinks.elastic.templates import ensure_indices

        async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
            await ensure_indices(client)

    asyncio.run(again())
