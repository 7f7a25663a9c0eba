"""A Faust transport that hands an agent one fetched batch of one partition at a time.

Stock Faust spends four asyncio tasks on each message. This transport (entry point `faust.transports`, scheme `chunk`)
delivers what one fetch brought of one partition as a single event, and leaves assignment, rebalance and commit to
Faust. It overrides private methods of faust-streaming 0.15.3: `tests/streams/test_chunks.py` holds that contract.

- At most IN_FLIGHT unfinished chunks of a partition are out; the rest waits in the broker, where it grows into larger
  chunks instead of piling up in memory.
- The committed offset is the end of the leading run of finished chunks, so chunks may finish in any order. It goes back
  with a partition that does: Faust passes over all that stands before the place that it has read to.
- A worker that leaves, or whose partitions are revoked, finishes what it has begun (at most DRAIN_SECONDS) and commits.
"""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import faust
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, EventT, Message
from faust.types.tuples import ConsumerMessage, ack_lock
from mode import Service
from mode.utils.futures import notify

import broker.aio_client  # noqa: F401 - patches aiokafka, since Faust makes its clients itself
from broker.aio_client import LEAVE_SECONDS, brought, check_rights, closed
from broker.leader_epoch_aio import Gap
from broker.topic_id_aio import TopicIds
from schemas.codec import Inbound
from schemas.errors import FatalError, UnreachableError
from streams import metrics
from streams.engine.fetched_record import buffer_slim
from streams.engine.lost_positions import LostPositions

# The thread that fetches for a stage, keeps the worker in its group and starts at the group's offsets.

FETCH_WAIT_MS = 100
"""Milliseconds that the broker may hold a fetch; Faust's own 1500 would delay a partition that had no room."""

WATCH_SECONDS = 1.0
"""Interval in seconds of the check of the membership, and of the sign of life to aiokafka."""


class ChunkConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches, with a short wait and the app's isolation level."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # Faust hard-codes 1500
        consumer._isolation_level = getattr(self.app, "isolation_level", "read_uncommitted")
        return consumer

    async def on_start(self) -> None:
        """Connect; from then on each position belongs to a topic id and not only to a name."""
        await super().on_start()
        self._ids = TopicIds(self._ensure_consumer(), self._lost)

    async def _lost(self, gap: Gap) -> None:
        """Return when the worker has dropped records that no longer exist; its loop is another one."""
        left = self.consumer.lose(gap)  # type: ignore[attr-defined] # it is a ChunkConsumer
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(left, self.parent_loop))

    @Service.task
    async def _watch_topics(self) -> None:
        """Crash the worker when one of its topics was made anew: it would skip the records of the new one."""
        try:
            await self._ids.watch()
        except FatalError as error:
            asyncio.run_coroutine_threadsafe(self.app.crash(error), self.parent_loop)

    @Service.task
    async def _watch_coordination(self) -> None:
        """Crash the worker when its heartbeat has ended or Kafka no longer shows it a topic.

        A worker without partitions would not notice. aiokafka raises the first fault in `getmany` only, which Faust
        does not call, and does not raise the second one if the metadata have it.
        """
        async for _ in self.itertimer(WATCH_SECONDS, name="watch-coordination"):
            consumer = self._consumer
            try:
                if consumer is not None and consumer._coordinator is not None:
                    consumer._coordinator.check_errors()
                    check_rights(consumer, consumer.subscription())
            except Exception as error:  # noqa: BLE001 - any fault crashes the worker, and its restart begins anew
                asyncio.run_coroutine_threadsafe(self.app.crash(error), self.parent_loop)
                return

    def show_life(self) -> None:
        """Tell aiokafka that records are being consumed if there are any.

        aiokafka removes a member that has not polled for 1000 s, and does not let it join again before it polls;
        Faust does not poll before it has joined. A worker whose partitions were full for long, or that had none, was
        gone for good.
        """
        if self._consumer is not None:
            self._consumer._subscription._last_fetch_ended = time.monotonic()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, and to the beginning of a partition without one.

        aiokafka leaves the latter where they are: behind records that were fetched during the rebalance and dropped.
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
            consumer.seek(tp, 0)  # if retention deleted that offset, aiokafka continues at the oldest record
        return committed

    async def on_thread_stop(self) -> None:
        """Stop, even if a fetch waits for its next attempt: aiokafka's `stop` leaks the cancellation of that fetch.

        The thread would end before the app is told, and a worker that crashed with its broker waited for it for
        minutes instead of being restarted.
        """
        if not await closed(super().on_thread_stop, LEAVE_SECONDS) and self._consumer is not None:
            await closed(self._consumer._client.close)

    async def _fetch_records(self, consumer: AIOKafkaConsumer, *args: Any, **options: Any) -> Any:
        buffer_slim(consumer._fetcher)
        return await super()._fetch_records(consumer, *args, **options)


IN_FLIGHT = 2
"""Most unfinished chunks of one partition."""

DRAIN_SECONDS = 5.0
"""Seconds that a rebalance or a shutdown waits for started chunks; unfinished ones are read again."""

COMMIT_SECONDS = 10.0
"""Limit of the last commit, in seconds; without it the records are read again."""

PARKED = 1_000
"""Most unfinished chunks of one partition, parked ones included."""

IDLE_SECONDS = 0.05
BUSY_SECONDS = 0.002

_log = structlog.get_logger(__name__)


class ChunkMessage(ConsumerMessage):
    """The records of one partition in one fetch: `value` is their list."""

    use_tracking = True

    def __init__(self, tp: TP, records: list[Inbound], generation: int) -> None:
        last = records[-1]
        value: Any = records
        super().__init__(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, 0, None, None, value, None, 0, 0, tp,
            generation_id=generation,
        )  # fmt: skip
        self.first, self.began = records[0].offset, records[0].timestamp / 1000
        self.done = self.parked = self.resting = False

    def park(self, keep: list[Inbound]) -> None:
        """Give up the chunk's place in the queue, but not its offset; keep only these records in memory."""
        value: Any = keep
        self.parked, self.value = True, value


class ChunkSchema(faust.Schema[Any, Any]):
    """Passes records through unchanged."""

    def compile(self, app: AppT, **options: Any) -> Callable[..., Awaitable[EventT[Any]]]:
        """Return the function that makes an event of a chunk."""
        no_headers: Any = None

        async def decode(message: Message, **options: Any) -> EventT[Any]:
            return app.create_event(None, None, no_headers, message)  # the records are in the message alone

        return decode


class ChunkConsumer(driver.Consumer):
    """Faust's consumer with chunks instead of messages."""

    _thread: ChunkConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._chunks: dict[TP, deque[ChunkMessage]] = defaultdict(deque)  # in delivery order, not yet committed
        self._last_read: dict[TP, float] = {}  # timestamps
        self._finished_at = 0.0
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @Service.task
    async def _show_life(self) -> None:
        """Keep the membership while nothing is fetched, because all partitions are full or this worker has none."""
        async for _ in self.itertimer(WATCH_SECONDS, name="show-life"):
            self._thread.show_life()

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch and deliver until the consumer or its fetcher stops."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self.sleep(0)
                await self._drain_once()
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    async def _drain_once(self) -> None:
        batches = await self._next_batches()
        generation = self.app.consumer_generation_id
        if self.should_stop:
            return
        if not self.flow_active:
            with contextlib.suppress(KafkaError):  # the rebalance that stopped the flow ends with a seek of its own
                await self.perform_seek()
            return
        for tp, records in batches.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance: everything that is not committed will be fetched again
            await self._deliver(TP(tp.topic, tp.partition), records, generation)

    async def _next_batches(self) -> dict[TP, list[Inbound]]:
        """Return fetched records of partitions that have room."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type] # mode accepts asyncio's Event as well
        assigned = self._get_active_partitions()
        roomy = {tp for tp in assigned if self._has_room(tp)}
        # an acknowledgement makes room but does not wake this wait: keep it short while they come
        held = len(roomy) < len(assigned)
        busy = held and time.monotonic() - self._finished_at < IDLE_SECONDS * 2
        timeout = BUSY_SECONDS if busy else IDLE_SECONDS
        if not roomy:
            await self.sleep(timeout)
            return {}
        return dict(await self._getmany(active_partitions=roomy, timeout=timeout))

    def _has_room(self, tp: TP) -> bool:
        out = [chunk for chunk in self._chunks[tp] if not chunk.done]
        return len(out) < PARKED and sum(not chunk.parked for chunk in out) < IN_FLIGHT

    async def _deliver(self, tp: TP, records: list[Inbound], generation: int) -> None:
        if records[0].offset < (self._read_offset[tp] or 0):
            self._go_back(tp, records[0].offset)
        chunk = ChunkMessage(tp, records, generation)
        self._chunks[tp].append(chunk)
        await self.wait_first(self.callback(chunk), self.suspend_flow.wait())
        self._read_offset[tp] = chunk.offset + 1
        self._last_read[tp] = records[-1].timestamp / 1000

    async def lose(self, gap: Gap) -> None:
        """Count lost records, and move back if other records took their offsets."""
        topic, partition = gap.place
        metrics.RECORDS_GONE.labels(topic=topic, end="new" if gap.goes_back else "old").inc(len(gap.lost))
        if gap.goes_back:
            self._go_back(TP(topic, partition), gap.goes_on)

    def _go_back(self, tp: TP, offset: int) -> None:
        """Ignore acknowledgements of records that were read before the move: their offsets belong to others now."""
        _log.warning("partition_goes_back", topic=tp.topic, partition=tp.partition)
        self._chunks[tp].clear()
        self._read_offset[tp] = offset

    def ack(self, message: Message) -> bool:
        """Mark a chunk as finished and release its records."""
        if not isinstance(message, ChunkMessage):
            return super().ack(message)
        with ack_lock:
            message.acked = message.done = True
            message.value = None  # it waits for the next commit; its records need not
            self._unacked_messages.discard(message)
            self._n_acked += 1
            self._finished_at = time.monotonic()
            notify(self._waiting_for_ack)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        """Return the partitions to commit; Faust's own list is already empty when partitions are revoked."""
        return (tp for tp in list(self._chunks) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        chunks, offset = self._chunks[tp], None
        while chunks and chunks[0].done:
            offset = chunks.popleft().offset + 1
        return offset

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Commit every new offset; a partition may have moved back, which Faust takes for an old offset."""
        return True

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Commit, except for a partition that moved back meanwhile."""
        left = {tp: offset for tp, offset in offsets.items() if offset <= self._read_or(tp, offset)}
        committed: bool = await super()._commit_offsets(left, start_new_transaction=start_new_transaction)
        return committed

    def _read_or(self, tp: TP, offset: int) -> int:
        read = self._read_offset[tp]
        return offset if read is None else read

    async def wait_empty(self) -> None:
        """Wait, with a limit, for the started chunks; then commit."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while not self.should_stop and self._has_begun() and time.monotonic() < deadline:
            await self._wait_for_ack(timeout=1)
        if self.app.should_stop:
            await self._commit_last()
        else:
            await self.commit_and_end_transactions()

    async def _commit_last(self) -> None:
        """Commit; if Kafka refuses it, or its thread has ended, that is why the app crashed, and the app ends.

        An exception here would leave all services running and the consumer in its group without a worker.
        """
        try:
            await brought(self.commit_and_end_transactions(), COMMIT_SECONDS)
        except (UnreachableError, KafkaError, OSError) as error:
            _log.error("stage_ends_uncommitted", stage=self.app.conf.id, reason=type(error).__name__)
            self.app.crash_reason = self.app.crash_reason or error

    def _has_begun(self) -> bool:
        """Return whether a chunk is being processed; resting ones wait for their turn, perhaps for hours."""
        return any(not getattr(message, "resting", False) for message in self._unacked_messages)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit, then forget: the new owners start at the committed offsets."""
        self.stop_flow()  # Faust does so only where there are partitions; the next ones have to be sought first
        await super().on_partitions_revoked(revoked)
        self._chunks.clear()  # aiokafka revokes all of them
        self._last_read.clear()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Leave lag to the stage's own metrics: Faust's watchdog takes paused partitions for hanging ones."""

    def lag_seconds(self, topics: Iterable[str], now: float) -> float:
        """Return the age of the oldest record of `topics` that waits or is being processed; 0 without one."""
        wanted = set(topics)
        mine = [tp for tp in self._get_active_partitions() if tp.topic in wanted]
        return max([0.0, *(now - began for tp in mine if (began := self._waiting_since(tp)) is not None)])

    def lag_records(self, topics: Iterable[str]) -> int:
        """Return the number of offsets of `topics` between the acknowledged ones and the known ends."""
        wanted = set(topics)
        return sum(self._waiting(tp) for tp in self._get_active_partitions() if tp.topic in wanted)

    def _waiting(self, tp: TP) -> int:
        end = self._end(tp)
        begun = next((chunk.first for chunk in self._chunks[tp] if not chunk.done), self._read_offset[tp])
        return max(0, end - begun) if end is not None and begun is not None else 0

    def _waiting_since(self, tp: TP) -> float | None:
        open_chunks = [chunk.began for chunk in self._chunks[tp] if not chunk.done]
        if open_chunks:
            return open_chunks[0]
        read, end = self._read_offset[tp], self._end(tp)
        behind = read is not None and end is not None and end > read
        return self._last_read.get(tp) if behind else None

    def _end(self, tp: TP) -> int | None:
        try:
            return self.highwater(tp)
        except (AssertionError, AttributeError):  # a rebalance takes the partition away in the other thread
            return None


def chunks(app: faust.App, topics: Iterable[str]) -> Any:
    """Return the channel for `@app.agent`: its events carry a list of records each."""
    names = list(topics)
    for name in names:  # what first appears as 1 has grown by nothing, as Prometheus sees it
        metrics.RECORDS_GONE.labels(topic=name, end="new")
        metrics.RECORDS_GONE.labels(topic=name, end="old")
    return app.topic(*names, schema=ChunkSchema(), key_serializer="raw", value_serializer="raw")


class ChunkTransport(driver.Transport):
    """`chunk://host:port`: aiokafka with chunks."""

    Consumer = ChunkConsumer
