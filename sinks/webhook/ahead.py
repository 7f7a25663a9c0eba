"""What lost its words behind what waits for a subscriber: of before that nothing is sent any more.

A subscriber that is away has more waiting than is in hand, and an erasure lies at the end of it. So a second reader
goes ahead to the topic's end before the first delivery of a partition, and stays there.
"""

import asyncio
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.clients import running
from schemas.errors import RecordError, RetriableError
from schemas.wire import Position
from sinks.base import Document, document_of
from sinks.kafka import allowed
from sinks.webhook.request import version_of, void_below

_READ = 500
_WAIT_MS = 200
_PAUSE_SECONDS = 1.0


class Ahead:
    """Reads on from the first record that it is asked about of each partition; without a reader it only listens."""

    def __init__(self, reader: Callable[[], AIOKafkaConsumer] | None = None) -> None:
        self._reader = reader
        self._void_below: dict[bytes, int] = {}
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._asked = asyncio.Event()
        self._moved = asyncio.Condition()
        self._fault: BaseException | None = None

    def note(self, documents: Iterable[Document]) -> None:
        """Remember of which tickets these take words away."""
        for document in documents:
            try:
                version = void_below(document)
            except RecordError:  # whoever delivers it makes a dead letter of it
                continue
            if version > self._void_below.get(document.key, 0):
                self._void_below[document.key] = version

    def is_void(self, document: Document) -> bool:
        """Say whether its ticket lost words in a version behind it. Raises SchemaError when it has no version."""
        below = self._void_below.get(document.key)
        return below is not None and version_of(document) < below

    async def known(self, position: Position) -> None:
        """Return when the partition is read to the end that it had as it was first asked about.

        Raises what ended `run`.
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
        """Read until it is cancelled; what ends it otherwise comes out of `known`."""
        await self._asked.wait()
        while self._reader is not None:
            try:
                with allowed():
                    async with running(self._reader()) as consumer:
                        await self._read(consumer)
            except (KafkaError, RetriableError):  # the runner beside it tells of the same broker
                await asyncio.sleep(_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - raised where the deliveries are
                self._fault = error
                await self._tell()
                return

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
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
            await self._tell()

    async def _tell(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    def _is_read(self, place: TopicPartition) -> bool:
        return place in self._ends and self._next[place] >= self._ends[place]
