"""Fresh topics and a blob store for each test of assign."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection


@pytest.fixture
def connection(fresh_topics: KafkaConnection) -> KafkaConnection:
    return fresh_topics


@pytest.fixture
def blobs_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


@pytest.fixture
def blobs(blobs_folder: Path) -> LocalStore:
    return LocalStore(blobs_folder)


@pytest.fixture(autouse=True)
def nothing_unread(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail for a fault that nobody read: asyncio logs it as an error when its future goes."""
    yield
    gc.collect()
    told = [*caplog.get_records("call"), *caplog.records]
    assert not [record.getMessage() for record in told if "never retrieved" in record.getMessage()]
