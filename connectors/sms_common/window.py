"""Window: the messages of one link that are on their way to Kafka, so many at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from connectors.sms_common.link import Link
from schemas.errors import RetriableError


class Window:
    """Takes in messages side by side; while it is full, `take` waits and nothing more is read from the link."""

    def __init__(self, link: Link[Any], size: int) -> None:
        self._link = link
        self._free = asyncio.Semaphore(size)
        self._taking: set[asyncio.Task[None]] = set()
        self.fault: BaseException | None = None
        """What ends the connection: Kafka refuses for good, or an internal error."""

    async def take(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin to take in a message as soon as there is room; an error that does not pass ends the link."""
        await self._free.acquire()
        task = asyncio.create_task(work())
        self._taking.add(task)
        task.add_done_callback(self._taken)

    async def settle(self, seconds: float) -> None:
        """Let those on their way arrive and be answered; after `seconds` they are cancelled and come again."""
        if self._taking:
            _, late = await asyncio.wait(self._taking, timeout=seconds)
            for task in late:
                task.cancel()

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._taking.discard(task)
        self._free.release()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, RetriableError):
            self.fault = error
            self._link.give_up("a message could not be taken: the log says why")
