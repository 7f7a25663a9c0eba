"""A line of pushed messages: each is safe in Kafka, or in the journal, which is drained when Kafka answers again."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, Protocol, TypeAlias

import structlog

from connectors.ahead import Ahead
from connectors.journal import Journal
from connectors.waiting import Waiting, settle
from schemas.errors import FatalError, PipelineError, RetriableError, UnreachableError
from schemas.records import RawMessage
from storage.thread_pool import Threads

BATCH_REQUESTS = 500

NEARLY_DRAINED_BYTES = 1 << 20
"""With this little left, new messages wait for the last of it instead of going behind it for ever."""

DISK_SECONDS = 5.0
"""How long a sender waits for the disk: no platform waits longer, and some disks hang for ever."""

Outcome: TypeAlias = Literal["published", "journaled"]

_log = structlog.get_logger(__name__)


class Publisher(Protocol):
    """What brings messages to Kafka."""

    def publish(self, messages: Sequence[RawMessage]) -> None:
        """Return when the broker holds them."""
        ...

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """The same within `timeout` seconds; raises UnreachableError, also when the broker may yet get them."""
        ...

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        """Bring how these begin, and return those that the broker does not take now."""
        ...


class Line:
    """Makes messages safe in the order in which they come; what comes at once shares one trip to Kafka or to the disk.

    While the journal holds any, new messages go behind them, and how they begin goes past them: an emergency waits for
    no backlog. The loop's own threads are few, and whoever waits for a Kafka that hangs has one: the disk must not wait
    for those, so a line has threads of its own.
    """

    def __init__(
        self, publisher: Publisher, journal: Journal, publish_timeout_seconds: float = 2.0, retry_seconds: float = 1.0
    ) -> None:
        self._publisher = publisher
        self._journal = journal
        self._publish_timeout = publish_timeout_seconds
        self._retry = retry_seconds
        self._queue: deque[Waiting[Sequence[RawMessage], Outcome]] = deque()
        self._arrived = asyncio.Event()
        self._journaled = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._told: set[tuple[str, str | None]] = set()
        self._writing, self._draining = Threads(f"journal-{journal.kind}"), Threads(f"drain-{journal.kind}")
        self._ahead = Ahead(publisher, journal, retry_seconds)
        self._append: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        """Say whether the journal has little room left."""
        return self._journal.full

    @property
    def journal_bytes(self) -> int:
        """Return how many bytes wait in the journal."""
        return self._journal.size_bytes

    async def keep(self, messages: Sequence[RawMessage]) -> Outcome:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(messages, done))
        self._arrived.set()
        return await done

    async def run(self) -> None:
        """Serve `keep`, and drain the journal whenever it holds something, until this is cancelled."""
        async with asyncio.TaskGroup() as all_three:
            all_three.create_task(self._serve(), name="line")
            all_three.create_task(self._drain(), name="journal")
            all_three.create_task(self._ahead.run(), name="ahead")

    async def close(self) -> None:
        """Close the journal; what is in it goes to Kafka after the next start. Safe twice."""
        if self._closed:
            return
        self._closed = True
        await self._writing.do(self._journal.close)
        self._writing.close()
        self._draining.close()
        self._ahead.close()

    async def _serve(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while batch := [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_REQUESTS))]:
                await settle(batch, self._keep)

    async def _keep(self, requests: Sequence[Sequence[RawMessage]]) -> Outcome:
        messages = [message for request in requests for message in request]
        if not self._journal.drained:
            await self._while_nearly_drained()
        if self._journal.drained and await self._published(messages):
            return "published"
        await self._journal_in_time(messages)
        return "journaled"

    async def _journal_in_time(self, messages: Sequence[RawMessage]) -> None:
        """Return when the disk holds the messages; one that hangs is given no more before it has come to its end.

        Raises UnreachableError. What it holds in the end though the sender was told no is a repeat, or is heard late.
        """
        try:
            async with asyncio.timeout(DISK_SECONDS):
                if self._append:
                    await asyncio.wait({self._append})
                self._append = asyncio.create_task(self._appended(messages))
                await asyncio.shield(self._append)
        except TimeoutError as error:
            raise UnreachableError("the journal's disk does not answer: see that it can be reached") from error

    async def _appended(self, messages: Sequence[RawMessage]) -> None:
        await self._writing.do(self._journal.append, messages)
        self._journaled.set()
        self._ahead.put(messages)

    async def _published(self, messages: Sequence[RawMessage]) -> bool:
        try:
            await self._publisher.publish_async(messages, self._publish_timeout)
        except (RetriableError, FatalError) as error:  # whatever is wrong with Kafka, the citizen's message is kept
            _log.warning("journal_opened", journal=self._journal.kind, error=type(error).__name__, reason=str(error))
            return False
        return True

    async def _while_nearly_drained(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._publish_timeout / 2):
                await self._open.wait()

    async def _drain(self) -> None:
        while True:
            await self._drain_once()
            await self._journaled.wait()
            self._journaled.clear()

    async def _drain_once(self) -> None:
        drained = 0
        while not self._journal.empty:
            count = await self._replayed()
            drained += count or 0
            if count is None:
                self._open.set()
                await asyncio.sleep(self._retry)
            elif self._journal.size_bytes <= NEARLY_DRAINED_BYTES:
                self._open.clear()  # until the journal is empty: what is in `append` now is the last
        self._open.set()
        if drained:
            _log.info("journal_drained", messages=drained)

    async def _replayed(self) -> int | None:
        """Return how many messages went to Kafka, None when something is in the way."""
        try:
            count = await self._draining.do(self._journal.replay, self._publisher.publish)
        except Exception as error:  # noqa: BLE001 - the drain must outlive every fault: nobody else starts it again
            self._tell(error)
            return None
        if self._told:
            self._told.clear()
            _log.info("journal_goes_on", journal=self._journal.kind, bytes=self._journal.size_bytes)
        return count

    def _tell(self, error: Exception) -> None:
        """Log what is in the way, once until the journal goes on: it is tried each second."""
        told = type(error).__name__, str(error) if isinstance(error, PipelineError) else None
        if told not in self._told:
            self._told.add(told)
            kind, size = self._journal.kind, self._journal.size_bytes
            _log.warning("journal_waits", journal=kind, error=told[0], reason=told[1], bytes=size)
