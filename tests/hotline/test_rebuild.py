"""`hotline index rebuild` from the command line, on real Kafka and Elasticsearch."""

import asyncio
import json
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch
from typer.testing import CliRunner, Result

from broker.config import KafkaConnection
from broker.sync_producer import Producer
from hotline.cli.app import app
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import Outbound
from sinks import routes
from sinks.elastic.sink import ElasticSink
from tests.fakes.sinks import document

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.usefixtures("fresh_indices")]


@pytest.fixture
def kafka(local_stack: Stack, fresh_topics: KafkaConnection, env: pytest.MonkeyPatch) -> KafkaConnection:
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(local_stack.data_dir))
    env.setattr("hotline.runtime.logging.set_up", lambda *_: None)
    return fresh_topics


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["index", *arguments])


def lines(*arguments: str) -> list[dict[str, Any]]:
    done = hotline(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def publish(connection: KafkaConnection, topic: str, months: dict[str, str]) -> None:
    producer = Producer(connection)
    for name, month in months.items():
        one = document(name, b"{}", recorded=f"{month}-02T00:00:00+00:00", topic=topic)
        producer.deliver_now([Outbound(topic, one.key, one.value, one.headers)])
    producer.close()


def archive(stack: Endpoints, topic: str, months: dict[str, str]) -> None:
    async def write() -> None:
        sink = ElasticSink(AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60), routes().values())
        some = [
            document(name, b"{}", recorded=f"{month}-02T00:00:00+00:00", topic=topic) for name, month in months.items()
        ]
        assert len((await sink.write(some)).stored) == len(some)
        await sink.close()

    asyncio.run(write())


def test_every_index_is_rebuilt_and_described(kafka: KafkaConnection, stack: Endpoints) -> None:
    publish(kafka, topics.TICKET, {"t1": "2026-11", "t2": "2026-11"})
    publish(kafka, topics.MESSAGE, {"m1": "2026-11"})
    archive(stack, topics.MESSAGE, {"m0": "2026-09", "m1": "2026-11"})
    reports = {one["former"]: (one["index"], one["documents"], one["carried"]) for one in lines("rebuild")}
    assert reports == {
        "hotline-ticket-v1": ("hotline-ticket-v2", 2, 0),
        "hotline-ticket-masked-v1": ("hotline-ticket-masked-v2", 0, 0),
        "hotline-message-2026.11": ("hotline-message-v2-2026.11", 1, 0),
        "hotline-ticket-restricted-v1": ("hotline-ticket-restricted-v2", 0, 0),
        "hotline-link-v1": ("hotline-link-v2", 0, 0),
    }, "September is before the topic's time"
    (september,) = lines("rebuild", "message", "--month", "2026-09")
    assert (september["documents"], september["carried"]) == (1, 1)
    assert hotline("rebuild", "ticket", "--keep").exit_code == 0
    described = {one["index"]: (one["documents"], one["in_use"]) for one in lines("describe")}
    assert described == {
        "hotline-ticket-v2": (2, False),
        "hotline-ticket-v3": (2, True),
        "hotline-ticket-masked-v2": (0, True),
        "hotline-message-v2-2026.09": (1, True),
        "hotline-message-v2-2026.11": (1, True),
        "hotline-ticket-restricted-v2": (0, True),
        "hotline-link-v2": (0, True),
    }
    assert "no,yes" in hotline("describe", "-o", "csv", "--columns", "in_use,blocked").stdout


def wiped(stack: Endpoints) -> None:
    async def wipe() -> None:
        async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
            await client.indices.delete(index=[*(await client.indices.get(index="hotline-*"))])
            for route in routes().values():
                await client.indices.delete_index_template(name=route.index.alias)

    asyncio.run(wipe())


def test_an_archive_that_was_emptied_is_filled_again(kafka: KafkaConnection, stack: Endpoints) -> None:
    """A month's index that grew before anybody put the templates back is mended, too."""
    publish(kafka, topics.TICKET, {"t1": "2026-11"})
    publish(kafka, topics.MESSAGE, {"m1": "2026-10", "m2": "2026-11", "m3": "2026-12"})
    wiped(stack)

    async def grow() -> None:
        async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
            await client.index(
                index="hotline-message-2026.12", id="m3", document={}, version=1, version_type="external"
            )

    asyncio.run(grow())
    assert hotline("create").exit_code == 0
    lines("rebuild")
    described = {one["index"]: (one["documents"], one["in_use"]) for one in lines("describe")}
    assert described == {
        "hotline-ticket-v2": (1, True),
        "hotline-ticket-masked-v2": (0, True),
        "hotline-message-v2-2026.10": (1, True),
        "hotline-message-v2-2026.11": (1, True),
        "hotline-message-v2-2026.12": (1, True),
        "hotline-ticket-restricted-v2": (0, True),
        "hotline-link-v2": (0, True),
    }


def test_what_cannot_be_rebuilt_is_said_in_one_sentence(kafka: KafkaConnection) -> None:
    for arguments in (["tickets"], ["message", "--month", "11"], ["message", "--month", "2020-01"]):
        refused = hotline("rebuild", *arguments)
        assert refused.exit_code == 2
        assert len(refused.stderr.splitlines()) == 1
