"""What every test may use: no network for unit tests, one real stack for the others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from hotline.local.stack import Endpoints, Stack

_LOOPBACK = ["127.0.0.1", "::1", "localhost"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let integration tests talk to loopback, and all others to nobody."""
    if item.get_closest_marker("integration"):
        pytest_socket.socket_allow_hosts(_LOOPBACK, allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    """Give the network back, for fixtures that outlive a test."""
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One real stack for the whole run; it ends with this process, even by kill -9."""
    chosen = os.environ.get("HOTLINE_LOCAL__DATA_DIR")
    stack = Stack(Path(chosen) if chosen else tmp_path_factory.mktemp("stack"))
    stack.up(owner=os.getpid())
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def stack(local_stack: Stack) -> Endpoints:
    """Where the session's real Kafka and Elasticsearch are."""
    return local_stack.up()
