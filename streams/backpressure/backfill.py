"""Back-fill gives way: it waits while live messages do, here or in the stages behind this one."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import faust
from faust.types import TP

from broker.heartbeat import beat
from streams import metrics
from streams.backpressure.downstream_lag import Downstream
from streams.engine.partition_worker import Chunk, Handle

PAUSE_SECONDS = 3.0
"""Live lag above this pauses back-fill."""

RESUME_SECONDS = 1.0
"""Live lag below this lets it go on."""

BEGIN_SECONDS = 0.3
"""With live lag above this no chunk of back-fill is begun; the pause above is for lag that stays."""

LOOK_SECONDS = 0.25

SETTLE_LOOKS = 4
"""After a start or a rebalance live messages are fetched first: nobody knows before how long they have waited."""

TURN_SECONDS = 0.05


def must_pause(paused: bool, lag: float) -> bool:
    """Say whether back-fill has to wait; between the two limits everything stays as it is."""
    return lag > PAUSE_SECONDS or (paused and lag > RESUME_SECONDS)


class Pace:
    """Measures the lag of this worker's live partitions and holds its back-fill back."""

    def __init__(
        self,
        app: faust.App,
        stage: str,
        live: Collection[str],
        backfill: Collection[str],
        downstream: Downstream | None = None,
    ) -> None:
        self._app: Any = app
        self._stage = stage
        self._live = live
        self._backfill = frozenset(backfill)
        self._downstream = downstream
        self._looks = 0
        self._waiting = 0
        self._under_way = 0
        self._room = 0
        self.paused = False

    async def run(self) -> None:
        """Look now and then, until the app stops."""
        try:
            while not self._app.should_stop:
                self._look()
                if self._downstream is not None:
                    await self._ask(self._downstream)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            if self._downstream is not None:
                await self._downstream.close()

    def giving_way(self, handle: Handle) -> Handle:
        """Return a handler of back-fill that begins a chunk only when nothing live has to wait for it.

        One chunk at a time: a live message that arrives meanwhile waits for one slice of it, not for one of each
        partition.
        """

        async def in_turn(tp: TP, chunk: Chunk) -> None:
            async with self.turn(chunk, len(chunk.records)):
                await handle(tp, chunk)

        return in_turn

    @asynccontextmanager
    async def turn(self, chunk: Chunk, count: int) -> AsyncIterator[None]:
        """Wait until `count` records of a chunk may be worked off, and let nothing else begin meanwhile."""
        await self._turn(chunk, count)
        self._under_way += count
        try:
            yield
        finally:
            self._under_way -= count

    async def _turn(self, chunk: Chunk, count: int) -> None:
        """Return when the chunk may be worked off. What waits here holds up neither a rebalance nor the end."""
        chunk.rest(True)
        self._waiting += 1
        try:
            while not self._may_go():
                beat()
                await asyncio.sleep(TURN_SECONDS)
        finally:
            self._waiting -= 1
        chunk.rest(False)
        self._room -= count

    def _may_go(self) -> bool:
        if self.paused or self._under_way or self._looks < SETTLE_LOOKS or not self._flows():
            return False
        if self._downstream is not None and self._room <= 0:
            return False
        return self._lag() <= BEGIN_SECONDS

    def _lag(self) -> float:
        lag: float = self._app.consumer.lag_seconds(self._live, time.time())
        return lag

    def _flows(self) -> bool:
        return not self._app.rebalancing and bool(self._app.consumer.flow_active)

    def _look(self) -> None:
        if not self._flows():
            self._looks = 0
            return
        self._looks += 1
        lag = self._lag()
        metrics.LAG_SECONDS.labels(stage=self._stage).set(lag)
        metrics.LAG_RECORDS.labels(stage=self._stage).set(self._app.consumer.lag_records(self._live))
        self._hold(self._app.consumer, must_pause(self.paused, lag))

    def _hold(self, consumer: Any, pause: bool) -> None:
        mine = {tp for tp in consumer.assignment() if tp.topic in self._backfill}
        if pause:  # again each time: a rebalance resumes every partition
            consumer.pause_partitions(mine)
        elif self.paused:
            consumer.resume_partitions(mine)
        self.paused = pause
        waits = pause or (self._downstream is not None and self._waiting > 0 and self._room <= 0)
        metrics.PAUSED.labels(stage=self._stage).set(waits)

    async def _ask(self, downstream: Downstream) -> None:
        """Learn how much may go on; nothing is asked, and nothing may go on, while there is no back-fill."""
        if self._waiting:
            self._room = await downstream.room() - self._under_way
        elif not self._under_way:
            self._room = 0


def watch(
    app: faust.App,
    stage: str,
    live: Collection[str],
    backfill: Collection[str] = (),
    downstream: Downstream | None = None,
) -> Pace:
    """Let `app` measure its live lag, and hold `backfill` back by it and by what lies before the stages behind."""
    pace = Pace(app, stage, live, backfill, downstream)

    tasks: Any = app  # its decorator is untyped
    tasks.task(pace.run)
    return pace
