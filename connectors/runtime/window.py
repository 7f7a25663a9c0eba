"""Window: messages of one connection on their way to Kafka, a limited number at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from connectors import faults
from connectors.base import Emit
from schemas.errors import PipelineError, RetriableError
from schemas.records import RawMessage


async def until_held(message: RawMessage, emit: Emit, pause_seconds: float | None, faults_most: int = 0) -> bool:
    """Return True when Kafka holds a message, however long that takes; False after more internal errors than allowed.

    Such an error does not affect other messages. Raises permanent PipelineErrors, and, without a pause, temporary
    ones.
    """
    failures = 0
    while True:
        try:
            await emit(message)
        except RetriableError:
            if pause_seconds is None:
                raise
        except PipelineError:
            raise
        except Exception as error:  # noqa: BLE001 - see above; it is counted and logged
            failures += 1
            faults.told(message.channel, message.envelope.account or "", error)
            if failures > faults_most:
                return False
        else:
            return True
        await asyncio.sleep(pause_seconds or 0.0)


class Window:
    """Takes in messages concurrently; while it is full, `take` waits and nothing more is read.

    At a permanent error `give_up` ends the connection and cancels the other messages.
    """

    def __init__(self, size: int, give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self._free = asyncio.Semaphore(size)
        self._taking: set[asyncio.Task[None]] = set()
        self.fault: BaseException | None = None
        """Reason of the end: Kafka refuses permanently, or an internal error."""

    async def take(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start to take in a message as soon as there is room."""
        await self._free.acquire()
        task = asyncio.create_task(work())
        self._taking.add(task)
        task.add_done_callback(self._taken)

    async def settle(self, seconds: float | None) -> None:
        """Wait for the messages in progress; after `seconds`, or if cancelled, cancel the rest."""
        try:
            if self._taking:
                await asyncio.wait(self._taking, timeout=seconds)
        finally:
            self._cancel()

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._taking.discard(task)
        self._free.release()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, RetriableError):
            self.fault = error
            self._give_up()
            self._cancel()

    def _cancel(self) -> None:
        for task in self._taking:
            task.cancel()
