"""normalize: raw records become messages, attachments go to the blob store, commands join the one ordered input."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

import faust
import structlog
from faust.types import TP
from msgspec import UNSET
from msgspec.structs import replace
from obstore.store import ObjectStore

from broker.config import KafkaConnection
from normalizers.base import Policy
from normalizers.enrich.annotators import ANNOTATORS
from normalizers.parse.codes import is_code
from normalizers.pipeline import Normalized, normalize
from normalizers.warmup import work_through
from schemas import ids, topics
from schemas.codec import AHEAD, NO_TIME, Inbound, Outbound, appended_at, decode, encode, position_of
from schemas.command_signature import carried
from schemas.envelope import FIRST_TRACE, HOP, Envelope, schema_of, trace_context, type_of
from schemas.errors import ErasedError, FatalError, MalformedError, RecordError, TooLargeError
from schemas.records import Command, Message, RawMessage
from schemas.tracing import OFF, Hop, Tracer
from streams import metrics
from streams.backpressure import backfill, rate_limit
from streams.backpressure.deferred import Beside, in_steps
from streams.backpressure.downstream_lag import Downstream, Group
from streams.backpressure.rate_limit import FloodControl
from streams.backpressure.settings import FloodSettings
from streams.blobs import Blobs
from streams.engine import partition_worker
from streams.engine.app import in_work_of
from streams.engine.input import SLICE, has_reference, header_of, is_claimed, may_be_gone, raw_or_fault, sliced, whole
from streams.engine.output import Outlet
from streams.engine.result import Result, bare, dead, refused_of
from tickets.masking.precompute import foreseen

_log = structlog.get_logger(__name__)

STAGE = "normalize"
COMMANDS = "commands"

RECORD_LIMIT = 900_000
"""Bytes of one message record; Kafka's own limit is 1 MiB with headers."""

Understood = tuple[Normalized, Envelope]
"""A message, and the envelope of its raw record."""

Made = TypeVar("Made")

CLAIMED_WEIGHT = SLICE // 4
"""A claim-checked record may be 64 MiB large: four of them make a slice."""


def declare(
    app: faust.App,
    connection: KafkaConnection,
    blobs: ObjectStore,
    policy: Policy,
    behind: Collection[Group] = (),
    tracer: Tracer = OFF,
    flood_settings: FloodSettings | None = None,
) -> None:
    """Attach the normalize agents to `app`: live topics, commands, floods, and back-fill.

    Floods and back-fill give way to live records here and in the downstream groups `behind`, as they share one topic
    from here on.
    """
    control = FloodControl(flood_settings, connection.partitions) if flood_settings else None
    work = Normalize(app, Outlet(app, connection, STAGE), Blobs(blobs), policy, tracer, control)
    partition_worker.declare(app, STAGE, topics.LIVE_RAW, work.handle)
    partition_worker.declare(app, COMMANDS, [topics.COMMAND], work.handle_commands)
    downstream = Downstream(connection, behind) if behind else None
    turns = backfill.watch(app, STAGE, [*topics.LIVE_RAW, topics.COMMAND], [topics.BACKFILL, topics.FLOOD], downstream)
    partition_worker.declare(app, f"{STAGE}-flood", [topics.FLOOD], partial(work.handle_flood, turns))
    partition_worker.declare(app, f"{STAGE}-backfill", [topics.BACKFILL], turns.giving_way(work.handle))


class Normalize:
    """Processes chunks of raw records and of commands."""

    def __init__(
        self,
        app: faust.App,
        outlet: Outlet,
        blobs: Blobs,
        policy: Policy,
        tracer: Tracer = OFF,
        control: FloodControl | None = None,
    ) -> None:
        self._outlet = outlet
        self._blobs = blobs
        self._policy = policy
        self._tracer = tracer
        self._control = control
        self._in_work = in_work_of(app)
        self._beside = Beside(app, self._put_behind, f"{STAGE}-beside")
        for one in ANNOTATORS:  # shown from the start, as in `metrics.py`
            if not one.is_required:
                metrics.ANNOTATOR_FAILURES.labels(annotator=one.name)
        work_through(lambda raw: foreseen(normalize(raw, policy).message, policy.rules))

    async def handle(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        """Normalize a chunk, slice by slice. Raises RetriableError to have it repeated."""
        with metrics.CHUNK_SECONDS.labels(stage=STAGE).time(), self._hop(STAGE, tp, chunk) as hop:
            within, beyond = self._control.part(tp, chunk.records) if self._control else (chunk.records, ())
            for records in slices(within):
                await self._work_off(records, hop)
        metrics.RECORDS.labels(stage=STAGE, topic=tp.topic).inc(len(chunk.records))
        if beyond and self._beside.take(tp, chunk, beyond):
            return
        await in_steps(self._put_behind, tp, beyond)
        chunk.ack()

    async def handle_flood(self, turns: backfill.Pace, tp: TP, chunk: partition_worker.Chunk) -> None:
        """Normalize deferred records in small steps, whenever no live record has to wait for them."""
        for records in sliced(chunk.records, rate_limit.SLICE):
            async with turns.turn(chunk, len(records)):
                await in_steps(self._work_off_few, tp, records)
        metrics.RECORDS.labels(stage=STAGE, topic=tp.topic).inc(len(chunk.records))
        chunk.ack()

    async def handle_commands(self, tp: TP, chunk: partition_worker.Chunk) -> None:
        """Forward a chunk of commands. Raises RetriableError to have it repeated."""
        with self._hop(COMMANDS, tp, chunk) as hop:
            for records in sliced(chunk.records):
                await self._finish([(record, self._command(record)) for record in records], COMMANDS, hop)
        metrics.RECORDS.labels(stage=COMMANDS, topic=tp.topic).inc(len(chunk.records))
        chunk.ack()

    def _command(self, record: Inbound) -> Result:
        if (fault := self._in_work.fault_of(record)) is not None:
            return dead(record, fault, COMMANDS)
        return self._in_work.on(record, command_step, record)

    async def _work_off_few(self, tp: TP, records: Sequence[Inbound]) -> None:
        with self._tracer.hop(STAGE, *tp, (record.headers for record in records)) as hop:
            await self._work_off(records, hop)

    async def _put_behind(self, tp: TP, records: Sequence[Inbound]) -> None:
        """Move these records to the topic of floods, except emergencies and unreadable ones, which go on at once."""
        done = [
            (record, result._replace(outbound=rate_limit.put_behind(record), blobs=()) if result.may_wait else result)
            for record, result in await self._normalized(whole(records))
        ]
        with self._tracer.hop(STAGE, *tp, (record.headers for record, _ in done)) as hop:
            await self._finish(done, STAGE, hop)

    def _hop(self, stage: str, tp: TP, chunk: partition_worker.Chunk) -> AbstractContextManager[Hop]:
        return self._tracer.hop(stage, tp.topic, tp.partition, (record.headers for record in chunk.records))

    async def _work_off(self, records: Sequence[Inbound], hop: Hop) -> None:
        records = whole(records)
        await self._finish(await self._normalized(records), STAGE, hop)
        claimed = [header_of(record, "ce_dataref") or "" for record in records if has_reference(record)]
        await self._blobs.settle(claimed)

    async def _normalized(self, records: Sequence[Inbound]) -> list[tuple[Inbound, Result]]:
        """Return records with their results: none for a repeated record whose message was erased."""
        raws = await asyncio.gather(*(self._read(record) for record in records if has_reference(record)))
        claimed = iter(raws)
        came = [(record, next(claimed) if has_reference(record) else raw_or_fault(record)) for record in records]
        read = [(record, self._in_work.fault_of(record) or raw) for record, raw in came]
        gone = await self._blobs.erased({place for _, raw in read if (place := may_be_gone(raw)) is not None})
        left = (one for one in read if not isinstance(one[1], ErasedError) and may_be_gone(one[1]) not in gone)
        # All are decoded before the words of any are analysed: this keeps the caches of either step warm.
        found = [(record, await self._apart(record, understood, raw)) for record, raw in left]
        done = [(record, await self._apart(record, result_of, record, one)) for record, one in found]
        for record, result in done:
            for one in result.failures:
                metrics.ANNOTATOR_FAILURES.labels(annotator=one.annotator).inc()
                _log.warning("annotator_failed", **one._asdict(), **position_of(record)._asdict())
        return done

    async def _apart(self, record: Inbound, work: Callable[..., Made], *arguments: object) -> Made:
        if has_reference(record):  # megabytes take seconds, in which the other cities go on
            return await self._in_work.in_thread(record, work, *arguments, self._policy)
        return self._in_work.on(record, work, *arguments, self._policy)

    async def _read(self, record: Inbound) -> RawMessage | Exception:
        """Return the raw message with its bytes, or the permanent error."""
        raw = raw_or_fault(record)
        if isinstance(raw, Exception) or not is_claimed(raw):
            return raw
        try:
            return await self._blobs.loaded(raw)
        except RecordError as error:
            return error

    async def _finish(self, done: Sequence[tuple[Inbound, Result]], stage: str, hop: Hop) -> None:
        """Return when Kafka holds the result of each record: a dead letter if Kafka refuses it as too large.

        Raises FatalError if Kafka refuses even a dead letter with only the record's position.
        """
        for instead in (refused_of, bare):
            refused = await self._send([result for _, result in done], hop)
            if not refused:
                return
            done = [(record, instead(record, stage)) for record, result in done if result in refused]
        if await self._send([result for _, result in done], hop):
            raise FatalError(f"Kafka refuses every dead letter as too large: raise max.message.bytes of {topics.DEAD}")

    async def _send(self, results: Sequence[Result], hop: Hop) -> list[Result]:
        """Store the blobs, send the records, and return those that Kafka refuses as too large."""
        await self._blobs.store([blob for result in results for blob in result.blobs])
        outbounds = hop.passes_on([result.outbound for result in results])
        refused = await self._outlet.send(outbounds)
        return [result for result, outbound in zip(results, outbounds, strict=True) if outbound in refused]


def slices(records: Sequence[Inbound]) -> Iterator[Sequence[Inbound]]:
    """Split a chunk into pieces limited in number and in bytes."""
    piece: list[Inbound] = []
    weight = 0
    for record in records:
        piece.append(record)
        weight += CLAIMED_WEIGHT if has_reference(record) else 1
        if weight >= SLICE:
            yield piece
            piece, weight = [], 0
    if piece:
        yield piece


def step(record: Inbound, raw: RawMessage | Exception, policy: Policy) -> Result:
    """Return the message of a record, or its dead letter. Pure."""
    return result_of(record, understood(raw, policy), policy)


def understood(raw: RawMessage | Exception, policy: Policy) -> Understood | Exception:
    """Return the message of a raw record with its origin, or the reason why there is none. Pure."""
    if isinstance(raw, Exception):
        return raw
    try:
        return normalize(raw, policy), raw.envelope
    except Exception as error:  # noqa: BLE001 - as in `result_of`
        return error


def result_of(record: Inbound, found: Understood | Exception, policy: Policy) -> Result:
    """Return the records to send for a message, or the dead letter. Pure."""
    try:
        if isinstance(found, Exception):
            raise found
        (message, blobs, failures), origin = found
        message = foreseen(message, policy.rules)
        return Result(message_record(message, origin), blobs, message.emergency is None, failures)
    except Exception as error:  # noqa: BLE001 - a fault on one record: it becomes a dead letter, the next goes on
        return dead(record, error, STAGE)


def message_record(message: Message, origin: Envelope) -> Outbound:
    """Return the Kafka record of a message; `origin` is the raw record's envelope. Raises TooLargeError."""
    value = encode(message)
    if len(value) > RECORD_LIMIT and message.foreseen is not UNSET:
        value = encode(replace(message, foreseen=UNSET))
    if len(value) > RECORD_LIMIT:
        raise TooLargeError(f"the message without its attachments is larger than {RECORD_LIMIT} bytes")
    envelope = Envelope(
        id=message.message_id,
        source=f"/hotline/{STAGE}/{message.jurisdiction}",
        type=type_of("message"),
        time=message.received_at,
        recordedtime=message.ingested_at,
        jurisdiction=message.jurisdiction,
        channel=message.channel,
        channelkind=message.channel_kind,
        account=message.account,
        dataschema=schema_of("message"),
        sequence=f"{message.normalizer_version:010d}",
        causationid=message.message_id,
        traceparent=origin.first_trace,
        hop=origin.last_hop,
    )
    return Outbound(topics.MESSAGE, message.message_id.encode(), value, envelope.headers(), message.jurisdiction)


def command_step(record: Inbound) -> Result:
    """Return the command as assign reads it, or its dead letter. Pure."""
    try:
        return Result(_command_record(record))
    except Exception as error:  # noqa: BLE001 - as in `step`
        return dead(record, error, COMMANDS)


def _command_record(record: Inbound) -> Outbound:
    command = decode(record.value or b"", Command)
    for name in ("command_id", "author", "jurisdiction"):
        if not is_code(getattr(command, name)):  # they stand in the event log for years: no words, nobody's number
            raise MalformedError(f"the {name} of a command must be a code: up to 64 of A-Z a-z 0-9 _ . : / + -")
    recorded = appended_at(record) or command.at
    if command.at > recorded + AHEAD:  # it is log time: tickets would leave the memory before they should
        raise MalformedError("the command's `at` lies in the future: check the clock of its sender")
    if command.at < NO_TIME:  # the ticket that it closes would leave the memory at once
        raise MalformedError("the command's `at` is before the year 2000: its sender did not set it")
    source = f"/hotline/{COMMANDS}/{command.jurisdiction}"
    first, hop = (trace_context(header_of(record, name)) for name in (FIRST_TRACE, HOP))
    hop = hop or first or ids.traceparent(source, command.command_id)
    envelope = Envelope(
        id=command.command_id,
        source=source,
        type=type_of("command"),
        dataschema=schema_of("command"),
        time=command.at,
        recordedtime=recorded,
        jurisdiction=command.jurisdiction,
        causationid=command.command_id,
        traceparent=first or hop,
        hop=hop,
    )
    key = command.command_id.encode()
    headers = [*envelope.headers(), *carried(record.headers)]
    return Outbound(topics.MESSAGE, key, record.value or b"", headers, command.jurisdiction)  # as it was signed
