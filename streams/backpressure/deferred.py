"""What exceeds a share is worked off beside the chunks that follow it: nobody behind a flood waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import faust
from faust.types import TP

from broker.heartbeat import beat
from schemas.codec import Inbound
from streams.engine import partition_worker
from streams.engine.input import sliced

CHUNKS = 16
"""So many chunks of a partition's flood are held in memory, a megabyte each."""

STEP = 32
NAP_SECONDS = 0.002
"""Records between two turns of the event loop, and the pause: a live message takes several turns."""

Handle = Callable[[TP, Sequence[Inbound]], Awaitable[None]]
"""Works off a few records. A RetriableError repeats the chunk that they came in."""


async def in_steps(handle: Handle, tp: TP, records: Sequence[Inbound]) -> None:
    """Work off records a few at a time, and let others in between."""
    for few in sliced(records, STEP):
        await handle(tp, few)
        beat()
        await asyncio.sleep(NAP_SECONDS)


class Beside:
    """A lane of its own for each partition; a chunk is acknowledged when its share of a flood is worked off."""

    def __init__(self, app: faust.App, handle: Handle, name: str) -> None:
        self._handle = handle
        self._lanes = partition_worker.attached(app, partition_worker.Lanes(self._work_off, app.crash, name=name))

    def take(self, tp: TP, chunk: partition_worker.Chunk, records: Sequence[Inbound]) -> bool:
        """Take a chunk over, of which only `records` are left; False when there is no room."""
        if self._lanes.waiting(tp) >= CHUNKS:
            return False
        chunk.park(list(records))
        self._lanes.put(chunk.event)
        return True

    async def _work_off(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        await in_steps(self._handle, tp, chunk.records)
        chunk.ack()
