"""A peer that is missing here skips its tests, or fails them where HOTLINE_REQUIRE_PEERS=1 demands it."""

import os

import pytest


def require(missing: str | None) -> None:
    """Go on when nothing is missing; `missing` says what is, and how to get it."""
    if missing is None:
        return
    if os.environ.get("HOTLINE_REQUIRE_PEERS") == "1":
        pytest.fail(missing)
    pytest.skip(missing)
