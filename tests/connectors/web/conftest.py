"""One web door for each test."""

from pathlib import Path

import pytest

from tests.connectors.web.doors import Door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)
