"""The platform's look-alike, new for each test."""

from collections.abc import Iterator

import pytest

from tests.peers.weibo_platform import Platform, running


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running(Platform()) as platform:
        yield platform
