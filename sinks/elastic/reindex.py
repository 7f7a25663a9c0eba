"""Rebuilds an index of the archive from its topic while the sink goes on writing into the one that is in use.

A new index is filled from the topic and compared, id by id and version by version, with what the topic holds. Then the
old one refuses writes for a moment (the sink tries them again), the last records are brought over, and the alias moves.
Until it moves nothing has changed for anybody; a rebuild that is broken off is begun again.
"""

import asyncio
import operator
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b

import numpy as np
from aiokafka import AIOKafkaConsumer, TopicPartition
from elasticsearch import AsyncElasticsearch
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from broker.aio_client import SILENT_SECONDS, answering, brought, running
from broker.config import KafkaConnection
from broker.reader_progress import Progress
from schemas.codec import Position
from schemas.errors import MisconfiguredError, RecordError
from schemas.records import DeadLetter
from sinks.base import Document, Route, document_of, type_of
from sinks.batcher import Batch, Batcher
from sinks.elastic import bulk, indices
from sinks.elastic.errors import translated
from sinks.elastic.indices import Place
from sinks.elastic.sink import ElasticSink
from sinks.kafka import make_reader
from sinks.retry import Delivery
from sinks.settings import SinkSettings

# Ids and versions of documents in sixteen bytes each, to compare two archives.

_KEYS, _VERSIONS = np.uint64, np.int64
_BUFFER = 200_000


class Versions:
    """The highest version of each document. Ids are digests: two of ten million share one once in 400,000 archives."""

    def __init__(self) -> None:
        self._keys: NDArray[np.uint64] = np.empty(0, _KEYS)
        self._highest: NDArray[np.int64] = np.empty(0, _VERSIONS)
        self._new_keys: list[int] = []
        self._new_versions: list[int] = []

    def add(self, identifier: bytes, version: int) -> None:
        """Note a version of a document."""
        self._new_keys.append(_digest(identifier))
        self._new_versions.append(version)
        if len(self._new_keys) >= _BUFFER:
            self._merge()

    def __len__(self) -> int:
        self._merge()
        return len(self._keys)

    def of(self, identifiers: Iterable[bytes]) -> list[int]:
        """Return the highest version of each document, -1 for one that is not there."""
        self._merge()
        asked = np.array([_digest(identifier) for identifier in identifiers], _KEYS)
        if not len(self._keys):
            return [-1] * len(asked)
        at = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        found: list[int] = np.where(self._keys[at] == asked, self._highest[at], -1).tolist()
        return found

    def differing(self, other: "Versions") -> int:
        """Return the number of documents that are in one archive only, or in another version."""
        self._merge()
        other._merge()
        common, mine, theirs = np.intersect1d(self._keys, other._keys, assume_unique=True, return_indices=True)
        unequal = int(np.count_nonzero(self._highest[mine] != other._highest[theirs]))
        return len(self._keys) + len(other._keys) - 2 * len(common) + unequal

    def _merge(self) -> None:
        if not self._new_keys:
            return
        keys = np.concatenate([self._keys, np.array(self._new_keys, _KEYS)])
        versions = np.concatenate([self._highest, np.array(self._new_versions, _VERSIONS)])
        order = np.lexsort((versions, keys))
        keys, versions = keys[order], versions[order]
        last: NDArray[np.bool_] = np.append(keys[1:] != keys[:-1], True)
        self._keys, self._highest = keys[last], versions[last]
        self._new_keys, self._new_versions = [], []


def ahead(found: Sequence[tuple[bytes, int]], of: Versions) -> list[tuple[bytes, int]]:
    """Return the documents of `found` with a higher version than `of` returns."""
    known = of.of(identifier for identifier, _ in found)
    return [one for one, has in zip(found, known, strict=True) if one[1] > has]


def _digest(identifier: bytes) -> int:
    return int.from_bytes(blake2b(identifier, digest_size=8).digest(), "little")


BLOCKED_SECONDS = 20.0
"""Seconds for which writes may be blocked; a rebuild that needs more releases them and catches up once more."""

REQUEST_SECONDS = 60.0

CARRIED = 500
"""Documents per page of the old index."""

Told = Callable[[int, int], None]
"""Called with the number of records read, and of all."""


class Report(Struct, kw_only=True):
    """Result of a rebuild. `carried` documents are from the old index, as the topic no longer has them.

    `refused` are records that Elasticsearch accepts in no index, by code: the sink wrote dead letters for them.
    """

    index: str
    former: str
    documents: int = 0
    records: int = 0
    carried: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    restarted: bool = False
    blocked_seconds: float = 0.0


class UnequalError(MisconfiguredError):
    """The new index differs from the topic; the old one stays in use."""


class Rebuild:
    """Rebuild of one index. `may_lose` gives up documents that only the old index has although the topic should have
    them.
    """

    def __init__(
        self,
        client: AsyncElasticsearch,
        connection: KafkaConnection,
        route: Route,
        place: Place,
        settings: SinkSettings,
        *,
        may_lose: bool = False,
        told: Told = lambda done, total: None,
    ) -> None:
        self._client = client.options(request_timeout=REQUEST_SECONDS)
        self._connection = connection
        self._route = replace(route, into=place.successor)
        self._place = place
        self._settings = settings
        self._may_lose = may_lose
        self._told = told
        self._delivery = Delivery(ElasticSink(client, [self._route]), settings, self._refuse, asyncio.sleep)
        self._refused: dict[Position, str] = {}
        self._expected = Versions()
        self._old_at: dict[int, int] = {}
        self._suspects: dict[bytes, int] = {}
        self.report = Report(index=place.successor, former=place.concrete)

    async def run(self, *, keep: bool) -> Report:
        """Fill, compare, switch. Raises UnequalError if the two differ, and errors of the servers."""
        if keep and self._place.name == self._place.concrete:
            raise MisconfiguredError(
                f"{self._place.concrete} cannot be kept, because its successor takes its name: leave --keep out."
            )
        with translated():
            await indices.unblock(self._client, self._place.concrete)  # a broken-off rebuild may have left it so
            self.report.restarted = await indices.create(self._client, self._place)
            async with _reading(self._connection, self._route.topic) as reader:
                await self._catch_up(reader)
                await self._look_at_old()
                await self._catch_up(reader)
                await self._compare()
                while not await self._finish(reader, keep=keep):
                    await self._catch_up(reader)
        return self.report

    async def _catch_up(self, reader: AIOKafkaConsumer) -> None:
        """Write the topic's records up to its present end."""
        ends = await reader.end_offsets(reader.assignment())
        total = sum(ends.values())
        batcher = Batcher(self._settings, time.monotonic)
        flying: list[Batch] = []
        progress = Progress(self._route.topic, SILENT_SECONDS)
        while any(map(operator.lt, places := await _positions(reader, ends), ends.values())):
            progress.at(places)
            answer = await reader.getmany(timeout_ms=200, max_records=self._settings.batch_max_documents)
            for record in (record for records in answer.values() for record in records):
                self.report.records += 1
                document = document_of(record)
                if record.value is not None and self._is_ours(document):
                    flying += filter(None, [batcher.add(document)])
            if len(flying) >= self._settings.in_flight_max_batches:
                await self._write(flying)
                flying = []
            self._told(sum(await _positions(reader, ends)), total)
        await self._write([*flying, *filter(None, [batcher.close()])])

    async def _write(self, batches: Sequence[Batch]) -> None:
        await asyncio.gather(*(self._delivery.deliver(batch.documents) for batch in batches))
        for batch in batches:
            for document in batch.documents:
                self._expect(document)

    def _expect(self, document: Document) -> None:
        code = self._refused.pop(document.position, None)
        if code is None:
            self._expected.add(document.key, bulk.version_of(dict(document.headers), self._route))
        else:
            self.report.refused[code] += 1

    async def _refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Count a record that cannot be written; the running sink writes its dead letter."""
        self._refused.update((letter.position, letter.code) for letter in letters)

    def _is_ours(self, document: Document) -> bool:
        if self._route.skip and type_of(document) in self._route.skip:
            return False
        if self._place.month is None:
            return True
        try:
            return bulk.month_of(dict(document.headers)) == self._place.month
        except RecordError:
            return False

    async def _look_at_old(self) -> None:
        """Read what the old index has written since the last look."""
        async for page in indices.entries(self._client, self._place.concrete, self._old_at):
            self._suspects.update(ahead([(entry.identifier, entry.version) for entry in page], self._expected))

    async def _settle_suspects(self) -> None:
        """Handle documents that are missing although everything at that look was read."""
        missing = [identifier for identifier, _ in ahead(list(self._suspects.items()), self._expected)]
        self._suspects = {}
        for begin in range(0, len(missing), CARRIED):
            some = missing[begin : begin + CARRIED]
            await self._carry(await indices.values(self._client, self._place.concrete, some))

    async def _carry(self, found: Sequence[tuple[bytes, int, bytes]]) -> None:
        """Copy documents that the topic no longer keeps; for a topic that keeps everything none may be missing."""
        if not found or (self._may_lose and not self._route.index.monthly):
            return
        if not self._route.index.monthly:
            raise UnequalError(
                f"{len(found)} or more documents of {self._place.concrete} are not, or older, in {self._route.topic}: "
                "find out why; --drop gives them up. Nothing was changed."
            )
        documents = [
            Document(Position(self._route.topic, -1, number), identifier, value, [("ce_sequence", b"%d" % version)])
            for number, (identifier, version, value) in enumerate(found)
        ]
        await self._delivery.deliver(documents)
        if self._refused:
            raise UnequalError(
                f"The new index refuses {len(self._refused)} documents of the old one. Nothing was changed."
            )
        for document in documents:
            self._expect(document)
        self.report.carried += len(documents)

    async def _compare(self) -> None:
        """Compare the new index with the records read, document by document."""
        await self._settle_suspects()
        there = Versions()
        async for page in indices.entries(self._client, self._place.successor):
            for entry in page:
                there.add(entry.identifier, entry.version)
        differing = self._expected.differing(there)
        if differing:
            raise UnequalError(
                f"{differing} documents of {self._place.successor} are not as {self._route.topic} has them. "
                "Nothing was changed: run it again."
            )

    async def _finish(self, reader: AIOKafkaConsumer, *, keep: bool) -> bool:
        """Block writes, copy the last records, move the alias; return False if that would take too long."""
        began, done = time.monotonic(), False
        try:
            await indices.block(self._client, self._place)
            async with asyncio.timeout(BLOCKED_SECONDS):
                await self._catch_up(reader)
                await self._look_at_old()
                await self._settle_suspects()
                documents = await indices.count(self._client, self._place.successor)
            if documents != len(self._expected):
                wanted = f"has {documents} documents, not {len(self._expected)}"
                raise UnequalError(f"{self._place.successor} {wanted}. Nothing was changed: run it again.")
            await indices.switch(self._client, self._place, keep=keep)
            done = True
        except TimeoutError:
            return False
        finally:
            if not done:
                await indices.unblock(self._client, self._place.concrete)
            self.report.blocked_seconds += time.monotonic() - began
        self.report.documents = documents
        return True


async def _positions(reader: AIOKafkaConsumer, places: Iterable[TopicPartition]) -> list[int]:
    """Return the position in each partition. Raises UnreachableError if Kafka does not tell where one begins."""

    async def asked() -> list[int]:
        return [await reader.position(place) for place in places]

    return await brought(asked(), SILENT_SECONDS)


@asynccontextmanager
async def _reading(connection: KafkaConnection, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a whole topic, committed records only, without a group."""
    with answering():
        async with running(make_reader(connection, topic)) as reader:
            if not reader.assignment():
                raise MisconfiguredError(
                    f"Kafka shows our user no topic {topic}: run `hotline topics create` or `hotline doctor`."
                )
            yield reader
