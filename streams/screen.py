"""screen: hands emergencies over to the desk of 110/119/120/122 before any other step of the pipeline."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import faust
import structlog
from faust.types import TP
from msgspec.structs import replace
from obstore.store import ObjectStore

from broker.config import KafkaConnection
from normalizers.base import Policy
from normalizers.handover import handover, record_of
from normalizers.pipeline import alarming
from normalizers.warmup import work_through
from schemas import topics
from schemas.codec import Inbound, Outbound, appended_at, decode, encode, position_of
from schemas.errors import ErasedError, FatalError, RecordError
from schemas.records import Handover, RawMessage
from schemas.tracing import OFF, Hop, Tracer
from streams import metrics
from streams.backpressure import backfill
from streams.backpressure.deferred import Beside, in_steps
from streams.backpressure.rate_limit import FloodControl
from streams.backpressure.settings import FloodSettings
from streams.blobs import Blobs
from streams.engine import partition_worker
from streams.engine.app import StageApp, in_work_of
from streams.engine.in_work import InWork
from streams.engine.input import SLICE, dead_letter, is_claimed, may_be_gone, raw_or_fault, sliced
from streams.engine.lost_positions import LostPositions
from streams.engine.output import Outlet
from streams.engine.result import bare

STAGE = "screen"
LATE = "screen-late"
FLOOD = "screen-flood"

BACKFILL_SLICE = 32
"""Records of back-fill before live records get their turn; a slice is three milliseconds of work."""

BACKFILL_NAP_SECONDS = 0.002
"""Pause between them, in seconds: a live message takes several turns of the event loop, and the scheduler favours
sleepers."""

SHORT_CHARACTERS = 4_000
"""Characters of the text of a hand-over that is too large for Kafka."""

_log = structlog.get_logger(__name__)


def declare(
    app: faust.App,
    connection: KafkaConnection,
    blobs: ObjectStore,
    policy: Policy,
    tracer: Tracer = OFF,
    flood_settings: FloodSettings | None = None,
) -> None:
    """Attach the screen agents to `app`: one for the live topics, one for back-fill, which gives way."""
    work_through(partial(screen, policy=policy))
    control = FloodControl(flood_settings, connection.partitions, told=False) if flood_settings else None
    lost = LostPositions(connection, app.conf.id)
    if isinstance(app, StageApp):
        app.lost = lost
    work = Screen(app, connection, blobs, policy, tracer, control, lost)
    partition_worker.declare(app, STAGE, topics.LIVE_RAW, work.handle)
    turns = backfill.watch(app, STAGE, topics.LIVE_RAW, [topics.BACKFILL])
    partition_worker.declare(app, f"{STAGE}-backfill", [topics.BACKFILL], turns.giving_way(work.handle))


class Handed(NamedTuple):
    """A hand-over with its measurements; for old messages `folder` is where the eraser's mark may be."""

    outbound: Outbound
    level: str
    stale: bool
    taken_at: datetime
    folder: str | None

    def measured(self, now: datetime) -> None:
        """Measure when the broker holds it; the time since intake is measured for hand-overs that alarm."""
        metrics.HANDOVERS.labels(level=self.level, stale=str(self.stale).lower()).inc()
        if not self.stale:
            metrics.HANDOVER_SECONDS.labels(level=self.level).observe(max(0.0, (now - self.taken_at).total_seconds()))


Read = tuple[Inbound, RawMessage | Exception]
"""A record, and its message or the error of its decoding."""


class Screened(NamedTuple):
    """Result of some records: hand-overs, and records that an internal error left unscreened."""

    handed: list[Handed]
    unheard: list[tuple[Inbound, Exception]]


class Screen:
    """Sends hand-overs at once; large mails, floods and failed records follow separately and delay nothing.

    So do old messages, which raise no alarm: they may belong to a message that was erased and is read again.
    """

    def __init__(
        self,
        app: faust.App,
        connection: KafkaConnection,
        blobs: ObjectStore,
        policy: Policy,
        tracer: Tracer = OFF,
        control: FloodControl | None = None,
        lost: LostPositions | None = None,
    ) -> None:
        self._outlet = Outlet(app, connection, STAGE)
        self._blobs = Blobs(blobs)
        self._policy = policy
        self._tracer = tracer
        self._late = partition_worker.attached(app, partition_worker.Lanes(self.handle_late, app.crash, name=LATE))
        self._control = control
        self._in_work = in_work_of(app)
        self._lost = lost
        self._beside = Beside(app, self._screen_flood, FLOOD)

    async def handle(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        """Send the hand-overs of the chunk's inline records; leave claim-checked and failed ones to `handle_late`.

        Raises RetriableError to have it repeated, FatalError if Kafka refuses even the shortest hand-over.
        """
        late: list[Inbound] = []
        is_old = tp.topic == topics.BACKFILL
        size, nap = (BACKFILL_SLICE, BACKFILL_NAP_SECONDS) if is_old else (SLICE, 0)
        came = (record.headers for record in chunk.records)
        within, beyond = self._control.part(tp, chunk.records) if self._control else (chunk.records, ())
        with metrics.CHUNK_SECONDS.labels(stage=STAGE).time(), self._tracer.hop(STAGE, *tp, came) as hop:
            for records in sliced(within, size):
                await self._screen(records, late, hop)
                await asyncio.sleep(nap)  # nothing is sent without danger, and nothing else would wait
        metrics.RECORDS.labels(stage=STAGE, topic=tp.topic).inc(len(chunk.records))
        if beyond and self._beside.take(tp, chunk, [*late, *beyond]):
            return
        await in_steps(self._screen_flood, tp, beyond)
        if late:
            chunk.park(late)
            self._late.put(chunk.event)
        else:
            chunk.ack()

    async def _screen_flood(self, tp: TP, records: Sequence[Inbound]) -> None:
        """Screen the records beyond a share: later records are screened beside them."""
        late: list[Inbound] = []
        with self._tracer.hop(STAGE, *tp) as hop:
            await self._screen(records, late, hop)
        for record in late:
            await self._screen_late(tp, record)

    async def _screen(self, records: Iterable[Inbound], late: list[Inbound], hop: Hop) -> None:
        here: list[Read] = []
        for record in records:
            raw = raw_or_fault(record)
            is_late = self._in_work.fault_of(record) is not None or (isinstance(raw, RawMessage) and is_claimed(raw))
            if is_late:
                late.append(record)
            else:
                here.append((record, raw))
        found = screen_chunk(here, self._policy, self._may_be_read, self._in_work)
        await self._send([one for one in found.handed if one.folder is None], hop)
        old = {one.folder for one in found.handed if one.folder is not None}
        late.extend(record for record, raw in here if may_be_gone(raw) in old)
        late.extend(record for record, _ in found.unheard)

    async def handle_late(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        """Screen these records one at a time; waits for the blob store and for dead letters as long as needed.

        Raises as `handle` does.
        """
        for record in chunk.records:
            await self._screen_late(tp, record)
        chunk.ack()

    async def _screen_late(self, tp: TP, record: Inbound) -> None:
        if (held := self._in_work.fault_of(record)) is not None:
            metrics.ERRORS.labels(stage=STAGE, code="internal").inc()
            with self._tracer.hop(STAGE, *tp) as hop:
                return await self._put_aside(record, held, hop)
        raw = raw_or_fault(record)
        try:
            if isinstance(raw, RawMessage) and is_claimed(raw):
                raw = await self._blobs.loaded(raw)
        except ErasedError:  # nothing is left to be read: its ticket was erased, or it is read again after that
            return
        except RecordError as error:
            raw = error
        # In a thread: reading megabytes takes seconds, in which the next chunk's emergencies are handed over.
        with self._tracer.hop(STAGE, *tp) as hop:
            found = await self._in_work.in_thread(
                record, screen_chunk, [(record, raw)], self._policy, self._may_be_read
            )
            gone = await self._blobs.erased({one.folder for one in found.handed if one.folder is not None})
            await self._send([one for one in found.handed if one.folder not in gone], hop)
            for unheard, fault in found.unheard:
                await self._put_aside(unheard, fault, hop)

    def _may_be_read(self, record: Inbound) -> bool:
        return self._lost is not None and self._lost.may_be_read(*position_of(record))

    async def _put_aside(self, record: Inbound, error: Exception, hop: Hop) -> None:
        """Write a dead letter for a record that failed here, so that a person reads it; normalize may well accept it.

        If the topic of dead letters refuses it, screen goes on: emergencies come first.
        """
        try:
            refused = await self._outlet.send(hop.passes_on([dead_letter(record, error, STAGE).outbound()]))
            if refused:
                refused = await self._outlet.send(hop.passes_on([bare(record, STAGE, error).outbound]))
            why = f"Kafka refuses it in {topics.DEAD}" if refused else None
        except FatalError as fault:
            why = str(fault)
        if why is not None:
            _log.error("unheard_not_put_aside", reason=why, **position_of(record)._asdict())

    async def _send(self, handovers: Sequence[Handed], hop: Hop) -> None:
        """Return when the brokers hold the hand-overs; only then are they counted and timed."""
        refused = await self._outlet.send(hop.passes_on([handed.outbound for handed in handovers]))
        for most in (SHORT_CHARACTERS, 0):
            if refused:
                _log.error("handovers_shortened", count=len(refused))
                refused = await self._outlet.send([shortened(outbound, most) for outbound in refused])
        if refused:
            raise FatalError(
                f"Kafka refuses every hand-over as too large: raise max.message.bytes of {topics.HANDOVER}"
            )
        now = datetime.now(UTC)
        for handed in handovers:
            handed.measured(now)


def _never(record: Inbound) -> bool:
    return False


def screen_chunk(
    records: Iterable[Read],
    policy: Policy,
    may_be_read: Callable[[Inbound], bool] = _never,
    in_work: InWork | None = None,
) -> Screened:
    """Return the hand-overs of these messages. An error in one never stops the next.

    `may_be_read` returns True for a record that was perhaps screened before its position was lost. With `in_work`
    each record is marked in its turn. normalize writes the dead letters of records that no stage can read.
    """
    found = Screened([], [])
    for record, raw in records:
        try:
            if isinstance(raw, Exception):
                raise raw
            work = partial(screen, appended_at=appended_at(record), may_be_read=may_be_read(record))
            handed = in_work.on(record, work, raw, policy) if in_work else work(raw, policy)
        except RecordError as error:
            metrics.ERRORS.labels(stage=STAGE, code=error.code).inc()
        except Exception as error:  # noqa: BLE001 - one record's fault must not keep the next emergency waiting
            metrics.ERRORS.labels(stage=STAGE, code="internal").inc()
            found.unheard.append((record, error))
        else:
            found.handed.extend([handed] if handed else [])
    return found


def screen(
    raw: RawMessage, policy: Policy, *, appended_at: datetime | None = None, may_be_read: bool = True
) -> Handed | None:
    """Return the hand-over of one message, or None without an emergency. Raises RecordError.

    `appended_at` is when the broker took it. A record that is more than a day old is stale, as it was perhaps
    screened before; unless `may_be_read` is False, because screen was away and knows its position.
    """
    message = alarming(raw, policy)
    urgent = handover(message, raw.envelope.foldedinto) if message is not None else None
    if urgent is None:
        return None
    taken_at = max(raw.envelope.recordedtime, appended_at or raw.envelope.recordedtime)
    if may_be_read and (datetime.now(UTC) - taken_at).total_seconds() > policy.stale_after_seconds:
        urgent = replace(urgent, stale=True)
    record = record_of(urgent, STAGE, raw.envelope.first_trace, raw.envelope.last_hop)
    return Handed(record, urgent.level, urgent.stale, urgent.taken_at, may_be_gone(raw) if urgent.stale else None)


def shortened(outbound: Outbound, most: int = SHORT_CHARACTERS) -> Outbound:
    """Return a hand-over that Kafka accepts, with the words around the emergency."""
    urgent = decode(outbound.value, Handover)
    begin = max(0, urgent.spans[0][0] - most // 2) if urgent.spans else 0
    text = urgent.text[begin : begin + most]
    return outbound._replace(value=encode(replace(urgent, text=text, spans=(), sender=None, location=None)))
