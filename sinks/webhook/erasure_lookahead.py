"""Erasure look-ahead: suppresses queued deliveries of tickets that are erased or restricted later in the topic.

The queue of an unreachable subscriber is longer than the batches in memory, and an erasure stands at its end. A
second reader therefore reads to the topic's end before the first delivery of a partition, and stays there.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from broker.aio_client import SILENT_SECONDS, allowed, running
from broker.reader_progress import Progress
from schemas.codec import Position
from schemas.errors import RecordError, RetriableError
from sinks.base import Document, document_of
from sinks.webhook.request import is_notice, version_of, void_below

_READ = 500
_WAIT_MS = 200
_PAUSE_SECONDS = 1.0


class Ahead:
    """Reads on from the first record of each partition that it is asked about; without a reader it only listens.

    `may_read` returns for a snapshot whether the subscriber may read tickets of its level (保密).
    """

    def __init__(
        self,
        may_read: Callable[[Document], bool] = lambda _: True,
        reader: Callable[[], AIOKafkaConsumer] | None = None,
    ) -> None:
        self._may_read = may_read
        self._reader = reader
        self._void_below: dict[bytes, int] = {}
        self._hidden: dict[bytes, int] = {}
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._asked = asyncio.Event()
        self._moved = asyncio.Condition()
        self._fault: BaseException | None = None

    @property
    def trouble(self) -> str | None:
        """Return what deliveries wait for, or None."""
        return None if all(map(self._is_read, self._next)) else "what lies ahead is read before anything is delivered"

    def note(self, documents: Iterable[Document]) -> None:
        """Record the tickets that these documents erase, redact or hide."""
        for document in documents:
            with suppress(RecordError):  # whoever delivers it makes a dead letter of it
                self._note(document)

    def _note(self, document: Document) -> None:
        key, below = document.key, void_below(document)
        if below > self._void_below.get(key, 0):
            self._void_below[key] = below
        if not self._may_read(document):
            self._hidden[key] = max(version_of(document), self._hidden.get(key, 0))
        elif key in self._hidden and version_of(document) > self._hidden[key]:
            del self._hidden[key]

    def is_void(self, document: Document) -> bool:
        """Return whether a later version removed words of its ticket or hides it; never for a notice without words.

        Raises SchemaError.
        """
        below = max(self._void_below.get(document.key, 0), self._hidden.get(document.key, 0))
        return below > 0 and version_of(document) < below and not is_notice(document)

    async def known(self, position: Position) -> None:
        """Return when the partition is read up to the end that it had at the first question.

        Raises the error that ended `run`.
        """
        if self._reader is None:
            return
        place = TopicPartition(position.topic, position.partition)
        self._next.setdefault(place, position.offset)
        self._asked.set()
        async with self._moved:
            await self._moved.wait_for(lambda: self._fault is not None or self._is_read(place))
        if self._fault is not None:
            raise self._fault

    async def run(self) -> None:
        """Read until cancelled; `known` raises any other end."""
        await self._asked.wait()
        while self._reader is not None:
            try:
                with allowed():
                    async with running(self._reader()) as consumer:
                        await self._read(consumer)
            except (KafkaError, RetriableError):  # the runner beside it reports the same broker
                await asyncio.sleep(_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - kept, and raised by `known` in the task of the deliveries
                self._fault = error
                await self._tell()
                return

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        progress = Progress("what lies ahead of a subscriber", SILENT_SECONDS)
        while True:
            if new := self._next.keys() - consumer.assignment():
                consumer.assign(list(self._next))
                for place, offset in self._next.items():
                    consumer.seek(place, offset)
                self._ends |= await consumer.end_offsets(list(new))
            answer = await consumer.getmany(timeout_ms=_WAIT_MS, max_records=_READ)
            for records in answer.values():
                self.note(document_of(record) for record in records if record.value)
            for place in consumer.assignment():
                self._next[place] = await consumer.position(place)
            if not answer:  # a topic that was made anew may end before
                self._ends |= await consumer.end_offsets(consumer.assignment())
            progress.at(object() if all(map(self._is_read, self._next)) else dict(self._next))
            await self._tell()

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    def _is_read(self, place: TopicPartition) -> bool:
        return place in self._ends and self._next[place] >= self._ends[place]
