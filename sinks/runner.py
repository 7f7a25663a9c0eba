"""Moves records from Kafka to a sink: reads, batches, delivers, and commits only stored ones and dead letters."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord

from broker.aio_client import LEAVE_SECONDS, allowed, answering, check_rights, running
from broker.config import KafkaConnection
from broker.leader_epoch_aio import Gap
from broker.topic_id_aio import TopicIds
from schemas.errors import RetriableError
from schemas.tracing import OFF, Tracer
from sinks import metrics
from sinks.base import Document, Sink, Source, document_of, type_of
from sinks.batcher import Batch, Batcher, Place
from sinks.groups import group_of
from sinks.kafka import Graveyard, make_consumer, make_producer
from sinks.retry import Delivery
from sinks.settings import SinkSettings

_IDLE_SECONDS = 0.1
_STAY_SECONDS = 5.0
"""Longest time without a poll before the membership must be shown."""

_OPEN_SECONDS = 2.0
"""Seconds between two tries to open the sink."""

_log = structlog.get_logger(__name__)


class Health(NamedTuple):
    """State of the sink; `detail` is the reason if it does not work."""

    ready: bool
    detail: str


class Delivers(Protocol):
    """Delivers a batch; `trouble` is the reason if it cannot, or None."""

    @property
    def trouble(self) -> str | None:
        """Return the reason why it cannot deliver."""
        ...

    async def deliver(self, documents: Sequence[Document]) -> None:
        """Return when each document is stored, or is a dead letter in Kafka."""
        ...


class _Flight(NamedTuple):
    batch: Batch
    task: "asyncio.Task[None]"


class Runner(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Moves the topics of `routes` into `sink`. A crash at any point repeats documents and never loses one."""

    def __init__(
        self,
        sink: Sink,
        routes: Iterable[Source],
        consumer: AIOKafkaConsumer,
        delivery: Delivers,
        settings: SinkSettings,
        clock: Callable[[], float] = time.monotonic,
        tracer: Tracer = OFF,
    ) -> None:
        self._sink = sink
        self._routes = {route.topic: route for route in routes}
        self._consumer = consumer
        self._delivery = delivery
        self._tracer = tracer
        self._settings = settings
        self._clock = clock
        self._batcher = Batcher(settings, clock)
        self._closed: deque[Batch] = deque()
        self._flights: deque[_Flight] = deque()
        self._offsets: dict[Place, int] = {}
        self._stop = asyncio.Event()
        self._started = False
        for topic in self._routes:  # what first appears as 1 has grown by nothing, as Prometheus sees it
            metrics.RECORDS_GONE.labels(topic, "new")
            metrics.RECORDS_GONE.labels(topic, "old")

    def health(self) -> Health:
        """Return whether the sink works, and the reason if it does not."""
        if not self._started:
            return Health(False, "starting")
        trouble = self._delivery.trouble
        return Health(trouble is None, trouble or "running")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish the batches in flight."""
        self._stop = stop
        self._consumer.subscribe(list(self._routes), listener=self)
        self._started = True
        try:
            while not stop.is_set():
                await self._turn()
            await self._drain()
        finally:
            self._drop()

    async def _turn(self) -> None:
        check_rights(self._consumer, self._routes)
        wait = min(_IDLE_SECONDS, self._batcher.seconds_left() or _IDLE_SECONDS)
        await self._read(wait, self._settings.batch_max_documents)
        while self._closed and await self._has_room():
            self._launch()
        await self._commit()

    async def _read(self, seconds: float, limit: int) -> None:
        """Read from Kafka. No await between the answer and the batches: a revocation comes before or after both."""
        answer = await self._consumer.getmany(timeout_ms=int(seconds * 1000), max_records=limit)
        for place, records in answer.items():
            self._gather(self._routes[place.topic], records)
        due = self._batcher.due()
        if due is not None:
            self._closed.append(due)

    def _gather(self, route: Source, records: Iterable[ConsumerRecord[bytes, bytes]]) -> None:
        for record in records:
            document = document_of(record)
            if record.value is None or (route.skip and type_of(document) in route.skip):
                metrics.DOCUMENTS.labels(self._sink.name, "skipped").inc()
                self._batcher.skip(document)
            elif (full := self._batcher.add(document, record.timestamp)) is not None:
                self._closed.append(full)

    async def _has_room(self) -> bool:
        """Wait until another batch may start; return False at a stop. Records read meanwhile come one at a time."""
        quiet_since = self._clock()
        while len(self._flights) >= self._settings.in_flight_max_batches and not self._stop.is_set():
            flying = [flight.task for flight in self._flights if not flight.task.done()]
            if flying:
                await asyncio.wait(flying, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await self._commit()
            if self._clock() - quiet_since > _STAY_SECONDS:
                await self._stay_member()
                quiet_since = self._clock()
        return not self._stop.is_set()

    async def _stay_member(self) -> None:
        """Keep the membership while nothing is read: a long fault must not look like a dead consumer."""
        assigned = self._consumer.assignment()
        self._consumer.pause(*assigned)
        try:
            await self._read(0, 1)
        finally:
            self._consumer.resume(*(assigned & self._consumer.assignment()))

    def _launch(self) -> None:
        """Start the oldest closed batch, unless a revocation removed it."""
        if self._closed:
            batch = self._closed.popleft()
            task = asyncio.create_task(self._deliver(batch.documents), name="delivery")
            self._flights.append(_Flight(batch, task))
            metrics.IN_FLIGHT.labels(self._sink.name).set(len(self._flights))

    async def _deliver(self, documents: Sequence[Document]) -> None:
        with self._tracer.hop(f"sink:{self._sink.name}") as hop:
            hop.ends(document.headers for document in documents)
            await self._delivery.deliver(documents)

    async def _commit(self) -> None:
        """Commit the offsets of the oldest delivered batches; an error of any delivery is raised here at once."""
        for flight in self._flights:
            if flight.task.done():
                flight.task.result()
        while self._flights and self._flights[0].task.done():
            flight = self._flights.popleft()
            self._offsets.update(flight.batch.offsets)
        metrics.IN_FLIGHT.labels(self._sink.name).set(len(self._flights))
        metrics.OLDEST_SECONDS.labels(self._sink.name).set(self._oldest_seconds())
        if self._offsets:
            await self._commit_offsets()

    def _oldest_seconds(self) -> float:
        in_hand = [*(flight.batch.oldest_ms for flight in self._flights), *(batch.oldest_ms for batch in self._closed)]
        known = [at for at in (*in_hand, self._batcher.oldest_ms) if at is not None]
        return max(0.0, time.time() - min(known) / 1000) if known else 0.0

    async def _commit_offsets(self) -> None:
        """Commit; a failed commit is repeated with the next one, and after a rebalance the records are read again."""
        offsets = dict(self._offsets)
        try:
            await self._consumer.commit({TopicPartition(*place): offset for place, offset in offsets.items()})
        except (KafkaError, IllegalStateError) as error:
            metrics.FAULTS.labels(self._sink.name, type(error).__name__).inc()
            _log.warning("commit_failed", sink=self._sink.name, error=type(error).__name__)
        else:
            self._offsets = {place: at for place, at in self._offsets.items() if offsets.get(place) != at}

    async def _drain(self) -> None:
        """Finish the batches in flight; those that take too long are read again."""
        if (left := self._batcher.close()) is not None:
            self._closed.append(left)
        while self._closed and self._delivery.trouble is None:
            self._launch()
        if self._flights:
            await asyncio.wait([f.task for f in self._flights], timeout=self._settings.drain_max_seconds)
        await self._commit()

    def _drop(self) -> None:
        """Discard everything that is not committed."""
        for flight in self._flights:
            flight.task.cancel()
        self._flights.clear()
        self._closed.clear()
        self._offsets.clear()
        self._batcher.close()

    async def lose(self, gap: Gap) -> None:
        """Count lost records; if others took their offsets, earlier reads no longer move the group's offset."""
        metrics.RECORDS_GONE.labels(gap.place.topic, "new" if gap.goes_back else "old").inc(len(gap.lost))
        if gap.goes_back:
            place = Place(gap.place.topic, gap.place.partition)
            batches = [*(flight.batch for flight in self._flights), *self._closed]
            for offsets in (self._offsets, *(batch.offsets for batch in batches)):
                offsets.pop(place, None)
            self._batcher.forget(place)

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Discard uncommitted records: the new owner reads them again. Does not wait."""
        if revoked:
            self._drop()
            _log.info("partitions_revoked", sink=self._sink.name, partitions=len(revoked))

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Log this worker's share of the partitions."""
        _log.info("partitions_assigned", sink=self._sink.name, partitions=len(assigned))


async def run_sink(
    sink: Sink,
    routes: Iterable[Source],
    connection: KafkaConnection,
    settings: SinkSettings,
    stop: asyncio.Event,
    on_ready: Callable[[Runner], None] = lambda _: None,
    group: str | None = None,
    make: Callable[[AIOKafkaProducer], Delivers] | None = None,
    tracer: Tracer = OFF,
) -> None:
    """Run one sink until `stop` is set; `on_ready` gets the runner, for its health.

    Raises UnreachableError if Kafka does not answer at the start, FatalError if an operator must act.

    A rebuild of an index has its own `group`, so that it reads everything again. `make` gets the producer and returns
    the delivery, if that is not `Delivery`.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(sink.close)
        producer = make_producer(connection)
        with answering():
            await stack.enter_async_context(running(producer))
        await _open(sink, stop)
        # Made when it is begun, as aiokafka complains of one that goes unclosed: where Kafka is away none is.
        consumer = make_consumer(connection, group or group_of(sink.name))
        with answering():
            await stack.enter_async_context(running(consumer, LEAVE_SECONDS))
        bury = Graveyard(producer).bury
        delivery = make(producer) if make else Delivery(sink, settings, bury, asyncio.sleep)
        runner = Runner(sink, routes, consumer, delivery, settings, tracer=tracer)
        on_ready(runner)
        with allowed():
            await TopicIds(consumer, runner.lose).watched(runner.run(stop))


async def _open(sink: Sink, stop: asyncio.Event) -> None:
    """Open the sink, and wait for its service without a limit."""
    while not stop.is_set():
        try:
            return await sink.open()
        except RetriableError as error:
            _log.warning("sink_not_reachable", sink=sink.name, reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _OPEN_SECONDS)
