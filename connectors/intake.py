"""Intake: a pushed message is safe in Kafka, or else in the journal, which is drained when Kafka answers again."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

import structlog

from connectors.journal import Journal
from schemas.errors import FatalError, RetriableError
from schemas.records import RawMessage

APPENDING_THREADS = 16
"""They share fsyncs, so that a slow disk still takes thousands of messages a second."""

NEARLY_DRAINED_BYTES = 1 << 20
"""With this little left, new messages wait for the last of it instead of going behind it for ever."""

_log = structlog.get_logger(__name__)


class Publisher(Protocol):
    """What brings messages to Kafka."""

    def publish(self, messages: Sequence[RawMessage]) -> None:
        """Return when the broker holds them."""
        ...

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109
        """The same within `timeout` seconds; raises UnreachableError, also when the broker may yet get them."""
        ...


class Intake:
    """Makes messages safe, those of one conversation in order: while the journal holds any, new ones go behind them."""

    def __init__(
        self, publisher: Publisher, journal: Journal, publish_timeout_seconds: float = 2.0, retry_seconds: float = 1.0
    ) -> None:
        self._publisher = publisher
        self._journal = journal
        self._publish_timeout = publish_timeout_seconds
        self._retry = retry_seconds
        self._appending = ThreadPoolExecutor(APPENDING_THREADS, "journal")
        self._journaled = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    @property
    def full(self) -> bool:
        """Say whether only Kafka can take messages now."""
        return self._journal.full

    async def keep(self, messages: Sequence[RawMessage]) -> Literal["published", "journaled"]:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        if not self._journal.empty:
            await self._while_nearly_drained()
        if self._journal.empty and await self._published(messages):
            return "published"
        await asyncio.get_running_loop().run_in_executor(self._appending, self._journal.append, messages)
        self._journaled.set()
        return "journaled"

    async def drain(self) -> None:
        """Bring the journal to Kafka whenever it holds something; runs until it is cancelled."""
        while True:
            await self._drain_once()
            await self._journaled.wait()
            self._journaled.clear()

    async def close(self) -> None:
        """Close the journal; what is in it goes to Kafka after the next start."""
        await asyncio.to_thread(self._appending.shutdown)
        await asyncio.to_thread(self._journal.close)

    async def _published(self, messages: Sequence[RawMessage]) -> bool:
        try:
            await self._publisher.publish_async(messages, self._publish_timeout)
        except (RetriableError, FatalError) as error:  # whatever is wrong with Kafka, the citizen's message is kept
            if self._journal.empty:
                _log.warning("journal_opened", error=type(error).__name__)
            return False
        return True

    async def _drain_once(self) -> None:
        drained = 0
        while not self._journal.empty:
            count = await self._replayed()
            drained += count or 0
            if count is None:
                self._open.set()
                await asyncio.sleep(self._retry)
            elif self._journal.size_bytes <= NEARLY_DRAINED_BYTES:
                self._open.clear()  # until the journal is empty: those who are in `append` now are the last
        self._open.set()
        if drained:
            _log.info("journal_drained", messages=drained)

    async def _replayed(self) -> int | None:
        """Return how many messages went to Kafka, None when it does not answer."""
        try:
            return await asyncio.to_thread(self._journal.replay, self._publisher.publish)
        except (RetriableError, FatalError) as error:
            _log.warning("journal_waits", error=type(error).__name__, bytes=self._journal.size_bytes)
            return None

    async def _while_nearly_drained(self) -> None:
        try:
            async with asyncio.timeout(self._publish_timeout / 2):
                await self._open.wait()
        except TimeoutError:
            return
