"""Waiting for what happens in another thread, task or process, in steps, and never for ever."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

OTHERWISE = "it did not come about"
MOST_SECONDS = 0.5
"""Between two looks, whatever they take."""


def until(condition: Callable[[], T], otherwise: str | Callable[[], str] = OTHERWISE, seconds: float = 90) -> T:
    """Return what the condition gives when that is true at last; fail and say `otherwise` when it takes too long."""
    begin = look = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() < begin + seconds, _said(otherwise)
        time.sleep(_pause(look, 0.02))
        look = time.monotonic()
    return found


async def soon(
    condition: Callable[[], T | Awaitable[T]], otherwise: str | Callable[[], str] = OTHERWISE, seconds: float = 90
) -> T:
    """Return the same while the event loop goes on; what the condition gives may have to be awaited."""
    begin = look = time.monotonic()
    while not (found := await _given(condition)):
        assert time.monotonic() < begin + seconds, _said(otherwise)
        await asyncio.sleep(_pause(look, 0.01))
        look = time.monotonic()
    return found


def _pause(look: float, least: float) -> float:
    """Return how long to wait after a look: four times what it took, or looks would slow what is waited for."""
    return max(least, min(4 * (time.monotonic() - look), MOST_SECONDS))


async def _given(condition: Callable[[], T | Awaitable[T]]) -> T:
    found = condition()
    return await found if inspect.isawaitable(found) else found


def _said(otherwise: str | Callable[[], str]) -> str:
    return otherwise if isinstance(otherwise, str) else otherwise()
