"""Real frames, read by path."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real messages, which is not part of the project; tests that read it are skipped without it."""
    folder = Path(os.environ.get("HOTLINE_DATA", "/work/shared/data"))
    if not folder.is_dir():
        pytest.skip("no real messages here: set HOTLINE_DATA to their folder")
    return folder
