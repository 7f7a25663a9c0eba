"""Durable publishing for sources that broadcast: their events are buffered on disk while Kafka is unreachable.

Such a source disconnects slow readers (Asterisk waits a tenth of a second, `writetimeout`) and repeats no event of
the time until the next login: reading must not wait for Kafka.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import Kept, Publisher

JOURNAL_MAX_BYTES = 512 * 1024 * 1024
"""Bytes of one account's journal: five hours of a busy exchange (20 relevant events a second, 1.5 KB each)."""

PUBLISH_SECONDS = 2.0
"""Seconds without Kafka's answer after which the journal takes the events."""


@asynccontextmanager
async def kept(publisher: Publisher, make: Callable[[], Journal]) -> AsyncIterator[Kept]:
    """Yield an object that makes messages safe during the block; `make` opens the journal."""
    keeping = Kept(publisher, make, PUBLISH_SECONDS)
    await keeping.open()
    working = asyncio.create_task(keeping.run(), name="intake")
    try:
        yield keeping
    finally:
        working.cancel()
        await asyncio.wait({working})
        await keeping.close()
