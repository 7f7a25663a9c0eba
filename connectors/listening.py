"""Listening: what a source tells once, to whoever listens, is kept on this machine's disk while Kafka is away.

Who does not take it at once is hung up on (Asterisk waits for a tenth of a second, `writetimeout`), and what is told
until the next login nobody tells again: so it must not wait for Kafka.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from connectors.intake import Intake
from connectors.journal import Journal, JournalInUseError
from connectors.lease import ASK_SECONDS
from connectors.line import Publisher
from schemas.errors import PipelineError
from schemas.records import RawMessage

JOURNAL_MAX_BYTES = 512 * 1024 * 1024
"""Of one account: five hours of a busy exchange (20 events a second that are kept, 1.5 KB each)."""

PUBLISH_SECONDS = 2.0
"""After this long without Kafka's answer the journal takes what was heard."""

_log = structlog.get_logger(__name__)


class Kept:
    """Makes messages safe in Kafka, or in the journal while Kafka does not answer.

    One process of a machine has the journal: another has it as soon as that one ends, and until then Kafka alone. So
    it is as long as the journal cannot be written: to listen without it is better than not at all.
    """

    def __init__(self, publisher: Publisher, make: Callable[[], Journal]) -> None:
        self._publisher = publisher
        self._make = make
        self._intake: Intake | None = None
        self._told = False

    @property
    def journal_bytes(self) -> int:
        """Return how many bytes wait for Kafka."""
        return self._intake.journal_bytes if self._intake else 0

    @property
    def full(self) -> bool:
        """Say whether the journal has little room left."""
        return self._intake.full if self._intake else False

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        if self._intake is None:
            await self._publisher.publish_async(messages, timeout)
        else:
            await self._intake.keep(messages)

    async def opened(self) -> bool:
        """Open the journal and say whether that went well; what a disk says against it is told once."""
        try:
            self._intake = Intake(self._publisher, await asyncio.to_thread(self._make), PUBLISH_SECONDS)
        except JournalInUseError:
            pass
        except PipelineError as error:
            if not self._told:
                _log.error("listening_without_journal", error=type(error).__name__, reason=str(error))
            self._told = True
        return self._intake is not None

    async def run(self) -> None:
        """Serve, and drain the journal, until this is cancelled."""
        while self._intake is None and not await self.opened():  # noqa: ASYNC110 - nobody tells when it can be had
            await asyncio.sleep(ASK_SECONDS)
        if self._intake is not None:
            await self._intake.run()

    async def close(self) -> None:
        """Close the journal; what is in it goes to Kafka after the next start."""
        if self._intake is not None:
            await self._intake.close()


@asynccontextmanager
async def kept(publisher: Publisher, make: Callable[[], Journal]) -> AsyncIterator[Kept]:
    """Give what keeps messages safe as long as this lasts; `make` opens the journal."""
    keeping = Kept(publisher, make)
    await keeping.opened()
    working = asyncio.create_task(keeping.run(), name="intake")
    try:
        yield keeping
    finally:
        working.cancel()
        await asyncio.wait({working})
        await keeping.close()
