"""Waiting for what happens in another thread or process, in steps, and never for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], otherwise: str = "it did not come about", seconds: float = 90) -> T:
    """Return what the condition gives when that is true at last; fail and say `otherwise` when it takes too long."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
    return found
