"""Fresh topics for each test of assign: what is read back is the test's own."""

import time
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient
from obstore.store import LocalStore

from hotline.local.stack import Endpoints
from hotline.provision import Provision
from schemas import topics
from schemas.connection import KafkaConnection

PARTITIONS = 2


@pytest.fixture
def connection(stack: Endpoints) -> KafkaConnection:
    """The session's Kafka with every topic made anew."""
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=PARTITIONS)
    _remove_topics(connection)
    Provision(connection).create()
    return connection


@pytest.fixture
def blobs_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


@pytest.fixture
def blobs(blobs_folder: Path) -> LocalStore:
    return LocalStore(blobs_folder)


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
