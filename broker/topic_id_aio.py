"""Topic ids for aiokafka: detect a topic that was deleted and made anew under the same name.

Kafka's clients address topics by name: in a new topic they continue at the old topic's position and skip what stands
before it. Here each commit carries the topic's id and is ignored in another topic; a reader whose topic is made anew
ends, and reads the new one from its beginning after its restart.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.structs import OffsetAndMetadata

from broker.leader_epoch_aio import Epochs, Gap, Lost
from broker.topic_metadata import Topic, described, epochs_of
from schemas.errors import MadeAnewError

ASK_SECONDS = 10.0
"""Interval in seconds at which the ids are compared."""

_log = structlog.get_logger(__name__)


async def _nobody(gap: Gap) -> None:
    """Ignore a gap, apart from the log."""


class TopicIds:
    """Ids of the topics of a started group consumer, as they were at its start.

    `lost` is called with lost records, as in `Epochs`.
    """

    def __init__(self, consumer: AIOKafkaConsumer, lost: Lost = _nobody) -> None:
        self._client: Any = consumer._client
        self._epochs = Epochs(consumer, lost)
        self._known: dict[str, str] = {}
        coordinator: Any = consumer._coordinator
        self._committed, coordinator._do_fetch_commit_offsets = coordinator._do_fetch_commit_offsets, self._of_these
        self._commit, coordinator._do_commit_offsets = coordinator._do_commit_offsets, self._marked

    async def watch(self) -> NoReturn:
        """Raise MadeAnewError when a topic has been made anew."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            with suppress(KafkaError):  # asked again at the next interval
                facts = await described(self._client, self._known)
                self._compare(facts)
                self._epochs.learn(epochs_of(facts))

    async def watched(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work; raises MadeAnewError if a topic is made anew meanwhile."""
        tasks: list[asyncio.Task[None]] = [asyncio.create_task(work), asyncio.create_task(self.watch())]
        try:
            for task in (await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _compare(self, now: Mapping[str, Topic]) -> None:
        for name, topic in now.items():
            if topic.identifier is not None and self._known[name] != topic.identifier:
                raise MadeAnewError(name)

    async def _of_these(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return the group's offsets without those that were committed in another topic of the same name."""
        names = {place.topic for place in partitions}
        facts = await described(self._client, names)  # the library repeats the question after an error
        unknown = {name: topic.identifier for name, topic in facts.items() if name not in self._known}
        self._known |= {name: identifier for name, identifier in unknown.items() if identifier is not None}
        if None in unknown.values():  # and the topic of a position would be unknown as well
            raise UnknownTopicOrPartitionError
        committed: dict[TopicPartition, OffsetAndMetadata] = await self._committed(partitions)
        others = {place for place, at in committed.items() if self._is_of_another(place.topic, at.metadata)}
        for place in others:
            _log.warning("position_of_another_topic", topic=place.topic, partition=place.partition)
        self._epochs.begin(committed.keys() - others, epochs_of(facts))
        return {place: at for place, at in committed.items() if place not in others}

    def _is_of_another(self, topic: str, mark: str) -> bool:
        return bool(mark) and mark != self._known.get(topic, mark)

    async def _marked(self, assignment: Any, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        marked = {
            place: OffsetAndMetadata(at.offset, self._known.get(place.topic, "")) for place, at in offsets.items()
        }
        await self._commit(assignment, marked)
