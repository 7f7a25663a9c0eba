"""Real topics, publishers and readers of the session's Kafka."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError
from obstore.store import LocalStore

from broker.config import KafkaConnection
from connectors.publish.publisher import Publisher
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from schemas.records import RawMessage, raw_message
from tests.connectors.reader import Reader

TIME = datetime(2026, 3, 1, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def kafka(stack: Endpoints) -> KafkaConnection:
    """The session's Kafka with every topic of the project."""
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=2)
    _create_topics(connection)
    return connection


@pytest.fixture
def blobs(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "blobs", mkdir=True)


@pytest.fixture
def publisher(kafka: KafkaConnection, blobs: LocalStore) -> Iterator[Publisher]:
    publisher = Publisher(kafka, blobs)
    yield publisher
    publisher.close()


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """An account of its own for each test: the topics are shared."""
    return f"{request.node.name}-{time.time_ns()}"


@pytest.fixture
def raw(account: str) -> Callable[..., RawMessage]:
    def make(value: bytes, identifier: str = "1", *, channel: str = "sms", sender: str = "13800000000") -> RawMessage:
        return raw_message(
            channel=channel,
            channel_kind="sms_http",
            account=account,
            jurisdiction="430100",
            identifier=identifier,
            value=value,
            content_type="text/plain",
            time=TIME,
            recorded=TIME,
            sender=sender,
        )

    return make


@pytest.fixture
def reader(kafka: KafkaConnection) -> Reader:
    return Reader(kafka)


@pytest.fixture
async def busy_threads() -> AsyncIterator[None]:
    """All threads of the loop wait for something that does not come: a Kafka that hangs, asked by others."""
    over, few, loop = threading.Event(), ThreadPoolExecutor(2), asyncio.get_running_loop()
    loop.set_default_executor(few)
    for _ in range(2):
        loop.run_in_executor(None, over.wait)
    yield
    over.set()


def _create_topics(connection: KafkaConnection) -> None:
    admin = KafkaAdminClient(**connection.client_options())
    try:
        missing = set(topics.TOPICS) - set(admin.list_topics())
        new = [NewTopic(name, num_partitions=2, replication_factor=1) for name in sorted(missing)]
        if new:
            admin.create_topics(new)
    except TopicAlreadyExistsError:
        pass  # a test beside us made them
    finally:
        admin.close()
