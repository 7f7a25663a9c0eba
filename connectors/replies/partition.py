"""One partition of the outbox: fence the former owner, read the log, and send the receipts that were never begun."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec.structs import replace

from broker import topic_id_aio
from broker.aio_client import SILENT_SECONDS, STUCK_SECONDS, brought, closed, read_faults, started
from broker.config import KafkaConnection
from broker.leader_epoch_aio import Gap
from broker.reader_progress import Progress
from connectors import metrics
from connectors.base import utc_now
from connectors.replies.account_queue import Lane, Reached, Tools
from connectors.replies.base import Report
from connectors.replies.kafka import (
    Told,
    end_of,
    end_own,
    envelope_of,
    follow,
    header,
    id_of,
    identifier_of,
    make_producer,
    make_reader,
)
from connectors.replies.ledger import ASSIGN, FINAL, INTENT, STATE, Ledger, Open
from connectors.replies.unconfirmed import Unconfirmed
from schemas import topics
from schemas.codec import decode, encode
from schemas.errors import MadeAnewError, PipelineError, SchemaError, UnreachableError
from schemas.records import Outbox, OutboxState

BATCH_RECORDS = 5_000

GIVEN_UP = timedelta(days=3)
"""Age after which a receipt is not sent any more, even if the log lost its outcome."""

REPORTS_AGAIN_SECONDS = 10.0
"""Seconds before delivery reports are read again after a fault."""

Follow = Callable[[datetime, Callable[[Report], Awaitable[None]]], Awaitable[None]]
"""Passes on every report since a moment, and never returns."""

ToolsOf = Callable[[str], Tools]
"""Returns everything that an account needs to send, by its id."""

_log = structlog.get_logger(__name__)


class Owner:
    """Sends the receipts of one partition. Raises aiokafka's errors; the caller then starts a new owner.

    A state is written in a transaction of the partition's producer. When a second owner has started, the first one
    can therefore begin no receipt any more, and all receipts that it began are in the log that the second one reads.

    `assign` writes withdrawals into the same log. Its order shows whether the withdrawal or `sending` came first.

    An account that sends over its session has a separate owner: `account` names it for fencing, `serves` selects the
    accounts whose receipts are sent here, and `reports` passes on the gateway's delivery reports. It also reads the
    whole log, since limits count the sends of all accounts.

    If Kafka loses the end of the log under an owner, the owner reads the new records at these offsets and writes the
    lost states of its receipts again: otherwise a later owner would send the receipts a second time. An owner that
    fails in this leaves `told` to its successor.
    """

    def __init__(
        self,
        partition: int,
        connection: KafkaConnection,
        tools_of: ToolsOf,
        *,
        serves: Callable[[str], bool] = lambda account: True,
        account: str | None = None,
        reports: Follow | None = None,
        reached: Reached = lambda point: None,
        told: Told | None = None,
    ) -> None:
        self._place = TopicPartition(topics.OUTBOX, partition)
        self._connection = connection
        self._tools_of = tools_of
        self._serves = serves
        self._account = account
        self._reports = reports
        self._unconfirmed = Unconfirmed()
        self._settled: list[OutboxState] = []
        self._deaf: str | None = None
        self._identifier: str | None = None
        self._reached = reached
        self._ledger = Ledger()
        self._told = told or Told()
        self._lanes: dict[str, Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._writing = asyncio.Lock()
        self._unwritten: list[tuple[OutboxState, asyncio.Future[None]]] = []
        self._unread: dict[bytes, asyncio.Event] = {}
        self._missing: dict[str, OutboxState] = {}
        self._position: int | None = None
        self._lost: Gap | None = None
        self._restored = False
        self._stop = asyncio.Event()
        for end in ("new", "old"):  # an alarm on the growth of this metric needs the initial 0
            metrics.RECORDS_GONE.labels(topics.OUTBOX, end)

    @property
    def done_before(self) -> int | None:
        """Return the offset before which every receipt is settled; None while the log is being read."""
        return self._ledger.done_before(self._position) if self._restored and self._position is not None else None

    def troubles(self) -> dict[str, str]:
        """Return, by account, the error that prevents sending or reading delivery reports."""
        deaf = {self._account: self._deaf} if self._account and self._deaf else {}
        return {**deaf, **{account: lane.trouble for account, lane in self._lanes.items() if lane.trouble}}

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; sends in progress are finished first."""
        self._stop = stop
        self._producer: AIOKafkaProducer = make_producer(self._connection, self._place.partition, self._account)
        reader: AIOKafkaConsumer = make_reader(self._connection)
        try:
            await started(self._producer.start)
            await started(reader.start)
            await self._restore(reader)
            following = asyncio.create_task(self._follow_reports(), name="status reports")
            try:
                await self._serve(reader)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        finally:
            await self._leave(reader)

    async def _restore(self, reader: AIOKafkaConsumer) -> None:
        """Read the log up to its end, now that no other owner can write a state.

        While a transaction of `assign` is open in it, that end is unknown: states of receipts may follow.
        """
        self._missing = self._told.since(utc_now() - GIVEN_UP)
        reader.assign([self._place])
        self._identifier = await follow(reader, self._place, self._lose)
        await reader.seek_to_beginning(self._place)
        end = await end_of(self._connection, self._place)
        if await _readable(reader, self._place) < end:
            await self._end_own()
        await self._read_up_to(end, reader)
        self._restored = True  # from now on all new states are of this owner, and recorded when written
        await self._tell_again(list(self._missing.values()))
        for told in self._missing.values():
            self._note(told)
        for entry in filter(self._is_served, self._ledger.interrupted()):
            _log.warning("answer_interrupted", outbox_id=entry.outbox.outbox_id)
            await self._mark(entry, "unknown", "interrupted", None)
        for entry in filter(self._is_served, list(self._ledger.open.values())):
            self._queue(entry)

    async def _end_own(self) -> None:
        """End a transaction that a former owner left open and Kafka forgot; those of `assign` are not ended.

        The transaction is committed: without its states, a begun receipt would be sent a second time.
        """
        await brought(end_own(self._producer, self._place), STUCK_SECONDS)
        _log.warning("outbox_transaction_ended", partition=self._place.partition)

    async def _read_up_to(self, end: int, reader: AIOKafkaConsumer) -> None:
        progress = Progress(topics.OUTBOX, SILENT_SECONDS)
        try:
            while (position := await reader.position(self._place)) < end:
                progress.at(position)
                await self._read(reader)
                if self._lost is not None:  # the target end may be lost with it
                    raise UnreachableError(
                        f"partition {self._place.partition} of {topics.OUTBOX} lost its records from "
                        f"{self._lost.goes_on} on while they were read: they are read again"
                    )
        except UnreachableError as error:
            if await _readable(reader, self._place) > position:
                raise
            raise UnreachableError(
                f"the log cannot be read to its end: partition {self._place.partition} of {topics.OUTBOX} "
                "has a hanging transaction: run `hotline topics hanging`"
            ) from error

    async def _tell_again(self, lost: list[OutboxState]) -> None:
        if lost:
            _log.warning("answers_told_again", partition=self._place.partition, states=len(lost))
            await asyncio.gather(*map(self._write, lost))

    async def _lose(self, gap: Gap) -> None:
        metrics.RECORDS_GONE.labels(gap.place.topic, "new" if gap.goes_back else "old").inc(len(gap.lost))
        if gap.goes_back:
            self._lost = gap

    async def _serve(self, reader: AIOKafkaConsumer) -> None:
        """Read on until `stop` is set and no send is in progress."""
        asked = time.monotonic()
        while not self._stop.is_set() or not all(task.done() for task in self._tasks):
            for entry in await self._read(reader):
                self._queue(entry)
            if (gap := self._lost) is not None:
                self._lost = None
                await self._tell_again(self._told.behind(gap.goes_on))
            await self._settle()
            if time.monotonic() - asked > topic_id_aio.ASK_SECONDS:
                await self._see_that_it_is_the_same(reader)
                asked = time.monotonic()
            self._measure()
            for task in (one for one in self._tasks if one.done()):
                task.result()
        await asyncio.gather(*self._tasks)
        await self._settle()

    async def _see_that_it_is_the_same(self, reader: AIOKafkaConsumer) -> None:
        """Raise MadeAnewError if the topic was created anew: this reader would skip its records."""
        with suppress(KafkaError):  # asked again later
            identifier = await identifier_of(reader, self._place.topic)
            if None not in (identifier, self._identifier) and identifier != self._identifier:
                raise MadeAnewError(self._place.topic)

    async def _follow_reports(self) -> None:
        """Read the gateway's reports and restart after a fault; sending continues meanwhile."""
        while self._reports is not None:
            now = utc_now()
            try:
                await self._reports(self._unconfirmed.since(now) or now, self._reported)
            except (KafkaError, PipelineError) as error:
                metrics.ERRORS.labels("outbox", str(self._account), type(error).__name__).inc()
                if self._deaf is None:
                    _log.warning("reports_unread", account=self._account, error=type(error).__name__)
                self._deaf = f"status reports cannot be read ({type(error).__name__}): see `hotline doctor`"
            await asyncio.sleep(REPORTS_AGAIN_SECONDS)

    async def _reported(self, report: Report) -> None:
        self._deaf = None
        settled = self._unconfirmed.report(report)
        if settled is not None:
            self._settled.append(settled)

    async def _settle(self) -> None:
        """Write the states that reports settled; after a failure the next owner reads the reports again."""
        settled, self._settled = self._settled, []
        told = [replace(one, at=utc_now(), wording_version=None) for one in settled]
        await asyncio.gather(*map(self._write, told))
        for one in told:
            self._ledger.note(one)
            metrics.ANSWERS.labels(one.account, one.state).inc()

    def _is_served(self, entry: Open) -> bool:
        return self._serves(entry.outbox.account)

    def _note(self, told: OutboxState) -> None:
        """Fold a state; earlier reports of it are settled with the next ones."""
        if self._reports is not None and self._serves(told.account):
            entry = self._ledger.open.get(told.outbox_id)
            if told.state == "sending" and entry is not None:
                self._unconfirmed.begin(entry.outbox, told.at)
            elif told.state in FINAL and (settled := self._unconfirmed.note(told)) is not None:
                self._settled.append(settled)
        self._ledger.note(told)

    async def _read(self, reader: AIOKafkaConsumer) -> list[Open]:
        """Fold the available records and return the new receipts."""
        found = await reader.getmany(self._place, timeout_ms=200, max_records=BATCH_RECORDS)
        fresh = [self._fold(record) for record in found.get(self._place, ())]
        self._position = await reader.position(self._place)
        there = [entry for entry in fresh if entry is not None and self._is_served(entry)]
        return [entry for entry in there if entry.outbox.outbox_id in self._ledger.open]

    def _fold(self, record: Any) -> Open | None:
        kind = header(record, "ce_type")
        try:
            if kind == INTENT:
                return self._ledger.intend(decode(record.value or b"", Outbox), record.offset)
            if kind == STATE and header(record, "ce_source").startswith(ASSIGN):
                told = decode(record.value or b"", OutboxState)
                self._ledger.withdraw(told.ticket_id, "confidential" if told.code == "confidential" else "erased")
            elif kind == STATE and not self._restored:
                self._restore_state(record.offset, decode(record.value or b"", OutboxState))
            elif kind == STATE and (read := self._unread.pop(header(record, "ce_id"), None)):
                read.set()
            elif kind == STATE and not self._serves((told := decode(record.value or b"", OutboxState)).account):
                self._ledger.note(told)
        except SchemaError:  # written by a later version, which handles it
            metrics.ERRORS.labels("outbox", str(self._place.partition), "SchemaError").inc()
            _log.error("outbox_record_unreadable", partition=self._place.partition, offset=record.offset)
        return None

    def _restore_state(self, offset: int, told: OutboxState) -> None:
        self._note(told)
        if not self._serves(told.account):
            return
        self._told.note(offset, told)
        self._missing.pop(id_of(told), None)

    def _queue(self, entry: Open) -> None:
        account = entry.outbox.account
        lane = self._lanes.get(account)
        if lane is None:
            tools = self._tools_of(account)
            lane = Lane(account, tools, self._ledger, self._mark, reached=self._reached)
            self._lanes[account] = lane
            self._tasks.append(asyncio.create_task(lane.run(self._stop), name=f"answers of {account}"))
        lane.put(entry)

    async def _mark(self, entry: Open, state: str, code: str | None, reference: str | None) -> None:
        outbox, lane = entry.outbox, self._lanes.get(entry.outbox.account)
        told = OutboxState(
            outbox_id=outbox.outbox_id,
            ticket_id=outbox.ticket_id,
            ticket_no=outbox.ticket_no,
            jurisdiction=outbox.jurisdiction,
            channel=outbox.channel,
            account=outbox.account,
            state=state,
            code=code,
            reference=reference,
            attempts=entry.attempts + (state == "sending"),
            wording_version=lane.wording_version if lane is not None and state == "sending" else None,
            at=utc_now(),
        )
        read = self._unread[id_of(told).encode()] = asyncio.Event()
        await self._write(told)
        self._note(told)
        if state == "sending":
            await brought(read.wait(), SILENT_SECONDS)  # all earlier records of the log are folded then
        else:
            metrics.ANSWERS.labels(outbox.account, state).inc()

    async def _write(self, told: OutboxState) -> None:
        """Return when Kafka holds the state; raises ProducerFenced if another owner has taken over.

        States that accounts of the partition produce during one transaction share the next: with one transaction per
        state, many accounts would wait for each other. Raises UnreachableError if the client neither writes nor gives
        up: a new client is needed.
        """
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unwritten.append((told, held))
        async with self._writing:
            if not held.done():
                await asyncio.sleep(0)  # other tasks add their states at this point
                await self._write_all()
        await held

    async def _write_all(self) -> None:
        """Write all queued states; an error is raised for each of their writers."""
        batch, self._unwritten = self._unwritten, []
        try:
            await brought(self._written([told for told, _ in batch]), STUCK_SECONDS)
        except BaseException as error:
            # a cancellation concerns its own task only: it would end the other tasks without an error
            told_all = error if isinstance(error, Exception) else UnreachableError("the owner has left the partition")
            for _, held in batch:
                if not held.done():
                    held.set_exception(told_all)
                    held.exception()  # if its waiter is gone, asyncio would log the unread exception
            raise
        for _, held in batch:
            if not held.done():  # the waiter still exists
                held.set_result(None)

    async def _written(self, batch: list[OutboxState]) -> None:
        async with self._producer.transaction():
            sent = [
                await self._producer.send(
                    topics.OUTBOX,
                    encode(told),
                    key=told.ticket_id.encode(),
                    partition=self._place.partition,
                    headers=envelope_of(told).headers(),
                )
                for told in batch
            ]
            places = await asyncio.gather(*sent)
        for told, place in zip(batch, places, strict=True):
            self._told.note(place.offset, told)

    def _measure(self) -> None:
        open_of = Counter(entry.outbox.account for entry in self._ledger.open.values())
        for account in self._lanes:
            metrics.ANSWERS_OPEN.labels(account).set(open_of[account])

    async def _leave(self, reader: AIOKafkaConsumer) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in (self._producer, reader):
            await closed(client.stop)  # the client may never have started, or Kafka may be unreachable
        read_faults(self._producer)


async def _readable(reader: AIOKafkaConsumer, place: TopicPartition) -> int:
    """Return the start of the first open transaction of a partition, or the end of the partition without one."""
    return int((await reader.end_offsets([place]))[place])
