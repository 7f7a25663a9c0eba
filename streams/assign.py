"""assign: decides about one city's messages in order; each chunk's decisions are one Kafka transaction.

Memory is never ahead of the log: whatever goes wrong throws the partition's state away, and it is restored from the
logs before the next decision. A worker that lost its partition to another is fenced by the broker and waits.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import faust
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from faust.types import TP
from msgspec.structs import replace
from obstore.store import ObjectStore

from schemas import topics
from schemas.connection import KafkaConnection
from schemas.errors import FatalError, RecordError, TooLargeError, UnreachableError
from schemas.fenced import read_faults
from schemas.records import DeadLetter, Event, Message
from schemas.trace import OFF, Tracer
from schemas.wire import Outbound
from streams import lanes, metrics, pace
from streams.chunks import Record
from streams.counting import count_decisions, count_written
from streams.inputs import dead_letter, input_of, position_of
from streams.lookback import messages_at
from streams.rebuild import Checkpoints, Restored, restore
from streams.restoring import Restoring
from streams.sender import Sender, client_options, make_producer, translated
from streams.traces import carried_on
from tickets.commands import erases
from tickets.desk import Desk
from tickets.policy import TicketPolicy

log = structlog.get_logger()

STAGE = "assign"
CLOSE_SECONDS = 5.0
"""How long a producer may take to stop while Kafka does not answer."""

STUCK_SECONDS = 60.0
"""A transaction that has not ended by then is aborted by the broker; its client may have ended without a word."""

FENCED_SECONDS = 30.0
"""How long a fenced worker waits for the rebalance: three sessions, so that whoever still lives has rejoined."""

T = TypeVar("T")

Reached = Callable[[str], None]
LookBack = Callable[[str, int, Sequence[int]], Awaitable[list[Message]]]
"""`lookback.messages_at` of one cluster: topic, partition, offsets."""


def declare(
    app: faust.App,
    connection: KafkaConnection,
    blobs: ObjectStore,
    policy: TicketPolicy,
    reached: Reached = lambda point: None,
    tracer: Tracer = OFF,
) -> "Assign":
    """Attach the assign agent to `app`; `reached` is told how far each transaction is."""
    assign = Assign(connection, blobs, policy, reached, tracer=tracer)
    lanes.declare(app, STAGE, [topics.MESSAGE], assign.handle)
    pace.watch(app, STAGE, [topics.MESSAGE])

    async def revoked(app: Any, revoked: set[TP], **_: Any) -> None:
        await assign.leave([tp.partition for tp in revoked if tp.topic == topics.MESSAGE])

    async def stopping(app: Any, **_: Any) -> None:
        await assign.close()

    app.on_partitions_revoked.connect(revoked, weak=False)  # type: ignore[arg-type] # as in lanes.declare
    app.on_before_shutdown.connect(stopping, weak=False)  # type: ignore[arg-type] # as in lanes.declare
    return assign


class Assign:
    """The partitions that this worker owns."""

    def __init__(
        self,
        connection: KafkaConnection,
        blobs: ObjectStore,
        policy: TicketPolicy,
        reached: Reached = lambda point: None,
        fenced_seconds: float = FENCED_SECONDS,
        tracer: Tracer = OFF,
    ) -> None:
        self._connection = connection
        self._blobs = blobs
        self._policy = policy
        self._reached = reached
        self._fenced_seconds = fenced_seconds
        self._tracer = tracer
        self._owners: dict[int, Owner] = {}
        self._restoring = Restoring()

    async def handle(self, tp: TP, chunk: lanes.Chunk) -> None:
        """Decide about one chunk, write it, acknowledge it. Raises RetriableError to have it repeated."""
        try:
            await self._by_owner(tp.partition, partial(Owner.work_off, records=chunk.records))
        except RecordError as error:
            log.warning("chunk_taken_apart", partition=tp.partition, reason=str(error))
            await self._work_off_singly(tp.partition, chunk.records)
        chunk.ack()

    async def lose(self, partitions: Iterable[int]) -> None:
        """Throw the state of these partitions away."""
        for partition in partitions:
            if (owner := self._owners.pop(partition, None)) is not None:
                metrics.TICKETS.remove(str(partition))  # whoever has them now counts them
                await owner.close()

    async def leave(self, partitions: Iterable[int]) -> None:
        """Throw away the state of partitions that are somebody else's now: nothing of them is restored here."""
        gone = list(partitions)
        for partition in gone:
            self._restoring.end(partition)
        await self.lose(gone)

    async def close(self) -> None:
        """Leave everything; what was decided is in the log."""
        await self.leave({*self._owners, *self._restoring.partitions})

    async def _take_over(self, partition: int) -> "Owner":
        self._restoring.begin(partition)
        began = time.monotonic()
        owner = await take_over(partition, self._connection, self._blobs, self._policy, self._reached, self._tracer)
        self._owners[partition] = owner
        self._restoring.end(partition)
        metrics.RESTORE_SECONDS.observe(seconds := time.monotonic() - began)
        live = len(owner.restored.state.tickets)
        log.info("partition_taken_over", partition=partition, tickets=live, seconds=round(seconds, 3))
        return owner

    async def _by_owner(self, partition: int, job: Callable[["Owner"], Awaitable[None]]) -> None:
        """Let the partition's owner do a job; whatever goes wrong throws its state away."""
        try:
            await job(self._owners.get(partition) or await self._take_over(partition))
        except kafka.ProducerFenced:
            await self._wait_for_a_new_assignment(partition)
        except kafka.KafkaError as error:
            await self.lose([partition])
            raise translated(error) from error
        except BaseException:
            await self.lose([partition])
            raise

    async def _work_off_singly(self, partition: int, records: Iterable[Record]) -> None:
        """Give each record a transaction of its own, so that only the one that cannot be written is put aside."""
        for record in records:
            try:
                await self._by_owner(partition, partial(Owner.work_off, records=[record]))
            except RecordError as error:
                await self._put_aside(partition, dead_letter(record, error, STAGE))

    async def _put_aside(self, partition: int, letter: DeadLetter) -> None:
        try:
            await self._by_owner(partition, partial(Owner.write, outbounds=[letter.outbound()]))
        except TooLargeError:  # the topic of dead letters takes less than the input's: the headers name the place
            bare = replace(letter, value=b"").outbound()
            await self._by_owner(partition, partial(Owner.write, outbounds=[bare]))

    async def _wait_for_a_new_assignment(self, partition: int) -> None:
        """Do nothing until the lane is cancelled: starting again would fence the successor.

        One that dies before it joins the group causes no rebalance: then raises FatalError, as a restart joins anew.
        """
        await self.lose([partition])
        metrics.FENCED.inc()
        log.warning("partition_fenced", partition=partition)
        await asyncio.sleep(self._fenced_seconds)
        raise FatalError(
            f"another worker took partition {partition} {self._fenced_seconds:.0f} s ago and never joined the group: "
            "this one has to start again"
        )


async def take_over(
    partition: int,
    connection: KafkaConnection,
    blobs: ObjectStore,
    policy: TicketPolicy,
    reached: Reached,
    tracer: Tracer = OFF,
) -> "Owner":
    """Fence the former owner, then restore: in this order nobody writes what the restored state has not read."""
    producer = make_producer(connection, transactional_id=f"hotline-assign-{partition}")
    try:
        await in_time(producer.start())
        restored = await restore(client_options(connection), blobs, partition, policy)
    except BaseException:
        await stopped(producer)
        raise
    sender = Sender(producer, connection.partitions)
    look_back = partial(messages_at, client_options(connection))
    return Owner(partition, producer, sender, restored, blobs, reached, look_back, tracer)


async def stopped(producer: AIOKafkaProducer) -> None:
    """Stop a producer, or leave it to the garbage when it cannot."""
    with contextlib.suppress(TimeoutError, kafka.KafkaError):
        await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)


async def in_time(work: Awaitable[T]) -> T:
    """Return what the Kafka client brings; raises UnreachableError when it takes too long: a new one tries again."""
    try:
        async with asyncio.timeout(STUCK_SECONDS) as limit:
            return await work
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise UnreachableError(f"Kafka has not answered for {STUCK_SECONDS:.0f} s: see `hotline doctor`") from error


class Owner:
    """One partition: its fenced producer and its desk. `reached` is told how far a transaction is."""

    def __init__(
        self,
        partition: int,
        producer: AIOKafkaProducer,
        sender: Sender,
        restored: Restored,
        blobs: ObjectStore,
        reached: Reached,
        look_back: LookBack,
        tracer: Tracer = OFF,
    ) -> None:
        self.restored = restored
        self._look_back = look_back
        self._tracer = tracer
        self._partition = partition
        self._producer = producer
        self._sender = sender
        self._desk = Desk(restored.state)
        self._reached = reached
        self._checkpoints = Checkpoints(blobs, partition, restored)

    async def work_off(self, records: Sequence[Record]) -> None:
        """Decide about the records and commit everything that follows from them at once.

        Raises RecordError when one of them leads to what cannot be written; nothing of it is in the log then.
        """
        came = (record.headers for record in records)
        with self._tracer.hop(STAGE, topics.MESSAGE, self._partition, came) as hop:
            decisions, dead = await self._decide(records)
            outbounds = [*carried_on(self._flushed(), records), *dead]
            if outbounds:
                await self.write(hop.passes_on(outbounds), decisions)
        count_decisions(STAGE, decisions, len(dead), len(records))
        metrics.TICKETS.labels(partition=str(self._partition)).set(len(self.restored.state.tickets))
        if any(map(erases, decisions)):  # an older checkpoint holds what is gone
            await self._checkpoints.write()
        self._checkpoints.decided(len(decisions))

    async def write(self, outbounds: Sequence[Outbound], decisions: Sequence[Event] = ()) -> None:
        """Commit these records at once.

        Raises TooLargeError when Kafka refuses one of them for its size, UnreachableError when it does not end.
        """
        with metrics.TRANSACTION_SECONDS.time():
            last = await in_time(self._commit(outbounds))
        if decisions:
            self.restored.last_event = last[topics.EVENT, self._partition]
            self.restored.last_event_id = decisions[-1].event_id
        written = last.get((topics.TICKET, self._partition))
        if written is not None:
            self.restored.next_ticket = written + 1
        count_written(STAGE, outbounds)

    async def _commit(self, outbounds: Sequence[Outbound]) -> dict[tuple[str, int], int]:
        """Return the offset of the last record in each (topic, partition)."""
        self._reached("decided")
        await self._producer.begin_transaction()
        last = await self._sender.send(outbounds)
        self._reached("sent")
        await self._producer.commit_transaction()
        self._reached("committed")
        return last

    async def close(self) -> None:
        """Stop the producer; an open transaction is aborted by the broker or by the successor."""
        self._checkpoints.close()
        await stopped(self._producer)
        read_faults(self._producer)

    async def _decide(self, records: Sequence[Record]) -> tuple[list[Event], list[Outbound]]:
        decisions: list[Event] = []
        dead: list[Outbound] = []
        for record in records:
            try:
                decision = await self._take(record)
            except (kafka.KafkaError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - one record's fault stops nothing: it becomes a dead letter
                dead.append(dead_letter(record, error, STAGE).outbound())
                continue
            if decision is not None:
                decisions.append(decision)
        return decisions, dead

    async def _take(self, record: Record) -> Event | None:
        """Decide about one record; what a command needs of earlier messages is read where they stand in the input."""
        one, position = input_of(record), position_of(record)
        wanted = self._desk.looks_back(one)
        earlier = await self._look_back(position.topic, position.partition, wanted) if wanted else []
        return self._desk.take(one, position, earlier)

    def _flushed(self) -> list[Outbound]:
        try:
            return self._desk.flush()
        except Exception as error:
            raise RecordError(f"what it leads to cannot be written ({type(error).__name__})") from error
