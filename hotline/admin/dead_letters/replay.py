"""Replays dead letters to the stage that failed: first the choice, then piece by piece, with an audit record."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct, field
from msgspec.structs import replace

from broker.aio_client import closed, started
from broker.aio_producer import make_producer, translated
from broker.config import KafkaConnection
from connectors.base import utc_now
from hotline.admin.audit import REPLAYED, STARTED, Run
from hotline.admin.dead_letters.original import INPUTS, Inputs, Original, is_of_a_sink, obstacle, original_of
from hotline.admin.dead_letters.query import Filters, Letter, records
from hotline.admin.dead_letters.replay_sinks import Target
from schemas.codec import Outbound
from schemas.errors import RecordError
from schemas.records import DeadLetter
from sinks.kafka import Graveyard
from streams.blobs import Blobs
from streams.engine.input import sliced

PIECE = 100
"""Letters put back together; fewer when a rate asks for it."""

_ERASED = "its message was erased or redacted since then"

_log = structlog.get_logger(__name__)


class Held(Struct, frozen=True, kw_only=True):
    """A letter that is not put back; `settled` when it was before."""

    id: str
    why: str
    settled: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """The letters to replay, and the others with their reasons."""

    chosen: list[Letter]
    held: list[Held]


class Report(Struct, kw_only=True):
    """Result of a plan: `put_back` by topic (or sink), `failed_again` of those that a sink judged at once."""

    run_id: str
    author: str
    put_back: Counter[str] = field(default_factory=Counter)
    failed_again: int = 0
    held: list[Held] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Return how many letters are dealt with."""
        return sum(self.put_back.values()) + len(self.held)


def plan(letters: Iterable[Letter], inputs: Inputs = INPUTS, *, again: bool = False) -> Plan:
    """Sort letters into those that can go back and those that cannot."""
    chosen, held = [], []
    for letter in letters:
        found = obstacle(letter, inputs, again=again)
        if found is None:
            chosen.append(letter)
        else:
            held.append(Held(id=letter.id, why=found.why, settled=found.settled))
    return Plan(chosen=chosen, held=held)


def target_of(letter: Letter) -> str:
    """Return the target of a letter: its sink, or its former topic."""
    return letter.stage if is_of_a_sink(letter.stage) else letter.came_from.partition(":")[0]


class Replay:
    """Carries a plan out; `targets` are the services of the letters' sinks, by stage.

    A break between two pieces repeats at most one of them, which changes no ticket.
    """

    def __init__(self, connection: KafkaConnection, blobs: Blobs, run: Run, targets: Mapping[str, Target]) -> None:
        self._connection = connection
        self._blobs = blobs
        self._run = run
        self._targets = targets
        self.report = Report(run_id=run.id, author=run.author)

    async def carry_out(
        self, chosen: Plan, rate: float | None = None, moved_on: Callable[[int], None] = lambda done: None
    ) -> Report:
        """Replay the chosen letters, at most `rate` a second. Raises errors of the servers."""
        self.report.held += chosen.held
        producer = make_producer(self._connection)
        try:
            await started(producer.start)
            await self._tell(producer, [self._run.act(STARTED, utc_now(), letters=len(chosen.chosen))])
            for piece in sliced(self._records(chosen), PIECE if rate is None else max(1, min(PIECE, int(rate)))):
                began = time.monotonic()
                await self._put_back(producer, piece)
                moved_on(self.report.done)
                if rate is not None:
                    await asyncio.sleep(max(0.0, len(piece) / rate - (time.monotonic() - began)))
        except (KafkaError, OSError) as error:
            raise translated(error) from error
        finally:
            await closed(producer.stop)
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
        originals = await self._without_erased(originals)
        for stage in sorted({one.letter.stage for one in originals if is_of_a_sink(one.letter.stage)}):
            originals = await self._to_sink(producer, stage, originals)
        upstream = [one for one in originals if not is_of_a_sink(one.letter.stage)]
        await _sent([await self._to_stage(producer, one) for one in upstream])
        await self._tell(producer, self._acts(originals))
        self.report.put_back.update(target_of(one.letter) for one in originals)

    async def _original(self, record: Any, replayed: int) -> Original | None:
        try:
            return await original_of(record, replayed, self._blobs, self._connection)
        except RecordError as error:
            self.report.held.append(Held(id=f"{record.partition}:{record.offset}", why=str(error)))
            return None

    async def _without_erased(self, originals: Sequence[Original]) -> list[Original]:
        """Leave out letters that were erased since: replayed, they would stay in a topic for another thirty days."""
        gone = await self._blobs.erased({one.folder for one in originals if one.folder is not None})
        self.report.held += [
            Held(id=one.letter.id, why=_ERASED, settled=True) for one in originals if one.folder in gone
        ]
        return [one for one in originals if one.folder not in gone]

    async def _to_stage(self, producer: AIOKafkaProducer, one: Original) -> Awaitable[Any]:
        topic, partition = one.position.topic, one.partition(self._connection.partitions)
        known = await producer.partitions_for(topic)
        delivery: Awaitable[Any] = await producer.send(
            topic, one.value, key=one.key, headers=one.again(), partition=partition if partition in known else None
        )
        return delivery

    async def _to_sink(self, producer: AIOKafkaProducer, stage: str, originals: Sequence[Original]) -> list[Original]:
        """Give a sink's records to its service alone: on their topic everybody downstream would get them again.

        Returns the originals without those that are settled.
        """
        target = self._targets[stage]
        mine = [one for one in originals if one.letter.stage == stage]
        settled = await target.settled([one.document for one in mine])
        kept = [one for one in mine if one.position not in settled]
        self.report.held += [
            Held(id=one.letter.id, why=settled[one.position], settled=True) for one in mine if one.position in settled
        ]
        replays = {one.position: one.replays for one in kept}

        async def bury(letters: Sequence[DeadLetter]) -> None:
            counted = [replace(letter, replays=replays[letter.position]) for letter in letters]
            await Graveyard(producer).bury(counted)
            self.report.failed_again += len(letters)

        await target.deliver(producer, [one.document for one in kept], bury)
        return [one for one in originals if one not in mine or one in kept]

    async def _tell(self, producer: AIOKafkaProducer, outbounds: Iterable[Outbound]) -> None:
        await _sent([await producer.send(o.topic, o.value, key=o.key, headers=o.headers) for o in outbounds])

    def _acts(self, originals: Sequence[Original]) -> Iterator[Outbound]:
        """Yield one act for all, and a mark for each, by which the next replay passes it over."""
        if not originals:
            return
        letters = {one.letter.id: one.letter.came_from for one in originals}
        yield self._run.act(REPLAYED, utc_now(), next(iter(letters)), letters=letters)
        for one in originals:
            letter = one.letter
            details = {"from": letter.came_from, "stage": letter.stage, "code": letter.code, "replays": one.replays}
            yield self._run.mark(letter.id, utc_now(), **details)

    def _log(self) -> None:
        report = self.report
        _log.info(
            "dead_letters_replayed",
            author=report.author,
            run=report.run_id,
            put_back=dict(report.put_back),
            failed_again=report.failed_again,
            held=len(report.held),
        )


async def _sent(deliveries: Sequence[Awaitable[Any]]) -> None:
    await asyncio.gather(*deliveries)
