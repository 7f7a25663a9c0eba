"""Brings dead letters of a sink back to its service: to the archive, or to the one subscriber that refused them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer
from elasticsearch import AsyncElasticsearch
from obstore.store import ObjectStore

from broker import kafka_reader
from broker.config import KafkaConnection
from schemas.codec import Position
from schemas.errors import RecordError
from schemas.records import Delivery
from schemas.topics import EVENT
from sinks import Document, routes
from sinks.elastic.sink import ElasticSink
from sinks.eraser import Eraser
from sinks.groups import group_of
from sinks.kafka import make_reader
from sinks.retry import Bury
from sinks.retry import Delivery as Deliverer
from sinks.settings import SinkSettings
from sinks.webhook import SubscriberSettings
from sinks.webhook.client import WebhookSink
from sinks.webhook.delivery_log import Book
from sinks.webhook.dispatcher import Courier
from sinks.webhook.erasure_lookahead import Ahead
from sinks.webhook.request import is_notice

_log = structlog.get_logger(__name__)


class Target(Protocol):
    """A service that takes documents again."""

    async def settled(self, documents: Sequence[Document]) -> Mapping[Position, str]:
        """Return those that must not go there any more, and why."""
        ...

    async def deliver(self, producer: AIOKafkaProducer, documents: Sequence[Document], bury: Bury) -> None:
        """Return when each is there, or refused again and given to `bury`."""
        ...


class Archive:
    """The archive, written as its own sinks write it, with their retries and verdicts.

    Letters of the event log are the eraser's: an erasure that could not be carried out.
    """

    def __init__(
        self, client: AsyncElasticsearch, blobs: ObjectStore, settings: SinkSettings, shards: Mapping[str, int]
    ) -> None:
        self._elastic = ElasticSink(client, routes(shards=shards).values())
        self._eraser = Eraser(client, blobs)
        self._settings = settings

    async def settled(self, documents: Sequence[Document]) -> Mapping[Position, str]:
        """Return none: the archive compares versions itself."""
        return {}

    async def deliver(self, producer: AIOKafkaProducer, documents: Sequence[Document], bury: Bury) -> None:
        """Write them; a newer version stays."""
        await self._elastic.open()
        erasures = [document for document in documents if document.position.topic == EVENT]
        others = [document for document in documents if document.position.topic != EVENT]
        await Deliverer(self._elastic, self._settings, bury, asyncio.sleep).deliver(others)
        await Deliverer(self._eraser, self._settings, bury, asyncio.sleep).deliver(erasures)


class Subscriber:
    """One subscriber's endpoint, asked by its own courier: signed, in order, tried again while it is away."""

    def __init__(self, name: str, settings: SubscriberSettings, connection: KafkaConnection) -> None:
        self._name = name
        self._settings = settings
        self._sink = WebhookSink(name, settings)
        self._connection = connection
        self._newest: dict[tuple[str, int], _Newest] = {}
        self._waits = False

    async def settled(self, documents: Sequence[Document]) -> Mapping[Position, str]:
        """Return snapshots that a newer one replaces: an old one could bring back erased words.

        Nor is one sent of a ticket that the subscriber may no longer read, as it became a report since.
        """
        found = {}
        for place in sorted({(one.position.topic, one.position.partition) for one in documents}):
            there = [one for one in documents if one.position[:2] == place]
            newest = self._newest.setdefault(place, _Newest(self._connection, place, self._sink))
            await asyncio.to_thread(newest.read, min(one.position.offset for one in there))
            for one in there:
                if newest.offsets.get(one.key, -1) > one.position.offset:
                    found[one.position] = "a newer snapshot of its ticket replaces it"
                elif newest.ahead.is_void(one):
                    found[one.position] = "words of its ticket were erased since then"
                elif one.key in newest.hidden and not is_notice(one):
                    found[one.position] = "its ticket is one now that the subscriber may not read"
                elif not _holds(self._tells, one):
                    found[one.position] = "the subscriber's filter excludes it"
        return found

    def _tells(self, document: Document) -> bool:
        return self._sink.outgoing(document) is not None

    async def deliver(self, producer: AIOKafkaProducer, documents: Sequence[Document], bury: Bury) -> None:
        """Post them, except those of a ticket that is erased or hidden while the endpoint makes them wait.

        Raises FatalError if an operator must mend the subscriber.
        """
        book = Book(producer)

        async def write(line: Delivery) -> None:
            self._say_that_it_waits(line)
            await book.write(line)

        reader = partial(make_reader, self._connection, client_id=f"{group_of(self._sink.name)}-replay")
        ahead = Ahead(self._sink.may_read, reader)
        reading = asyncio.create_task(ahead.run(), name="ahead")
        try:
            await Courier(self._sink, self._name, self._settings, bury, write, ahead=ahead).deliver(documents)
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            await self._sink.close()

    def _say_that_it_waits(self, line: Delivery) -> None:
        """Print once that a delivery is retried: a person is waiting, and it may take hours."""
        if line.outcome != "retrying" or self._waits:
            return
        self._waits = True
        minutes = self._settings.retry_seconds / 60
        sentence = f"each is retried for up to {minutes:.0f} minutes; Ctrl-C leaves the dead letters unchanged"
        _log.warning("delivery_waits", subscriber=self._name, answer=line.answer, sentence=sentence)


class _Newest:
    """The offset of the newest snapshot of each ticket that a subscriber wants, in one partition.

    Of those that are `hidden` the newest snapshot of all is of a level that the subscriber may not read.
    """

    def __init__(self, connection: KafkaConnection, place: tuple[str, int], sink: WebhookSink) -> None:
        self.offsets: dict[bytes, int] = {}
        self.hidden: set[bytes] = set()
        self.ahead = Ahead()
        self._connection = connection
        self._topic, self._partition = place
        self._sink = sink
        self._begin: int | None = None
        self._next = 0

    def read(self, begin: int) -> None:
        """Read the unknown records from `begin` to the present end."""
        if self._begin is None or begin < self._begin:
            self._begin = self._next = begin
            self.offsets.clear()
            self.hidden.clear()
        for record in kafka_reader.read_partition(self._connection, self._topic, self._partition, self._next):
            self._next = record.offset + 1
            position = Position(self._topic, self._partition, record.offset)
            document = Document(position, record.key or b"", record.value or b"", record.headers)
            if document.value:
                self._note(document)

    def _note(self, document: Document) -> None:
        self.ahead.note([document])
        self.hidden.discard(document.key)
        if not _holds(self._sink.may_read, document):
            self.hidden.add(document.key)
        elif _holds(self._sink.wants, document):
            self.offsets[document.key] = document.position.offset


def _holds(asked: Callable[[Document], bool], document: Document) -> bool:
    try:
        return asked(document)
    except RecordError:  # the courier makes a dead letter of it again, with this reason
        return True
