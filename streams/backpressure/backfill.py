"""Back-fill has the lowest priority: it waits while live messages wait, here or in downstream stages."""

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
"""Live lag, in seconds, above which back-fill pauses."""

RESUME_SECONDS = 1.0
"""Live lag, in seconds, below which it continues."""

BEGIN_SECONDS = 0.3
"""Live lag, in seconds, above which no chunk of back-fill starts; the limit above is for a lag that stays."""

LOOK_SECONDS = 0.25

SETTLE_LOOKS = 4
"""Looks after a start or a rebalance in which only live messages are fetched: their lag is still unknown."""

TURN_SECONDS = 0.05


def must_pause(paused: bool, lag: float) -> bool:
    """Return whether back-fill must pause; between the two limits the present state stays."""
    return lag > PAUSE_SECONDS or (paused and lag > RESUME_SECONDS)


class Pace:
    """Measures the lag of this worker's live partitions and controls its back-fill."""

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
        """Measure at intervals until the app stops."""
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
        """Return a handler of back-fill that starts a chunk only if no live message has to wait for it.

        One chunk runs at a time: a live message that arrives meanwhile waits for one slice, not for one slice of each
        partition.
        """

        async def in_turn(tp: TP, chunk: Chunk) -> None:
            async with self.turn(chunk, len(chunk.records)):
                await handle(tp, chunk)

        return in_turn

    @asynccontextmanager
    async def turn(self, chunk: Chunk, count: int) -> AsyncIterator[None]:
        """Wait until `count` records of a chunk may be processed, and let no other chunk start meanwhile."""
        await self._turn(chunk, count)
        self._under_way += count
        try:
            yield
        finally:
            self._under_way -= count

    async def _turn(self, chunk: Chunk, count: int) -> None:
        """Return when the chunk may be processed. Waiting here delays neither a rebalance nor the shutdown."""
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
        if pause:  # repeated each time, because a rebalance resumes every partition
            consumer.pause_partitions(mine)
        elif self.paused:
            consumer.resume_partitions(mine)
        self.paused = pause
        waits = pause or (self._downstream is not None and self._waiting > 0 and self._room <= 0)
        metrics.PAUSED.labels(stage=self._stage).set(waits)

    async def _ask(self, downstream: Downstream) -> None:
        """Ask how much back-fill may go on; without back-fill nothing is asked and nothing goes on."""
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
    """Measure the live lag of `app`, and control `backfill` by it and by the lag of downstream stages."""
    pace = Pace(app, stage, live, backfill, downstream)

    tasks: Any = app  # its decorator is untyped
    tasks.task(pace.run)
    return pace
