"""For subscribers of first versions: if compaction removed version 1, the oldest remaining snapshot stands for it."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from broker.aio_client import SILENT_SECONDS, answering, running
from broker.reader_progress import Progress
from broker.topic_id_aio import TopicIds
from schemas.codec import decode
from schemas.envelope import FIRST_WRITTEN
from schemas.errors import RecordError
from schemas.records import Ticket
from sinks.base import Document
from sinks.webhook.request import KEPT
from sinks.webhook.settings import FilterSettings

Stood = Callable[[TopicPartition], Awaitable[datetime]]
"""Returns the time up to which a subscriber knows a partition; raises RetriableError."""

NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)

_WAIT_MS = 200
_LOOK_BACK = 100
"""Offsets to look back; ten times as many if none of them is left."""


async def knows_all(_: TopicPartition) -> datetime:
    """Return that a subscriber knows all records written before it read them."""
    return _ALWAYS


class Firsts:
    """Time up to which the subscriber knows each partition, and the tickets that it was sent.

    A record that is read within an hour was preceded by all records before it. For one that is read later the first
    version may be compacted away: if its ticket was opened after that time, it stands for the first version, once.
    """

    def __init__(self, chosen: FilterSettings, stood: Stood = knows_all) -> None:
        self._is_asked = chosen.first_version_only
        self._since = chosen.since or NEVER
        self._stood = stood
        self._known: dict[TopicPartition, datetime] = {}
        self._told: set[bytes] = set()

    async def read(self, documents: Iterable[Document], now: datetime) -> list[Document]:
        """Return documents in the order of reading, with a header on each that may stand for a first version.

        Raises RetriableError while Kafka does not return the subscriber's position.
        """
        return [await self._read(document, now) if self._is_asked else document for document in documents]

    def once(self, document: Document) -> Document:
        """Return a document, without the header if its ticket was sent already."""
        if document.key not in self._told:
            return document
        return document._replace(headers=[one for one in document.headers if one != FIRST_WRITTEN])

    def told(self, document: Document) -> None:
        """Record that the document was sent."""
        if self._is_asked and FIRST_WRITTEN in document.headers:
            self._told.add(document.key)

    async def _read(self, document: Document, now: datetime) -> Document:
        place = TopicPartition(*document.position[:2])
        try:
            ticket = decode(document.value, Ticket)
        except RecordError:  # its dispatcher writes a dead letter
            return document
        if now - ticket.updated_at < KEPT:
            self._known[place] = max(ticket.updated_at, self._known.get(place, NEVER))
            return document
        if place not in self._known:
            self._known[place] = await self._stood(place)
        if ticket.ingested_at <= self._known[place] or ticket.ingested_at < self._since:
            return document
        return document if FIRST_WRITTEN in document.headers else _headed(document)


def _headed(document: Document) -> Document:
    return document._replace(headers=[*document.headers, FIRST_WRITTEN])


async def stood(make: Callable[[], AIOKafkaConsumer], place: TopicPartition) -> datetime:
    """Return when the newest remaining ticket that a group has read was changed, `NEVER` for a new group.

    The last record that it read may be compacted away by now, and so may the next: with the former the time is a
    little too early, so that a ticket may be sent twice; with the latter it would be too late, and some tickets would
    never be sent.
    """
    with answering():
        async with running(make()) as consumer:
            TopicIds(consumer)  # what was read of another topic of the name counts for nothing
            end = await consumer.committed(place) or 0
            consumer.assign([place])
            return await _newest_before(consumer, place, end)


async def _newest_before(consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> datetime:
    behind, back = end, _LOOK_BACK
    while behind > 0:
        begin = max(0, end - back)
        found = await _newest(consumer, place, begin, behind)
        if found is not None:
            return found
        behind, back = begin, back * 10
    return NEVER


async def _newest(consumer: AIOKafkaConsumer, place: TopicPartition, begin: int, end: int) -> datetime | None:
    """Return when the last ticket between two offsets was changed, or None."""
    progress = Progress("what a subscriber had read", SILENT_SECONDS)
    consumer.seek(place, begin)
    newest = None
    while (at := await consumer.position(place)) < end:
        progress.at(at)
        answer = await consumer.getmany(place, timeout_ms=_WAIT_MS)
        for record in answer.get(place, ()):
            if record.offset < end and record.value:
                with suppress(RecordError):
                    newest = decode(record.value, Ticket).updated_at
    return newest
