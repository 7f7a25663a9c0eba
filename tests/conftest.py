"""What every test may use: no network for unit tests, one real stack for the others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.local.stack import Endpoints, Stack


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
