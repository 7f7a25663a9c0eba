"""A line of pushed messages: each is safe in Kafka, or in the journal, which is drained when Kafka answers again."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
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

# Those who wait until what they brought is safe: each hears once what became of it, however many shared the trip.

Given = TypeVar("Given")
Result = TypeVar("Result")


class Waiting(NamedTuple, Generic[Given, Result]):
    """What somebody brought, and where the outcome is told."""

    given: Given
    done: asyncio.Future[Result]


async def settle(batch: Sequence[Waiting[Given, Result]], bring: Callable[[list[Given]], Awaitable[Result]]) -> None:
    """Bring a batch and tell each what became of it; what spoils the batch spoils only its own.

    That is tried again at once until the publisher puts aside what spoils it: some platforms send nothing again.
    """
    try:
        await _settle(batch, bring, 1)
    except asyncio.CancelledError:
        refuse(batch, UnreachableError("this process is stopping"))
        raise


def refuse(batch: Iterable[Waiting[Any, Any]], error: Exception) -> None:
    """Tell those who still wait that nothing of theirs is safe."""
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
"""With this little left, new messages wait for the last of it instead of going behind it for ever."""

DISK_SECONDS = 5.0
"""How long a sender waits for the disk: no platform waits longer, and some disks hang for ever."""

Outcome: TypeAlias = Literal["published", "journaled"]


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
    """Makes messages safe in the order of their arrival; messages that come together share one write to Kafka or disk.

    While the journal holds messages, new ones are appended behind them. The preview of each is sent at once, so that an
    emergency waits for no backlog. A line has its own threads for the disk: the threads of the event loop are few, and
    a Kafka that hangs can hold all of them.
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


# Intake: pushed messages stand in two lines, so that those which wait for the blob store hold up no others.

LARGE = "large"


class Intake:
    """Makes messages safe: what Kafka takes alone in one line, what the blob store must take before in another.

    Each line keeps its order and has a journal of its own, that of the large messages in a folder of the other's. By
    size and not by what failed: a store that hangs says nothing for minutes.
    """

    def __init__(
        self, publisher: Publisher, journal: Journal, publish_timeout_seconds: float = 2.0, retry_seconds: float = 1.0
    ) -> None:
        self._journals = journal, journal.within(LARGE)
        self._small, self._large = (
            Line(publisher, one, publish_timeout_seconds, retry_seconds) for one in self._journals
        )

    @property
    def ready(self) -> bool:
        """Say whether there is room for small messages: that the blob store is away must turn no emergency away."""
        return not self._small.full

    @property
    def full(self) -> bool:
        """Say whether a journal has little room left."""
        return self._small.full or self._large.full

    @property
    def journal_bytes(self) -> int:
        """Return how many bytes wait in the journals for Kafka or the blob store."""
        return self._small.journal_bytes + self._large.journal_bytes

    async def keep(self, messages: Sequence[RawMessage]) -> Outcome:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        large = [message for message in messages if len(message.value) > INLINE_LIMIT]
        if not large:
            return await self._small.keep(messages)
        small = [message for message in messages if len(message.value) <= INLINE_LIMIT]
        parts = [(self._small, small), (self._large, large)]
        outcomes = await asyncio.gather(*(line.keep(part) for line, part in parts if part))
        return "journaled" if "journaled" in outcomes else "published"

    def probe(self) -> None:
        """Return when the disk takes what the journals would write; raises UnreachableError."""
        for journal in self._journals:
            journal.probe()

    async def run(self) -> None:
        """Serve `keep`, and drain the journals whenever they hold something, until this is cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._small.run(), name="small")
            both.create_task(self._large.run(), name="large")

    async def close(self) -> None:
        """Close the journals; what is in them goes to Kafka after the next start."""
        await self._small.close()
        await self._large.close()


# Kept: messages are safe in Kafka, or in a journal; a journal that cannot be had is no reason to take nothing.

PROBE_SECONDS = 15.0
"""How often an open journal is tried."""

HUNG_SECONDS = 10.0
"""After this long a disk hangs that has not answered."""


class Keeper(Protocol):
    """What makes messages safe: an `Intake`, or a `Kept`."""

    @property
    def ready(self) -> bool:
        """Say whether there is room for small messages."""
        ...

    @property
    def full(self) -> bool:
        """Say whether a journal has little room left."""
        ...

    @property
    def journal_bytes(self) -> int:
        """Return how many bytes wait for Kafka or the blob store."""
        ...

    async def keep(self, messages: Sequence[RawMessage]) -> Outcome:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        ...

    async def run(self) -> None:
        """Serve, and drain the journal, until this is cancelled."""
        ...

    async def close(self) -> None:
        """Close the journal; what is in it goes to Kafka after the next start."""
        ...


class Kept:
    """Makes messages safe in Kafka, or in the journal while Kafka does not answer.

    One process of a machine has the journal. As long as this one cannot have it, or it cannot be written, messages are
    safe in Kafka alone: to take them is better than to take none. It is opened as soon as it can be, and tried now and
    then, as nobody writes it as long as Kafka answers.
    """

    def __init__(self, publisher: Publisher, make: Callable[[], Journal], publish_timeout_seconds: float) -> None:
        self._publisher = publisher
        self._make = make
        self._timeout = publish_timeout_seconds
        self._journal: Journal | None = None
        self._intake: Intake | None = None
        self._threads = Threads("journal-trial")
        self._trial: asyncio.Task[PipelineError | None] | None = None
        self.fault: PipelineError | None = None
        """Why there is no journal."""

    @property
    def ready(self) -> bool:
        """Say whether small messages are taken, as far as we know."""
        return self._intake.ready if self._intake else True

    @property
    def full(self) -> bool:
        """Say whether the journal has little room left."""
        return self._intake.full if self._intake else False

    @property
    def journal_bytes(self) -> int:
        """Return how many bytes wait for Kafka."""
        return self._intake.journal_bytes if self._intake else 0

    async def keep(self, messages: Sequence[RawMessage]) -> Outcome:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        if self._intake is not None:
            return await self._intake.keep(messages)
        try:
            await self._publisher.publish_async(messages, self._timeout)
        except FatalError as error:  # a person's to mend; who sends is told the same: not now
            raise UnreachableError(str(error)) from error
        return "published"

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """Return when the messages are safe; without a journal, raises what the publisher does."""
        if self._intake is None:
            await self._publisher.publish_async(messages, timeout)
        else:
            await self._intake.keep(messages)

    async def open(self) -> bool:
        """Open the journal and say whether that went well; what a disk says against it is told once."""
        self._note(await self._tried(self._open))
        return self.fault is None

    async def run(self) -> None:
        """Serve, and drain the journal, until this is cancelled."""
        while not await self.open() or self._intake is None:  # noqa: ASYNC110 - nobody tells when it can be had
            await asyncio.sleep(ASK_SECONDS)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._intake.run(), name="intake")
            both.create_task(self._probe(self._intake), name="probe")

    async def close(self) -> None:
        """Close the journal; what is in it goes to Kafka after the next start."""
        self._note(None)
        if self._intake is not None:
            await self._intake.close()
        elif self._journal is not None:
            await asyncio.to_thread(self._journal.close)
        self._threads.close()

    def _note(self, fault: PipelineError | None) -> None:
        """Tell of a journal that cannot be had when that begins; another process that has it is no fault."""
        was, self.fault = self.fault, fault
        if _is_a_fault(fault) and not _is_a_fault(was):
            metrics.JOURNALS_AWAY.inc()
            _log.error("goes_without_journal", error=type(fault).__name__, reason=str(fault))
        if _is_a_fault(was) and not _is_a_fault(fault):
            metrics.JOURNALS_AWAY.dec()

    def _open(self) -> None:
        """Open it once, and then what is missing: that of the large messages is a folder in it."""
        self._journal = self._journal or self._make()
        self._intake = self._intake or Intake(self._publisher, self._journal, self._timeout)

    async def _probe(self, intake: Intake) -> None:
        """Try the open journal now and then: a disk fails, fills or becomes read-only long before Kafka is away."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            self._note(await self._tried(intake.probe))

    async def _tried(self, work: Callable[[], None]) -> PipelineError | None:
        """Do it, and return what is in the way; what hangs is not begun again before it has come to its end."""
        if self._trial is None:
            self._trial = asyncio.create_task(self._threads.do(_fault, work))
        await asyncio.wait({self._trial}, timeout=HUNG_SECONDS)
        if not self._trial.done():
            return UnreachableError("the journal's disk does not answer: see that it can be reached")
        trial, self._trial = self._trial, None
        return trial.result()


def _fault(work: Callable[[], None]) -> PipelineError | None:
    """Do it; return what is in the way."""
    try:
        work()
    except PipelineError as error:
        return error
    return None


def _is_a_fault(fault: PipelineError | None) -> bool:
    return fault is not None and not isinstance(fault, JournalInUseError)


async def opened(publisher: Publisher, make: Callable[[], Journal], publish_timeout_seconds: float) -> Kept:
    """Return what keeps messages safe, with its journal where that can be had.

    Raises JournalInUseError: of two processes that take messages each needs a journal of its own.
    """
    kept = Kept(publisher, make, publish_timeout_seconds)
    await kept.open()
    if isinstance(kept.fault, JournalInUseError):
        raise kept.fault
    return kept
