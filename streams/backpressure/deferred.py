"""Records beyond a share are processed beside the following chunks: no other sender waits for a flood."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import faust
from faust.types import TP

from broker.heartbeat import beat
from schemas.codec import Inbound
from streams.engine import partition_worker
from streams.engine.input import sliced

CHUNKS = 16
"""Chunks of a partition's flood that are held in memory, of a megabyte each."""

STEP = 32
NAP_SECONDS = 0.002
"""Records between two turns of the event loop, and the pause in seconds: a live message takes several turns."""

Handle = Callable[[TP, Sequence[Inbound]], Awaitable[None]]
"""Processes a few records. A RetriableError repeats their chunk."""


async def in_steps(handle: Handle, tp: TP, records: Sequence[Inbound]) -> None:
    """Process records in small steps and let other tasks run between them."""
    for few in sliced(records, STEP):
        await handle(tp, few)
        beat()
        await asyncio.sleep(NAP_SECONDS)


class Beside:
    """A lane for each partition; a chunk is acknowledged when its part of a flood is done."""

    def __init__(self, app: faust.App, handle: Handle, name: str) -> None:
        self._handle = handle
        self._lanes = partition_worker.attached(app, partition_worker.Lanes(self._work_off, app.crash, name=name))

    def take(self, tp: TP, chunk: partition_worker.Chunk, records: Sequence[Inbound]) -> bool:
        """Take over a chunk of which only `records` are left; return False if there is no room."""
        if self._lanes.waiting(tp) >= CHUNKS:
            return False
        chunk.park(list(records))
        self._lanes.put(chunk.event)
        return True

    async def _work_off(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        await in_steps(self._handle, tp, chunk.records)
        chunk.ack()
