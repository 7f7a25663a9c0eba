"""A peer that is missing here skips its tests, or fails them where HOTLINE_REQUIRE_PEERS=1 demands it."""

import os
import shutil

import pytest


def missing(command: str) -> str | None:
    """Return that a command is not there, None when it is."""
    return None if shutil.which(command) else f"{command} is missing: install it with the system's packages"


def require(lacking: str | None) -> None:
    """Go on when nothing is missing; `lacking` says what is, and how to get it."""
    if lacking is None:
        return
    if os.environ.get("HOTLINE_REQUIRE_PEERS") == "1":
        pytest.fail(lacking)
    pytest.skip(lacking)
