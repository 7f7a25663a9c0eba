"""Topic ids: a topic that was made anew has the old one's name, and an id of its own, which aiokafka never asks for.

Kafka's clients know topics by name: in one that was made anew they go on at the old one's position, and nobody reads
what stands before it. So a position is committed with the id of the topic that it is of, and counts for nothing in
another; and who reads a topic that is made anew under it ends, to be started again and read it from its beginning.
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
"""How often it is asked whether a topic is still the one it was."""

_log = structlog.get_logger(__name__)


async def _nobody(gap: Gap) -> None:
    """Tell nobody of what is gone but the log."""


class TopicIds:
    """Of the topics that a consumer of a group reads, as they were when it began with each; it has started.

    `lost` is told of records that are gone, as `Epochs` says.
    """

    def __init__(self, consumer: AIOKafkaConsumer, lost: Lost = _nobody) -> None:
        self._client: Any = consumer._client
        self._epochs = Epochs(consumer, lost)
        self._known: dict[str, str] = {}
        coordinator: Any = consumer._coordinator
        self._committed, coordinator._do_fetch_commit_offsets = coordinator._do_fetch_commit_offsets, self._of_these
        self._commit, coordinator._do_commit_offsets = coordinator._do_commit_offsets, self._marked

    async def watch(self) -> NoReturn:
        """Raise MadeAnewError when a topic has been."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            with suppress(KafkaError):  # it is asked again
                facts = await described(self._client, self._known)
                self._compare(facts)
                self._epochs.learn(epochs_of(facts))

    async def watched(self, work: Coroutine[Any, Any, None]) -> None:
        """Work; raises MadeAnewError when a topic is made anew meanwhile."""
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
        """Return where the group stands; what it committed in another topic of the name is left out."""
        names = {place.topic for place in partitions}
        facts = await described(self._client, names)  # what keeps Kafka from telling makes the library ask again
        unknown = {name: topic.identifier for name, topic in facts.items() if name not in self._known}
        self._known |= {name: identifier for name, identifier in unknown.items() if identifier is not None}
        if None in unknown.values():  # nor could it be told which topic a position is of
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
