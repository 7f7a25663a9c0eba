"""The thread that fetches for a stage: it keeps the worker in its group, and begins where the group is."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

import broker.aio_client  # noqa: F401 - Faust makes its clients itself, and they pause as ours do
from broker.aio_client import LEAVE_SECONDS, check_rights, closed
from broker.leader_epoch_aio import Gap
from broker.topic_id_aio import TopicIds
from schemas.errors import FatalError
from streams.fetched import buffer_slim
from streams.lost_positions import LostPositions

FETCH_WAIT_MS = 100
"""How long the broker may hold a fetch back; Faust's own 1500 ms would delay a partition that had no room."""

WATCH_SECONDS = 1.0
"""How often it is asked whether the worker is still in its group, and how often it is told that we live."""


class ChunkConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches, with a short wait and the app's isolation level."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # Faust hard-codes 1500
        consumer._isolation_level = getattr(self.app, "isolation_level", "read_uncommitted")
        return consumer

    async def on_start(self) -> None:
        """Connect; from then on every position is one of a topic, and not of whatever has its name."""
        await super().on_start()
        self._ids = TopicIds(self._ensure_consumer(), self._lost)

    async def _lost(self, gap: Gap) -> None:
        """Return when the worker has left what it read of records that are gone; its loop is another one."""
        left = self.consumer.lose(gap)  # type: ignore[attr-defined] # it is a ChunkConsumer
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(left, self.parent_loop))

    @Service.task
    async def _watch_topics(self) -> None:
        """Crash the worker when a topic that it reads has been made anew: it would pass over what is in the new one."""
        try:
            await self._ids.watch()
        except FatalError as error:
            asyncio.run_coroutine_threadsafe(self.app.crash(error), self.parent_loop)

    @Service.task
    async def _watch_coordination(self) -> None:
        """Crash the worker when what keeps it in its group has ended, or Kafka shows it a topic no more.

        Without partitions nothing else would notice. aiokafka tells of the former only to those who ask for records by
        `getmany`, which Faust does not, and of the latter nobody where the metadata say it.
        """
        async for _ in self.itertimer(WATCH_SECONDS, name="watch-coordination"):
            consumer = self._consumer
            try:
                if consumer is not None and consumer._coordinator is not None:
                    consumer._coordinator.check_errors()
                    check_rights(consumer, consumer.subscription())
            except Exception as error:  # noqa: BLE001 - whatever it was, a worker that is started again begins anew
                asyncio.run_coroutine_threadsafe(self.app.crash(error), self.parent_loop)
                return

    def show_life(self) -> None:
        """Tell aiokafka that somebody takes records when there are any to take.

        It lets a member go that asks for none for 1000 s, and does not let it join again before it asks; Faust does not
        ask before it has joined. So a worker whose partitions were full for long, or that had none, was gone for good.
        """
        if self._consumer is not None:
            self._consumer._subscription._last_fetch_ended = time.monotonic()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to what is committed, and to the beginning of a partition of which nothing is.

        aiokafka leaves the latter where they are: behind what was fetched while a rebalance went on, and was dropped.
        """
        committed: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return committed

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        if not consumer.assignment():  # aiokafka asserts that there is one
            return {}
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        lost: LostPositions | None = getattr(self.app, "lost", None)
        if lost is not None:
            await lost.look(consumer, [tp for tp, offset in committed.items() if offset is None])
        for tp in [tp for tp, offset in committed.items() if not offset]:
            consumer.seek(tp, 0)  # where retention took that, aiokafka goes on to the oldest record there is
        return committed

    async def on_thread_stop(self) -> None:
        """Stop, also while a fetch waits for its next attempt: aiokafka lets that one's end out of its own `stop`.

        It would end the thread before anybody is told, and a worker that crashed with its broker waited for it for
        minutes instead of being started again.
        """
        if not await closed(super().on_thread_stop, LEAVE_SECONDS) and self._consumer is not None:
            await closed(self._consumer._client.close)

    async def _fetch_records(self, consumer: AIOKafkaConsumer, *args: Any, **options: Any) -> Any:
        buffer_slim(consumer._fetcher)
        return await super()._fetch_records(consumer, *args, **options)
