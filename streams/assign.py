"""assign: decides about one city's messages in order; the decisions of each chunk are one Kafka transaction.

The state in memory is never ahead of the log: any error discards the partition's state, and the state is restored
from the logs before the next decision. The broker fences a worker that lost its partition to another; this worker
waits for its new assignment. A rebalance returns all partitions; the state of one that stays here continues from the
end of its log.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import faust
import structlog
from aiokafka import errors as kafka
from faust.types import TP
from obstore.store import ObjectStore

from broker.aio_producer import translated
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Inbound
from schemas.errors import FatalError, PartitionError, RecordError, TooLargeError
from schemas.tracing import OFF, Tracer
from streams import metrics
from streams.backpressure import backfill
from streams.engine import partition_worker
from streams.engine.app import StageApp, in_work_of
from streams.engine.in_work import InWork
from streams.engine.input import dead_letter
from streams.state.checkpoint import Restored
from streams.state.log_reader import acknowledged, end_of_acknowledged
from streams.state.partition import STAGE, Owner, Reached, take_over
from streams.state.restore import Restoring
from tickets.masking.precompute import prepare
from tickets.policy import TicketPolicy

_log = structlog.get_logger(__name__)

FENCED_SECONDS = 30.0
"""Seconds that a fenced worker waits for the rebalance: three sessions, so that all living members have rejoined."""


CAREFUL_SECONDS = 600.0
"""Seconds after a record that broke the state in which each record is decided on an overlay first: more may follow.

A broken chunk costs a restore, and a sender of such records could cause one for each chunk.
"""


def declare(
    app: faust.App,
    connection: KafkaConnection,
    blobs: ObjectStore,
    policy: TicketPolicy,
    reached: Reached = lambda point: None,
    tracer: Tracer = OFF,
) -> "Assign":
    """Attach the assign agent to `app`; `reached` is called with the progress of each transaction."""
    assign = Assign(connection, blobs, policy, reached, tracer=tracer, in_work=in_work_of(app))
    if isinstance(app, StageApp):
        app.restoring.append(lambda: assign.restoring)
    cities = partition_worker.declare(app, STAGE, [topics.MESSAGE], assign.handle, partial(assign.look, app.conf.id))
    backfill.watch(app, STAGE, [topics.MESSAGE])

    async def revoked(app: Any, revoked: set[TP], **_: Any) -> None:
        await cities.drop(revoked)  # Faust calls handlers in any order; a lane would take over what is given back
        await assign.leave([tp.partition for tp in revoked if tp.topic == topics.MESSAGE])

    async def stopping(app: Any, **_: Any) -> None:
        await cities.close()
        await assign.close()

    async def assigned(app: Any, assigned: set[TP], **_: Any) -> None:
        assign.stay([tp.partition for tp in assigned if tp.topic == topics.MESSAGE])
        cities.begin([tp for tp in assigned if tp.topic == topics.MESSAGE])

    app.on_partitions_assigned.connect(assigned, weak=False)  # type: ignore[arg-type] # as in lanes.declare
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
        in_work: InWork | None = None,
    ) -> None:
        self._in_work = in_work or InWork()
        self._connection = connection
        self._blobs = blobs
        self._policy = policy
        self._reached = reached
        self._fenced_seconds = fenced_seconds
        self._tracer = tracer
        self._owners: dict[int, Owner] = {}
        self._kept: dict[int, Restored] = {}
        self._caught_up: set[int] = set()
        self._careful_until: dict[int, float] = {}
        self._looking = asyncio.Lock()
        self._restoring = Restoring()
        prepare(policy.rules)

    @property
    def restoring(self) -> set[int]:
        """Return the partitions that are being restored."""
        return self._restoring.partitions

    async def handle(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        """Decide about one chunk, write the decisions and acknowledge the chunk.

        Raises RetriableError to have it repeated, PartitionError if its partition cannot continue.
        """
        await self._catch_up(tp.partition, chunk.records[0].offset)
        await self._work_off(tp.partition, chunk.records)
        chunk.ack()

    async def look(self, group: str, tp: TP) -> None:
        """Take over a quiet partition, so that decisions that Kafka lost do not wait for the next message.

        One partition at a time and without waiting, so that a city with messages is restored before quiet ones.
        """
        if tp.partition not in self._caught_up and not self._looking.locked():
            async with self._looking:
                with _translating():
                    end = await end_of_acknowledged(self._connection.aiokafka_options(), group, tp.partition)
                await self._catch_up(tp.partition, end)

    async def lose(self, partitions: Iterable[int]) -> None:
        """Discard the state of these partitions."""
        for partition in partitions:
            self._caught_up.discard(partition)
            await self._end(partition)

    async def _end(self, partition: int) -> None:
        if (owner := self._owners.pop(partition, None)) is not None:
            metrics.TICKETS.remove(str(partition))  # their new owner counts them now
            await owner.close()

    async def leave(self, partitions: Iterable[int]) -> None:
        """Give partitions back; their states are put aside until the new assignment is known."""
        gone = list(partitions)
        for partition in gone:
            self._restoring.end(partition)
            owner = self._owners.get(partition)
            if owner is not None and (state := owner.put_aside()) is not None:
                self._kept[partition] = state
        await self.lose(gone)

    def stay(self, partitions: Iterable[int]) -> None:
        """Discard the states that were put aside for partitions of other workers."""
        self._kept = {partition: self._kept[partition] for partition in partitions if partition in self._kept}

    async def close(self) -> None:
        """Release everything; the log holds what was decided."""
        await self.leave({*self._owners, *self._restoring.partitions})
        self._kept.clear()

    async def _take_over(self, partition: int) -> "Owner":
        self._restoring.begin(partition)
        began = time.monotonic()
        kept = self._kept.pop(partition, None)
        owner = await take_over(
            partition, self._connection, self._blobs, self._policy, self._reached, self._tracer, kept, self._in_work
        )
        self._owners[partition] = owner
        self._restoring.end(partition)
        metrics.RESTORE_SECONDS.observe(seconds := time.monotonic() - began)
        live = len(owner.restored.state.tickets)
        _log.info("partition_taken_over", partition=partition, tickets=live, seconds=round(seconds, 3))
        return owner

    async def _by_owner(self, partition: int, job: Callable[["Owner"], Awaitable[None]]) -> None:
        """Run a job with the partition's owner; any error discards its state."""
        try:
            await job(self._owners.get(partition) or await self._take_over(partition))
        except kafka.ProducerFenced:
            await self._wait_for_a_new_assignment(partition)
        except kafka.KafkaError as error:
            await self.lose([partition])
            raise _of_partition(partition, translated(error)) from error
        except PartitionError:
            self._restoring.end(partition)
            await self.lose([partition])
            raise
        except RecordError as error:  # a fault of this record alone: the content of the log is certain
            await self._keep(partition, error)
            raise
        except BaseException:
            await self.lose([partition])
            raise

    async def _keep(self, partition: int, error: RecordError) -> None:
        """Keep an owner whose state a record left unchanged. An open transaction ends with its producer."""
        owner = self._owners.get(partition)
        state = owner.put_aside() if owner is not None else None
        if state is not None and not isinstance(error, TooLargeError):
            return
        if state is not None:
            self._kept[partition] = state
        await self._end(partition)

    async def _catch_up(self, partition: int, end: int) -> None:
        """Decide acknowledged inputs without a decision: Kafka lost the end of the event log.

        The group's offset is behind them, so no consumer reads them again. Mostly only repeats stand there.
        """
        if partition in self._caught_up:
            return
        await self._by_owner(partition, _as_it_is)
        begin = self._owners[partition].looked_up_to
        if begin < end:
            options = self._connection.aiokafka_options()
            with _translating():
                async with aclosing(acknowledged(options, partition, begin, end)) as pieces:
                    async for records in pieces:
                        await self._catch_up_on(partition, records)
        self._caught_up.add(partition)

    async def _catch_up_on(self, partition: int, records: Sequence[Inbound]) -> None:
        await self._by_owner(partition, _as_it_is)
        knows = self._owners[partition].knows
        if left := [record for record in records if not knows(record)]:
            await self._work_off(partition, left, again=True)

    async def _work_off(self, partition: int, records: Sequence[Inbound], *, again: bool = False) -> None:
        is_careful = time.monotonic() < self._careful_until.get(partition, 0.0)
        if is_careful or (len(records) > 1 and self._in_work.is_suspect(records)):
            return await self._work_off_singly(partition, records, again=again)
        try:
            await self._by_owner(partition, partial(Owner.work_off, records=records, again=again))
        except RecordError as error:
            _log.warning("chunk_taken_apart", partition=partition, reason=str(error))
            self._careful_until[partition] = time.monotonic() + CAREFUL_SECONDS
            await self._work_off_singly(partition, records, again=again)

    async def _work_off_singly(self, partition: int, records: Iterable[Inbound], *, again: bool) -> None:
        """Give each record its own transaction, so that only a record that cannot be written is put aside.

        Each is decided on an overlay of the state first, so a bad record costs no restore.
        """
        for record in records:
            try:
                await self._by_owner(partition, partial(Owner.work_off_apart, record=record, again=again))
            except RecordError as error:
                self._careful_until[partition] = time.monotonic() + CAREFUL_SECONDS
                if not again:  # else it was put aside when it was acknowledged
                    await self._put_aside(partition, record, error)

    async def _put_aside(self, partition: int, record: Inbound, error: RecordError) -> None:
        """Write the dead letter with as much of the record as the topic accepts, and go on with the next record.

        Raises PartitionError if Kafka refuses even a dead letter with only the record's position.
        """
        for one in dead_letter(record, error, STAGE).as_whole_as_fits():
            try:
                return await self._by_owner(partition, partial(Owner.write, outbounds=[one]))
            except TooLargeError:
                _log.warning("dead_letter_refused", partition=partition, offset=record.offset)
        raise PartitionError(f"Kafka refuses every dead letter as too large: raise max.message.bytes of {topics.DEAD}")

    async def _wait_for_a_new_assignment(self, partition: int) -> None:
        """Wait until the lane is cancelled: a restart would fence the successor.

        A successor that dies before it joins the group causes no rebalance: FatalError is raised then, as a new
        process joins again.
        """
        await self.lose([partition])
        metrics.FENCED.inc()
        _log.warning("partition_fenced", partition=partition)
        await asyncio.sleep(self._fenced_seconds)
        raise FatalError(
            f"another worker took partition {partition} {self._fenced_seconds:.0f} s ago but never joined "
            "the group: this one must restart"
        )


def _of_partition(partition: int, error: BaseException) -> BaseException:
    """Return an unknown answer of Kafka as a fault of its partition: the next try has new clients."""
    if type(error) is not FatalError:
        return error
    return PartitionError(f"partition {partition} cannot go on: {error}")


@contextmanager
def _translating() -> Iterator[None]:
    """Translate Kafka's errors into errors of the pipeline."""
    try:
        yield
    except (kafka.KafkaError, OSError) as error:
        raise translated(error) from error


async def _as_it_is(owner: Owner) -> None:
    """Return the owner unchanged."""
