"""Intake: pushed messages stand in two lines, so that those which wait for the blob store hold up no others."""

import asyncio
from collections.abc import Sequence

from connectors.journal import Journal
from connectors.line import Line, Outcome, Publisher
from schemas.records import RawMessage
from schemas.records.raw import INLINE_LIMIT

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
