"""Listening: what a source tells once, to whoever listens, is kept on this machine's disk while Kafka is away.

Who does not take it at once is hung up on (Asterisk waits for a tenth of a second, `writetimeout`), and what is told
until the next login nobody tells again: so it must not wait for Kafka.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import Kept, Publisher

JOURNAL_MAX_BYTES = 512 * 1024 * 1024
"""Of one account: five hours of a busy exchange (20 events a second that are kept, 1.5 KB each)."""

PUBLISH_SECONDS = 2.0
"""After this long without Kafka's answer the journal takes what was heard."""


@asynccontextmanager
async def kept(publisher: Publisher, make: Callable[[], Journal]) -> AsyncIterator[Kept]:
    """Give what keeps messages safe as long as this lasts; `make` opens the journal."""
    keeping = Kept(publisher, make, PUBLISH_SECONDS)
    await keeping.open()
    working = asyncio.create_task(keeping.run(), name="intake")
    try:
        yield keeping
    finally:
        working.cancel()
        await asyncio.wait({working})
        await keeping.close()
