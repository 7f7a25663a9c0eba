"""A partition and its owner: the fenced producer, the restored state, and their transactions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from obstore.store import ObjectStore

from broker.aio_client import brought, closed, read_faults, started
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import Inbound, Outbound, appended_at, position_of
from schemas.envelope import type_of
from schemas.errors import MisplacedError, RecordError, RetriableError, UnreachableError
from schemas.records import Command, Event, Message
from schemas.tracing import OFF, Tracer
from streams import metrics
from streams.engine.groups import transactional_id
from streams.engine.in_work import InWork
from streams.engine.input import dead_letter, header_of, input_of
from streams.engine.tracing import carried_on
from streams.metrics import count_decisions, count_written
from streams.state.checkpoint import Checkpoints, Restored
from streams.state.log_reader import messages_at, refuse_hanging
from streams.state.restore import restore
from tickets.admission import Standing, admit
from tickets.commands import erases
from tickets.model.keys import scoped
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.overlay import overlay

STAGE = "assign"
STUCK_SECONDS = 60.0
"""Limit of a transaction, in seconds; the broker aborts it after that, as its client may have ended silently."""

_log = structlog.get_logger(__name__)

_MESSAGE = type_of("message")

Reached = Callable[[str], None]
LookBack = Callable[[str, int, Sequence[int]], Awaitable[list[Message]]]
"""`lookback.messages_at` of one cluster: topic, partition, offsets."""


async def take_over(
    partition: int,
    connection: KafkaConnection,
    blobs: ObjectStore,
    policy: TicketPolicy,
    reached: Reached,
    tracer: Tracer = OFF,
    kept: Restored | None = None,
    in_work: InWork | None = None,
) -> "Owner":
    """Fence the former owner, then restore: in this order no record is written that the restored state has not read.

    `kept` is the state that a former owner in this process `put_aside`.
    """
    producer = make_producer(connection, transactional_id=transactional_id(partition))
    try:
        await started(producer.start)
        await refuse_hanging(connection.aiokafka_options(), partition)
        restored = await restore(connection.aiokafka_options(), blobs, partition, policy, kept)
    except BaseException:
        await closed(producer.stop)
        raise
    sender = Sender(producer, connection.partitions)
    look_back = partial(messages_at, connection.aiokafka_options())
    return Owner(partition, producer, sender, restored, blobs, reached, look_back, tracer, in_work)


class Owner:
    """One partition: its fenced producer and its state. `reached` is called with the progress of a transaction."""

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
        in_work: InWork | None = None,
    ) -> None:
        self.restored = restored
        self._in_work = in_work or InWork()
        self._look_back = look_back
        self._tracer = tracer
        self._partition, self._partitions = partition, sender.partitions
        self._producer = producer
        self._sender = sender
        self._desk = Desk(restored.state)
        self._reached = reached
        self._checkpoints = Checkpoints(blobs, partition, restored)
        self._is_settled = True

    async def work_off(self, records: Sequence[Inbound], *, again: bool = False) -> None:
        """Decide about the records and commit everything that follows from them at once.

        `again`: they were acknowledged before, so an undecidable one has its dead letter already.

        Raises RecordError if one of them leads to a record that cannot be written; the log then has nothing of it.
        """
        self._is_settled = False
        came = (record.headers for record in records)
        with self._tracer.hop(STAGE, topics.MESSAGE, self._partition, came) as hop:
            decisions, outbounds, dead = await self._led_to(records, again=again)
            if outbounds:
                await self.write(hop.passes_on(outbounds), decisions)
        await self._settle(records, decisions, dead, again=again)

    async def work_off_apart(self, record: Inbound, *, again: bool = False) -> None:
        """Do the same for one record on an overlay of the state, and apply it to the state once Kafka holds it.

        Raises RecordError if it cannot be written; the state is then the log's, as before.
        """
        desk, self._desk = self._desk, Desk(overlay(self.restored.state))
        with self._tracer.hop(STAGE, topics.MESSAGE, self._partition, (record.headers,)) as hop:
            try:
                decisions, outbounds, dead = await self._led_to([record], again=again)
            finally:
                self._desk = desk
            if outbounds:
                await self.write(hop.passes_on(outbounds), decisions)
        self._is_settled = False
        if decisions:
            try:
                same = (await self._led_to([record], again=again))[0] == decisions
            except RecordError:
                same = False
            if not same:
                raise UnreachableError("a decision was carried out differently than recorded: the log is read again")
        await self._settle([record], decisions, dead, again=again)

    async def _led_to(
        self, records: Sequence[Inbound], *, again: bool
    ) -> tuple[list[Event], list[Outbound], list[Outbound]]:
        """Return the decisions about the records, all records to write, and the dead letters among them."""
        decisions, dead = await self._decide(records)
        dead = [] if again else dead
        return decisions, [*carried_on(self._flushed(records), records), *dead], dead

    async def _settle(
        self, records: Sequence[Inbound], decisions: Sequence[Event], dead: Sequence[Outbound], *, again: bool
    ) -> None:
        """Count the committed records and set the state's position."""
        count_decisions(STAGE, decisions, len(dead), len(records))
        if again and decisions:
            metrics.DECIDED_AGAIN.inc(len(decisions))
            _log.error("decisions_made_again", partition=self._partition, count=len(decisions))
        metrics.TICKETS.labels(partition=str(self._partition)).set(len(self.restored.state.tickets))
        if any(erases(one) and one.input.command_id for one in decisions):  # an older checkpoint holds what is gone
            await self._checkpoints.write()
        self._checkpoints.decided(len(decisions))
        self.restored.looked_up_to = records[-1].offset + 1
        self._is_settled = True

    @property
    def looked_up_to(self) -> int:
        """Return the offset before which no input is undecided."""
        decided = self.restored.state.inputs.last_offset(topics.MESSAGE, self._partition)
        return max(self.restored.looked_up_to, decided + 1)

    def knows(self, record: Inbound) -> bool:
        """Return whether a message was decided before, by its city and its key, which is its id."""
        is_message = header_of(record, "ce_type") == _MESSAGE
        name = scoped(header_of(record, "ce_jurisdiction") or "", (record.key or b"").decode(errors="replace"))
        return is_message and name in self.restored.state.inputs

    def put_aside(self) -> Restored | None:
        """Return the state for the partition's next owner in this process; None if it may be ahead of the log."""
        if not self._is_settled:
            return None
        self.restored.folded = self._checkpoints.pending
        return self.restored

    async def write(self, outbounds: Sequence[Outbound], decisions: Sequence[Event] = ()) -> None:
        """Commit these records at once.

        Raises TooLargeError if Kafka refuses one of them for its size, UnreachableError if it does not end.
        """
        with metrics.TRANSACTION_SECONDS.time():
            last = await brought(self._commit(outbounds), STUCK_SECONDS)
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
        self._check_log(last, outbounds)
        self._reached("sent")
        await self._producer.commit_transaction()
        self._reached("committed")
        return last

    def _check_log(self, last: Mapping[tuple[str, int], int], outbounds: Sequence[Outbound]) -> None:
        """Check that the log still holds all decisions, as lost ones would never be made again.

        Raises UnreachableError; the state is then discarded and the log read again.
        """
        events = sum(outbound.topic == topics.EVENT for outbound in outbounds)
        if events and last[topics.EVENT, self._partition] - events < self.restored.last_event:
            _log.error("decisions_gone", partition=self._partition, last=self.restored.last_event)
            raise UnreachableError(f"{topics.EVENT} has lost decisions: it is read again")

    async def close(self) -> None:
        """Stop the producer; the broker or the successor aborts an open transaction."""
        self._checkpoints.close()
        await closed(self._producer.stop)
        read_faults(self._producer)

    async def _decide(self, records: Sequence[Inbound]) -> tuple[list[Event], list[Outbound]]:
        decisions: list[Event] = []
        dead: list[Outbound] = []
        for record in records:
            if (held := self._in_work.fault_of(record)) is not None:
                dead.append(dead_letter(record, held, STAGE).outbound())
                continue
            try:
                decision = await self._take(record)
            except (kafka.KafkaError, OSError, RetriableError):  # a fault of the surroundings, not of the record
                raise
            except Exception as error:  # one record's fault stops nothing: it becomes a dead letter
                if self._desk.is_torn:  # alone, and without what memory has of it
                    raise RecordError(f"its decision cannot be carried out ({type(error).__name__})") from error
                dead.append(dead_letter(record, error, STAGE).outbound())
                continue
            if decision is not None:
                decisions.append(decision)
        return decisions, dead

    async def _take(self, record: Inbound) -> Event | None:
        """Decide about one record; earlier messages that it needs are read from the input."""
        one, position = input_of(record), position_of(record)
        if ids.partition_of(one.jurisdiction, self._partitions) != self._partition:
            raise MisplacedError(
                f"its city belongs to partition {ids.partition_of(one.jurisdiction, self._partitions)} of "
                f"{self._partitions}: return it with `hotline dead replay`"
            )
        standing = Standing()
        if isinstance(one, Command):
            one, standing = admit(one, record, self.restored.state.policy.command_keys)
        wanted = self._desk.looks_back(one) if standing.unproven is None else []
        earlier = await self._look_back(position.topic, position.partition, wanted) if wanted else []
        decision = self._in_work.on(record, self._desk.take, one, position, earlier, appended_at(record), standing)
        if decision is not None and standing.unproven is not None:
            metrics.COMMANDS_UNPROVEN.inc()
            _log.warning("command_unproven", reason=standing.unproven, **position._asdict())
        return decision

    def _flushed(self, records: Sequence[Inbound]) -> list[Outbound]:
        try:
            with self._in_work.marked(records[0], records[-1]):
                return self._desk.flush()
        except Exception as error:
            raise RecordError(f"its results cannot be written ({type(error).__name__})") from error
