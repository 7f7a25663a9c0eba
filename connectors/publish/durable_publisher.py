"""Durable publisher: pushed messages are safe in Kafka, or in the journal, which drains when Kafka answers again."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import structlog

from broker.lease import ASK_SECONDS
from connectors import metrics
from connectors.publish.disk_buffer import Journal, JournalInUseError
from connectors.publish.preview import Ahead
from connectors.publish.publisher import ATTEMPTS
from schemas.errors import FatalError, PipelineError, RetriableError, UnreachableError
from schemas.records import RawMessage
from schemas.records.raw import INLINE_LIMIT
from storage.thread_pool import Threads

_log = structlog.get_logger(__name__)

# Waiting callers: each learns once whether its messages are safe, however many shared the request.

Given = TypeVar("Given")
Result = TypeVar("Result")


class Waiting(NamedTuple, Generic[Given, Result]):
    """The messages of one caller, and its future."""

    given: Given
    done: asyncio.Future[Result]


async def settle(batch: Sequence[Waiting[Given, Result]], bring: Callable[[list[Given]], Awaitable[Result]]) -> None:
    """Publish a batch and answer each caller; a message that spoils the batch affects only its own caller.

    The batch is repeated at once until the publisher sets that message aside: some platforms send nothing again.
    """
    try:
        await _settle(batch, bring, 1)
    except asyncio.CancelledError:
        refuse(batch, UnreachableError("this process stops"))
        raise


def refuse(batch: Iterable[Waiting[Any, Any]], error: Exception) -> None:
    """Answer each waiting caller that its messages are not safe."""
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)


async def _settle(
    batch: Sequence[Waiting[Given, Result]], bring: Callable[[list[Given]], Awaitable[Result]], attempt: int
) -> None:
    try:
        outcome = await bring([waiting.given for waiting in batch])
    except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must learn of it
        if attempt > ATTEMPTS or isinstance(error, PipelineError):
            return refuse(batch, error)
        for waiting in batch:
            await _settle([waiting], bring, attempt + (len(batch) == 1))
    else:
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(outcome)


BATCH_REQUESTS = 500

NEARLY_DRAINED_BYTES = 1 << 20
"""Messages left in the journal at which new ones wait for the rest instead of being appended for ever."""

DISK_SECONDS = 5.0
"""Seconds that a sender waits for the disk: no platform waits longer, and some disks hang for ever."""

Outcome: TypeAlias = Literal["published", "journaled"]


class Publisher(Protocol):
    """Publishes messages to Kafka."""

    def publish(self, messages: Sequence[RawMessage]) -> None:
        """Return when the broker holds them."""
        ...

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """The same within `timeout` seconds; raises UnreachableError, even if the broker may still receive them."""
        ...

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        """Publish previews of these messages, and return those that the broker does not accept now."""
        ...


class Lane:
    """Makes messages safe in the order of arrival; concurrent messages share one write to Kafka or disk.

    While the journal has messages, new ones are appended behind them. A preview of each is published at once, so that
    an emergency does not wait for the backlog. The lane has its own threads for the disk: those of the event loop are
    few, and a hanging Kafka can hold all of them.
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
        """Return whether the journal has little room left."""
        return self._journal.full

    @property
    def journal_bytes(self) -> int:
        """Return the bytes that wait in the journal."""
        return self._journal.size_bytes

    async def publish(self, messages: Sequence[RawMessage]) -> Outcome:
        """Return when the messages are safe; raises UnreachableError if no place holds them."""
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(messages, done))
        self._arrived.set()
        return await done

    async def run(self) -> None:
        """Serve `publish` and drain the journal until cancelled."""
        async with asyncio.TaskGroup() as all_three:
            all_three.create_task(self._serve(), name="lane")
            all_three.create_task(self._drain(), name="journal")
            all_three.create_task(self._ahead.run(), name="ahead")

    async def close(self) -> None:
        """Close the journal; its messages go to Kafka after the next start. Idempotent."""
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
        """Return when the disk holds the messages; a hanging disk gets no further write before the last one ends.

        Raises UnreachableError. Messages that it stores in the end although the sender was refused are repeats, or
        come late.
        """
        try:
            async with asyncio.timeout(DISK_SECONDS):
                if self._append:
                    await asyncio.wait({self._append})
                self._append = asyncio.create_task(self._appended(messages))
                await asyncio.shield(self._append)
        except TimeoutError as error:
            raise UnreachableError("the journal's disk does not respond: check that it can be reached") from error

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
        """Return the number of messages published to Kafka, None after an error."""
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
        """Log an error once until the journal drains again: it is retried each second."""
        told = type(error).__name__, str(error) if isinstance(error, PipelineError) else None
        if told not in self._told:
            self._told.add(told)
            kind, size = self._journal.kind, self._journal.size_bytes
            _log.warning("journal_waits", journal=kind, error=told[0], reason=told[1], bytes=size)


LARGE = "large"
"""Subfolder of the journal for messages that need the blob store."""

PROBE_SECONDS = 15.0
"""Interval in seconds at which an open journal is tested."""

HUNG_SECONDS = 10.0
"""Seconds after which a disk that has not answered counts as hanging."""


class DurablePublisher:
    """Makes messages safe in Kafka, or in the journal while Kafka does not answer.

        publish -> lane of small messages -> Kafka
                                          -> journal         -> Kafka, when it answers again
                -> lane of large messages -> blob store and Kafka
                                          -> journal/large   -> the same, later

    Small messages need Kafka only, large ones the blob store as well: each lane keeps its order and has its own
    journal. The size decides, not the last error, since a hanging store reports nothing for minutes.

    One process of a machine has the journal. While this one cannot have it, or cannot write it, there are no lanes
    and messages are safe in Kafka only, which is better than refusing them. The journal is opened as soon as possible
    and tested at intervals, because nothing is written to it while Kafka answers.
    """

    def __init__(
        self,
        publisher: Publisher,
        make: Callable[[], Journal],
        publish_timeout_seconds: float = 2.0,
        retry_seconds: float = 1.0,
    ) -> None:
        self._publisher = publisher
        self._make = make
        self._timeout = publish_timeout_seconds
        self._retry = retry_seconds
        self._journals: list[Journal] = []
        self._lanes: list[Lane] = []
        self._threads = Threads("journal-trial")
        self._trial: asyncio.Task[PipelineError | None] | None = None
        self.fault: PipelineError | None = None
        """The reason why there is no journal."""

    @classmethod
    def of_journal(
        cls, publisher: Publisher, journal: Journal, publish_timeout_seconds: float = 2.0, retry_seconds: float = 1.0
    ) -> "DurablePublisher":
        """Return one whose journal is open. Raises UnreachableError if the disk refuses its subfolder."""
        durable = cls(publisher, lambda: journal, publish_timeout_seconds, retry_seconds)
        durable._open()
        return durable

    @property
    def ready(self) -> bool:
        """Return whether there is room for small messages: an unreachable blob store must not refuse an emergency."""
        return not any(lane.full for lane in self._lanes[:1])

    @property
    def full(self) -> bool:
        """Return whether a journal has little room left."""
        return any(lane.full for lane in self._lanes)

    @property
    def journal_bytes(self) -> int:
        """Return the bytes that wait in the journals for Kafka or the blob store."""
        return sum(lane.journal_bytes for lane in self._lanes)

    async def publish(self, messages: Sequence[RawMessage]) -> Outcome:
        """Return when the messages are safe; raises UnreachableError if no place holds them."""
        if self._lanes:
            return await self._by_size(messages)
        try:
            await self._publisher.publish_async(messages, self._timeout)
        except FatalError as error:  # an operator must mend it; the sender gets the same answer: not now
            raise UnreachableError(str(error)) from error
        return "published"

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """Return when the messages are safe; without a journal, raises the publisher's errors."""
        if self._lanes:
            await self._by_size(messages)
        else:
            await self._publisher.publish_async(messages, timeout)

    async def _by_size(self, messages: Sequence[RawMessage]) -> Outcome:
        small, large = self._lanes
        big = [message for message in messages if len(message.value) > INLINE_LIMIT]
        if not big:
            return await small.publish(messages)
        rest = [message for message in messages if len(message.value) <= INLINE_LIMIT]
        outcomes = await asyncio.gather(*(lane.publish(part) for lane, part in ((small, rest), (large, big)) if part))
        return "journaled" if "journaled" in outcomes else "published"

    async def open(self) -> bool:
        """Open the journal and return whether that succeeded; an error of the disk is logged once."""
        self._note(await self._tried(self._open))
        return self.fault is None

    async def run(self) -> None:
        """Serve, and drain the journal, until cancelled."""
        while not await self.open() or not self._lanes:  # noqa: ASYNC110 - nothing says when it can be had
            await asyncio.sleep(ASK_SECONDS)
        async with asyncio.TaskGroup() as all_three:
            for name, lane in zip(("small", LARGE), self._lanes, strict=True):
                all_three.create_task(lane.run(), name=name)
            all_three.create_task(self._probe(), name="probe")

    async def close(self) -> None:
        """Close the journals; their messages go to Kafka after the next start."""
        self._note(None)
        for lane in self._lanes:
            await lane.close()
        if not self._lanes:
            for journal in self._journals:
                await asyncio.to_thread(journal.close)
        self._threads.close()

    def _note(self, fault: PipelineError | None) -> None:
        """Log when the journal becomes unavailable; another process that has it is no fault."""
        was, self.fault = self.fault, fault
        if _is_a_fault(fault) and not _is_a_fault(was):
            metrics.JOURNALS_AWAY.inc()
            _log.error("goes_without_journal", error=type(fault).__name__, reason=str(fault))
        if _is_a_fault(was) and not _is_a_fault(fault):
            metrics.JOURNALS_AWAY.dec()

    def _open(self) -> None:
        """Open it, and after a partial success what is missing: the journal of large messages is a subfolder."""
        if not self._journals:
            self._journals.append(self._make())
        if len(self._journals) == 1:
            self._journals.append(self._journals[0].within(LARGE))
        if not self._lanes:
            self._lanes = [Lane(self._publisher, one, self._timeout, self._retry) for one in self._journals]

    async def _probe(self) -> None:
        """Test the open journals at intervals: a disk fails, fills or becomes read-only long before Kafka is
        unreachable.
        """
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            self._note(await self._tried(self._write_probes))

    def _write_probes(self) -> None:
        for journal in self._journals:
            journal.probe()

    async def _tried(self, work: Callable[[], None]) -> PipelineError | None:
        """Run it, and return the error; a hanging call is not repeated before it ends."""
        if self._trial is None:
            self._trial = asyncio.create_task(self._threads.do(_fault, work))
        await asyncio.wait({self._trial}, timeout=HUNG_SECONDS)
        if not self._trial.done():
            return UnreachableError("the journal's disk does not respond: check that it can be reached")
        trial, self._trial = self._trial, None
        return trial.result()


def _fault(work: Callable[[], None]) -> PipelineError | None:
    """Run it; return the error."""
    try:
        work()
    except PipelineError as error:
        return error
    return None


def _is_a_fault(fault: PipelineError | None) -> bool:
    return fault is not None and not isinstance(fault, JournalInUseError)


async def opened(publisher: Publisher, make: Callable[[], Journal], publish_timeout_seconds: float) -> DurablePublisher:
    """Return a durable publisher, with its journal if it can be opened.

    Raises JournalInUseError: two processes that receive messages need a journal each.
    """
    durable = DurablePublisher(publisher, make, publish_timeout_seconds)
    await durable.open()
    if isinstance(durable.fault, JournalInUseError):
        raise durable.fault
    return durable


BROADCAST_JOURNAL_BYTES = 512 * 1024 * 1024
"""Bytes of the journal of one account that broadcasts: five hours of a busy exchange (20 relevant events a second,
1.5 KB each)."""


@asynccontextmanager
async def for_broadcast(publisher: Publisher, make: Callable[[], Journal]) -> AsyncIterator[DurablePublisher]:
    """Yield a running durable publisher for a source that broadcasts; `make` opens the journal.

    Such a source disconnects slow readers (Asterisk waits a tenth of a second, `writetimeout`) and repeats no event
    of the time until the next login: reading must not wait for Kafka.
    """
    durable = DurablePublisher(publisher, make)
    await durable.open()
    working = asyncio.create_task(durable.run(), name="intake")
    try:
        yield durable
    finally:
        working.cancel()
        await asyncio.wait({working})
        await durable.close()
