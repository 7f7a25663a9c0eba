"""Kept: messages are safe in Kafka, or in a journal; a journal that cannot be had is no reason to take nothing."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from broker.lease import ASK_SECONDS
from connectors import metrics
from connectors.intake import Intake
from connectors.journal import Journal, JournalInUseError
from connectors.line import Outcome, Publisher
from schemas.errors import FatalError, PipelineError, UnreachableError
from schemas.records import RawMessage
from storage.thread_pool import Threads

PROBE_SECONDS = 15.0
"""How often an open journal is tried."""

HUNG_SECONDS = 10.0
"""After this long a disk hangs that has not answered."""

_log = structlog.get_logger(__name__)


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
