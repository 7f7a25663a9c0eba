"""Back-fill gives way: its partitions are paused while live messages wait too long."""

import asyncio
import time
from collections.abc import Collection
from typing import Any

import faust

from streams import metrics

PAUSE_SECONDS = 3.0
"""Live lag above this pauses back-fill."""

RESUME_SECONDS = 1.0
"""Live lag below this lets it go on."""

LOOK_SECONDS = 0.25


def must_pause(paused: bool, lag: float) -> bool:
    """Say whether back-fill has to wait; between the two limits everything stays as it is."""
    return lag > PAUSE_SECONDS or (paused and lag > RESUME_SECONDS)


class Pace:
    """Measures the lag of this worker's live partitions and pauses its back-fill partitions."""

    def __init__(self, app: faust.App, stage: str, live: Collection[str], backfill: Collection[str]) -> None:
        self._app: Any = app
        self._stage = stage
        self._live = live
        self._backfill = frozenset(backfill)
        self.paused = False

    async def run(self) -> None:
        """Look now and then, until the app stops."""
        while not self._app.should_stop:
            self._look()
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        consumer = self._app.consumer
        if self._app.rebalancing or not consumer.flow_active:
            return
        lag = consumer.lag_seconds(self._live, time.time())
        metrics.LAG_SECONDS.labels(stage=self._stage).set(lag)
        metrics.LAG_RECORDS.labels(stage=self._stage).set(consumer.lag_records(self._live))
        self._turn(consumer, must_pause(self.paused, lag))

    def _turn(self, consumer: Any, pause: bool) -> None:
        mine = {tp for tp in consumer.assignment() if tp.topic in self._backfill}
        if pause:  # again each time: a rebalance resumes every partition
            consumer.pause_partitions(mine)
        elif self.paused:
            consumer.resume_partitions(mine)
        self.paused = pause
        metrics.PAUSED.labels(stage=self._stage).set(pause)


def watch(app: faust.App, stage: str, live: Collection[str], backfill: Collection[str] = ()) -> Pace:
    """Let `app` measure its live lag, and pause `backfill` by it."""
    pace = Pace(app, stage, live, backfill)

    tasks: Any = app  # its decorator is untyped
    tasks.task(pace.run)
    return pace
