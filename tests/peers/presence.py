"""A peer that is missing here skips its tests, or fails them where HOTLINE_REQUIRE_PEERS=1 demands it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALL_SECONDS = 240
"""So long a registry may take; a test may take a little more."""


def missing(command: str) -> str | None:
    """Return that a command is not there, None when it is."""
    return None if shutil.which(command) else f"{command} is missing: install it with the system's packages"


@contextmanager
def installing(folder: Path) -> Iterator[bool]:
    """Let one worker at a time install into a folder of the cache; the value says whether it is to be installed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not folder.is_dir()


def require(lacking: str | None) -> None:
    """Go on when nothing is missing; `lacking` says what is, and how to get it."""
    if lacking is None:
        return
    if os.environ.get("HOTLINE_REQUIRE_PEERS") == "1":
        pytest.fail(lacking)
    pytest.skip(lacking)
