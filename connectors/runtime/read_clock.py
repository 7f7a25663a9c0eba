"""A clock that stands still while a connection is not read."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LEAST_SECONDS = 0.1
"""Interval in seconds between two looks at a clock that may stand still."""


class Listened:
    """Counts the seconds in which the other side could be heard."""

    def __init__(self) -> None:
        self._deaf = 0.0
        self._deaf_since: float | None = None

    @property
    def is_deaf(self) -> bool:
        """Return whether the connection is not read at the moment."""
        return self._deaf_since is not None

    @property
    def seconds(self) -> float:
        """Return the seconds of reading since a fixed moment."""
        now = time.monotonic()
        return now - self._deaf - (now - self._deaf_since if self._deaf_since is not None else 0.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the clock stand still."""
        self._deaf_since = time.monotonic()
        try:
            yield
        finally:
            self._deaf += time.monotonic() - self._deaf_since
            self._deaf_since = None

    async def arrived(self, answer: "asyncio.Future[Any]", seconds: float) -> bool:
        """Return True once an answer arrived, False after `seconds` of reading without one."""
        begun = self.seconds
        while not answer.done():
            left = begun + seconds - self.seconds
            if left <= 0:
                return False
            await asyncio.wait({answer}, timeout=max(left, _LEAST_SECONDS) if self.is_deaf else left)
        return True
