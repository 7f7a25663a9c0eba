"""Puts dead letters back to the stage that failed on them: chosen first, then piece by piece, with a trace of who."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from elasticsearch import AsyncElasticsearch
from msgspec import Struct, field
from msgspec.structs import replace
from obstore.store import ObjectStore

from hotline.audit import REPLAYED, STARTED, Run
from hotline.dead import Filters, Letter, records
from hotline.dead_original import SINK, Original, obstacle, original_of
from schemas.connection import KafkaConnection
from schemas.errors import RecordError
from schemas.records import DeadLetter
from schemas.topics import EVENT
from schemas.wire import Outbound
from sinks import SINKS, Document
from sinks.delivery import Delivery
from sinks.elastic import ElasticSink
from sinks.eraser import Eraser
from sinks.settings import SinkSettings
from streams.blobs import Blobs
from streams.sender import make_producer, translated

PIECE = 100
"""Letters put back together; fewer when a rate asks for it."""

log = structlog.get_logger()

Deliver = Callable[[Sequence[Document], Callable[[Sequence[DeadLetter]], Awaitable[None]]], Awaitable[None]]
"""Brings documents into the archive; what is refused goes to the second argument."""


class Held(Struct, frozen=True, kw_only=True):
    """A letter that is not put back; `settled` when it was before."""

    id: str
    why: str
    settled: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """Which letters go back, and which do not."""

    chosen: list[Letter]
    held: list[Held]


class Report(Struct, kw_only=True):
    """What became of a plan: `put_back` by topic (or `sink`), `failed_again` of those that a sink took at once."""

    run_id: str
    author: str
    put_back: Counter[str] = field(default_factory=Counter)
    failed_again: int = 0
    held: list[Held] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Return how many letters are dealt with."""
        return sum(self.put_back.values()) + len(self.held)


def plan(letters: Iterable[Letter], *, again: bool = False) -> Plan:
    """Sort letters into those that can go back and those that cannot."""
    chosen, held = [], []
    for letter in letters:
        found = obstacle(letter, again=again)
        if found is None:
            chosen.append(letter)
        else:
            held.append(Held(id=letter.id, why=found.why, settled=found.settled))
    return Plan(chosen=chosen, held=held)


class Replay:
    """Carries a plan out. A break between two pieces repeats at most one of them, which changes no ticket."""

    def __init__(self, connection: KafkaConnection, blobs: Blobs, run: Run, deliver: Deliver) -> None:
        self._connection = connection
        self._blobs = blobs
        self._run = run
        self._deliver = deliver
        self.report = Report(run_id=run.id, author=run.author)

    async def carry_out(
        self, chosen: Plan, rate: float | None = None, moved_on: Callable[[int], None] = lambda done: None
    ) -> Report:
        """Put the chosen letters back, at most `rate` a second. Raises what the surroundings are at fault of."""
        self.report.held += chosen.held
        producer = make_producer(self._connection)
        try:
            await producer.start()
            await self._tell(producer, [self._run.act(STARTED, _now(), letters=len(chosen.chosen))])
            for piece in _pieces(self._records(chosen), PIECE if rate is None else max(1, min(PIECE, int(rate)))):
                began = time.monotonic()
                await self._put_back(producer, piece)
                moved_on(self.report.done)
                if rate is not None:
                    await asyncio.sleep(max(0.0, len(piece) / rate - (time.monotonic() - began)))
        except (KafkaError, OSError) as error:
            raise translated(error) from error
        finally:
            await producer.stop()
            self._log()
        return self.report

    def _records(self, chosen: Plan) -> Iterator[tuple[Any, int]]:
        """Yield the letters' records anew, as a plan holds no bytes."""
        replayed = {letter.id: letter.replayed for letter in chosen.chosen}
        if replayed:
            oldest = min(letter.at for letter in chosen.chosen)
            for record in records(self._connection, Filters(since=oldest, only=frozenset(replayed))):
                yield record, replayed[f"{record.partition}:{record.offset}"]

    async def _put_back(self, producer: AIOKafkaProducer, piece: Sequence[tuple[Any, int]]) -> None:
        originals = [one for record, replayed in piece if (one := await self._original(record, replayed))]
        await self._to_sinks(producer, [one for one in originals if one.letter.stage == SINK])
        upstream = [one for one in originals if one.letter.stage != SINK]
        await _sent([await self._to_stage(producer, one) for one in upstream])
        await self._tell(producer, [self._act(one) for one in originals])
        for one in originals:
            self.report.put_back[SINK if one.letter.stage == SINK else one.position.topic] += 1

    async def _original(self, record: Any, replayed: int) -> Original | None:
        try:
            return await original_of(record, replayed, self._blobs, self._connection)
        except RecordError as error:
            self.report.held.append(Held(id=f"{record.partition}:{record.offset}", why=str(error)))
            return None

    async def _to_stage(self, producer: AIOKafkaProducer, one: Original) -> Awaitable[Any]:
        topic, partition = one.position.topic, one.partition(self._connection.partitions)
        known = await producer.partitions_for(topic)
        delivery: Awaitable[Any] = await producer.send(
            topic, one.value, key=one.key, headers=one.again(), partition=partition if partition in known else None
        )
        return delivery

    async def _to_sinks(self, producer: AIOKafkaProducer, originals: Sequence[Original]) -> None:
        """Give records to the archive alone: on their topic everybody downstream would get them again."""
        if not originals:
            return
        replays = {one.position: one.replays for one in originals}

        async def bury(letters: Sequence[DeadLetter]) -> None:
            counted = [replace(letter, replays=replays[letter.position]) for letter in letters]
            await self._tell(producer, [letter.outbound() for letter in counted])
            self.report.failed_again += len(letters)

        await self._deliver([Document(one.position, one.key, one.value, one.headers) for one in originals], bury)

    async def _tell(self, producer: AIOKafkaProducer, outbounds: Iterable[Outbound]) -> None:
        await _sent([await producer.send(o.topic, o.value, key=o.key, headers=o.headers) for o in outbounds])

    def _act(self, one: Original) -> Outbound:
        letter = one.letter
        details = {"from": letter.came_from, "stage": letter.stage, "code": letter.code, "replays": one.replays}
        return self._run.act(REPLAYED, _now(), letter.id, **details)

    def _log(self) -> None:
        report = self.report
        log.info(
            "dead_letters_replayed",
            author=report.author,
            run=report.run_id,
            put_back=dict(report.put_back),
            failed_again=report.failed_again,
            held=len(report.held),
        )


def to_archive(client: AsyncElasticsearch, blobs: ObjectStore, settings: SinkSettings) -> Deliver:
    """Return what brings documents into the archive as its own sinks do, with their retries and their verdicts.

    What is of the event log was the eraser's: an erasure that could not be carried out.
    """
    elastic, eraser = ElasticSink(client, SINKS["elastic"].values()), Eraser(client, blobs)

    async def deliver(documents: Sequence[Document], bury: Callable[[Sequence[DeadLetter]], Awaitable[None]]) -> None:
        await elastic.open()
        erasures = [document for document in documents if document.position.topic == EVENT]
        others = [document for document in documents if document.position.topic != EVENT]
        await Delivery(elastic, settings, bury, asyncio.sleep).deliver(others)
        await Delivery(eraser, settings, bury, asyncio.sleep).deliver(erasures)

    return deliver


async def _sent(deliveries: Sequence[Awaitable[Any]]) -> None:
    await asyncio.gather(*deliveries)


def _pieces(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def _now() -> datetime:
    return datetime.now(UTC)
