"""What every test may use: no network for unit tests, one real stack for the others."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import AsyncElasticsearch
from kafka.admin import KafkaAdminClient

from hotline.local.stack import Endpoints, Stack
from hotline.provision import Provision
from schemas import topics
from schemas.connection import KafkaConnection
from sinks.elastic.templates import ensure_indices


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let integration tests talk to loopback; `--disable-socket` keeps all others from any network."""
    for item in items:
        if item.get_closest_marker("integration"):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]))


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One real stack for the whole run, started when first asked for; it ends with this process, even by kill -9."""
    chosen = os.environ.get("HOTLINE_LOCAL__DATA_DIR")
    stack = Stack(Path(chosen) if chosen else tmp_path_factory.mktemp("stack"))
    stack.up(owner=os.getpid())
    yield stack
    stack.down()


@pytest.fixture
def stack(local_stack: Stack) -> Endpoints:
    """Where the session's real Kafka and Elasticsearch are."""
    return local_stack.up(owner=os.getpid())


@pytest.fixture
def fresh_topics(stack: Endpoints) -> KafkaConnection:
    """The session's Kafka with every topic made anew: what is read back is the test's own."""
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=2)
    _remove_topics(connection)
    Provision(connection).create()
    return connection


@pytest.fixture
def fresh_indices(stack: Endpoints) -> None:
    """The session's Elasticsearch with every index made anew."""

    async def renew() -> None:
        async with AsyncElasticsearch(stack.elasticsearch_url) as client:
            there = await client.indices.get(index="hotline-*")
            for name in there:
                await client.indices.delete(index=name)
            await ensure_indices(client)

    asyncio.run(renew())


def _remove_topics(connection: KafkaConnection) -> None:
    admin = KafkaAdminClient(**connection.client_options())
    try:
        there = [name for name in admin.list_topics() if name in topics.TOPICS]
        if there:
            admin.delete_topics(there)
        deadline = time.monotonic() + 20
        while any(name in topics.TOPICS for name in admin.list_topics()):
            assert time.monotonic() < deadline, "Kafka did not delete the topics"
            time.sleep(0.05)
    finally:
        admin.close()
