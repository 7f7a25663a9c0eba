"""Listening: what a source tells once, to whoever listens, is kept on this machine's disk while Kafka is away.

Who does not take it at once is hung up on (Asterisk waits for a tenth of a second, `writetimeout`), and what is told
until the next login nobody tells again: so it must not wait for Kafka.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from connectors.health import Health
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
    """Makes messages safe in Kafka, or in the journal while Kafka does not answer."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    @property
    def journal_bytes(self) -> int:
        """Return how many bytes wait for Kafka."""
        return self._intake.journal_bytes

    @property
    def full(self) -> bool:
        """Say whether the journal has little room left."""
        return self._intake.full

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - the journal has no answer to wait for
    ) -> None:
        """Return when the messages are safe; raises UnreachableError when nothing holds them."""
        await self._intake.keep(messages)


@asynccontextmanager
async def kept(publisher: Publisher, journal: Journal) -> AsyncIterator[Kept]:
    """Give what keeps messages safe, and drain the journal, as long as this lasts."""
    intake = Intake(publisher, journal, PUBLISH_SECONDS)
    working = asyncio.create_task(intake.run(), name="intake")
    try:
        yield Kept(intake)
    finally:
        working.cancel()
        await asyncio.wait({working})
        await intake.close()


async def opened(make: Callable[[], Journal], stop: asyncio.Event, health: Health) -> Journal | None:
    """Return the journal when no other process of this machine has it: that one listens. None when told to stop.

    None as well where it cannot be written: to listen without it is better than not at all.
    """
    while not stop.is_set():
        try:
            return await asyncio.to_thread(make)
        except JournalInUseError:
            health.standing_by()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), ASK_SECONDS)
        except PipelineError as error:
            _log.error("listening_without_journal", error=type(error).__name__, reason=str(error))
            return None
    return None
