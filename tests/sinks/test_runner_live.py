"""The sink on real Kafka and Elasticsearch: nothing lost, nothing committed early, repeats harmless."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from sinks import Document
from sinks.runner import Runner
from tests.fakes.sinks import document
from tests.sinks.conftest import PARTITIONS, Lane, until

pytestmark = pytest.mark.integration


def tickets(lane: Lane, count: int, *, first: int = 0, version: int = 1) -> list[Document]:
    return [
        document(f"t{n}", b'{"ticket_id":"t%d","search_text":"v%d"}' % (n, version), version=version, topic=lane.topic)
        for n in range(first, first + count)
    ]


async def test_every_document_is_indexed_and_then_committed(lane: Lane) -> None:
    await lane.publish(tickets(lane, 1000))
    async with lane.running() as runner:
        await lane.until_indexed(1000)
        assert runner.health().ready
    assert await lane.committed() == 1000


async def test_a_stop_finishes_what_it_has_read(lane: Lane) -> None:
    await lane.publish(tickets(lane, 300))
    async with lane.running():
        await until(lane.committed, 300)
        await lane.publish(tickets(lane, 50, first=300))
        await asyncio.sleep(0.2)
    committed = await lane.committed()
    assert await lane.indexed() >= committed
    async with lane.running():
        await lane.until_indexed(350)


async def test_the_newest_version_wins(lane: Lane) -> None:
    await lane.publish([d for version in (3, 9, 1, 7) for d in tickets(lane, 100, version=version)])
    async with lane.running():
        await until(lane.committed, 400)
    assert await lane.indexed() == 100
    found = await lane.es.search(index=lane.routes["ticket"].index.alias, size=100, version=True)
    assert {hit["_version"] for hit in found["hits"]["hits"]} == {9}
    assert {hit["_source"]["search_text"] for hit in found["hits"]["hits"]} == {"v9"}
    assert await lane.dead() == []


async def test_a_mapping_conflict_becomes_a_dead_letter_byte_for_byte(lane: Lane) -> None:
    headers = [("ce_sequence", b"0000000001"), ("x", b"\x00\xff"), ("x", b"again"), ("空", "值".encode())]
    value = '{"location":"中山路12号" ,"deadlines": [1]}'.encode()
    conflict = document("bad", topic=lane.topic)._replace(value=value, headers=headers)
    torn = document("torn", b'{"a":\n1}', topic=lane.topic)
    documents = tickets(lane, 200)
    await lane.publish([*documents[:100], conflict, torn, *documents[100:]])
    async with lane.running():
        await until(lane.committed, 202)
    assert await lane.indexed() == 200
    letters = {key: (value_, kept) for key, value_, kept in await lane.dead()}
    assert set(letters) == {b"bad", b"torn"}
    assert letters[b"bad"][0] == value
    assert letters[b"bad"][1][: len(headers)] == headers
    reasons = dict(letters[b"bad"][1][len(headers) :])
    assert reasons["hotline.error.code"] == b"mapping_conflict"
    assert reasons["__connect.errors.exception.message"] == b"document_parsing_exception at location"
    assert dict(letters[b"torn"][1])["hotline.error.code"] == b"schema"


async def test_an_aborted_transaction_is_never_indexed(lane: Lane) -> None:
    await lane.publish(tickets(lane, 50), abort=True)
    await lane.publish(tickets(lane, 30, first=100), abort=False)
    await lane.publish(tickets(lane, 50, first=200), abort=True)
    async with lane.running():
        await lane.until_indexed(30)
        await lane.publish(tickets(lane, 1, first=300))
        await lane.until_indexed(31)
    found = await lane.es.count(
        index=lane.routes["ticket"].index.alias, query={"terms": {"ticket_id": ["t0", "t49", "t200"]}}
    )
    assert found["count"] == 0


async def test_commands_and_tombstones_are_stepped_over(lane: Lane) -> None:
    topic = lane.routes["message"].topic
    command = document("c", b'{"command_id":"c"}', topic=topic)
    command = command._replace(headers=[*command.headers, ("ce_type", b"cn.hotline12345.command.v1")])
    message = document("m", b'{"message_id":"m"}', topic=topic, recorded="2026-12-01T00:00:00+00:00")
    await lane.publish([command, message, document("gone", b"", topic=lane.topic)])
    async with lane.running(names=["message", "ticket"]):
        await until(lambda: lane.committed(topic), 2)
        await until(lane.committed, 1)
    assert await lane.indexed("message") == 1
    assert await lane.indexed() == 0
    (name,) = (await lane.es.indices.get_alias(name=lane.routes["message"].index.alias)).keys()
    assert name.endswith("-message-2026.12")
    assert await lane.dead() == []


async def test_two_sinks_share_the_work_and_one_leaves(lane: Lane) -> None:
    async with lane.running():
        await lane.publish(tickets(lane, 500))
        async with lane.running():
            for first in range(500, 2000, 100):
                await lane.publish(tickets(lane, 100, first=first))
        await lane.publish(tickets(lane, 500, first=2000))
        await lane.until_indexed(2500)
        await until(lane.committed, 2500)
    assert await lane.dead() == []


async def seen(runner: Runner) -> str:
    return runner.health().detail


async def test_an_index_that_is_missing_waits_and_buries_nothing(lane: Lane) -> None:
    async with lane.running() as runner:
        await lane.es.indices.delete(index=f"{lane.prefix}-ticket-v1")
        await lane.publish(tickets(lane, 10))
        await until(lambda: seen(runner), "index_not_found_exception")
        assert await lane.committed() == 0
        await lane.es.indices.create(index=f"{lane.prefix}-ticket-v1", aliases={f"{lane.prefix}-ticket": {}})
        await lane.until_indexed(10)
        await until(lane.committed, 10)
    assert await lane.dead() == []


async def test_partitions_that_are_added_are_read_soon(lane: Lane) -> None:
    async with lane.running():
        await lane.publish(tickets(lane, 10))
        await lane.until_indexed(10)
        admin = AIOKafkaAdminClient(bootstrap_servers=lane.endpoints.bootstrap_servers)
        await admin.start()
        await admin.create_partitions({lane.topic: NewPartitions(PARTITIONS + 2)})
        await admin.close()
        await asyncio.sleep(1)
        await lane.publish(tickets(lane, 40, first=10))  # by key, and so into the new ones, too
        await lane.until_indexed(50, seconds=90)
