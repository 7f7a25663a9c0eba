"""Fresh topics and a blob store for each test of assign."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from schemas.connection import KafkaConnection


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
def collected() -> Iterator[None]:
    """Let what a fenced producer leaves behind be collected now.

    Its unread futures log tracebacks when they go; in the middle of somebody's compile that breaks CPython 3.11.
    """
    yield
    gc.collect()
