"""Waiting for what happens in another thread, task or process, in steps, and never for ever."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

OTHERWISE = "it did not come about"


def until(condition: Callable[[], T], otherwise: str | Callable[[], str] = OTHERWISE, seconds: float = 90) -> T:
    """Return what the condition gives when that is true at last; fail and say `otherwise` when it takes too long."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, _said(otherwise)
        time.sleep(0.02)
    return found


async def soon(
    condition: Callable[[], T | Awaitable[T]], otherwise: str | Callable[[], str] = OTHERWISE, seconds: float = 90
) -> T:
    """Return the same while the event loop goes on; what the condition gives may have to be awaited."""
    end = time.monotonic() + seconds
    while not (found := await _given(condition)):
        assert time.monotonic() < end, _said(otherwise)
        await asyncio.sleep(0.01)
    return found


async def _given(condition: Callable[[], T | Awaitable[T]]) -> T:
    found = condition()
    return await found if inspect.isawaitable(found) else found


def _said(otherwise: str | Callable[[], str]) -> str:
    return otherwise if isinstance(otherwise, str) else otherwise()
