"""Topic ids for a group member with kafka-python; `broker/topic_id_aio.py` does the same for aiokafka.

The library receives the ids with the metadata, and still commits and reads by name.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from kafka import TopicPartition
from kafka.errors import UnknownTopicOrPartitionError
from kafka.structs import OffsetAndMetadata

from schemas.errors import MadeAnewError

_log = structlog.get_logger(__name__)


class TopicIds:
    """Ids of topics as they were when the first of the consumers given to `follow` started."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._known: dict[str, str] = {}

    def follow(self, consumer: Any) -> None:
        """Let a consumer that has not joined ignore offsets committed in another topic of the same name."""
        coordinator = consumer._coordinator
        committed = coordinator.fetch_committed_offsets_async

        async def of_these(partitions: Collection[TopicPartition], timeout_ms: float | None = None) -> Any:
            found = await committed(partitions, timeout_ms=timeout_ms)
            return self._of_these(consumer, found)

        coordinator.fetch_committed_offsets_async = of_these

    def look(self, consumer: Any) -> None:
        """Raise MadeAnewError if a topic has another id than before, as far as the consumer's metadata tell."""
        for topic, identifier in self._told(consumer).items():
            if identifier != self._known.setdefault(topic, identifier):
                raise MadeAnewError(topic)

    def place(self, partition: TopicPartition, offset: int, epoch: int) -> OffsetAndMetadata:
        """Return the commit metadata of an offset and its leader epoch."""
        return OffsetAndMetadata(offset, self._known.get(partition.topic, ""), epoch)

    def _of_these(
        self, consumer: Any, found: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        known = self._told(consumer) | self._known
        if any(at.metadata and place.topic not in known for place, at in found.items()):
            raise UnknownTopicOrPartitionError  # the topic of these positions is unknown: it is asked again
        others = {place for place, at in found.items() if at.metadata and at.metadata != known[place.topic]}
        for place in others:
            _log.warning("position_of_another_topic", topic=place.topic, partition=place.partition)
        return {place: at for place, at in found.items() if place not in others}

    def _told(self, consumer: Any) -> dict[str, str]:
        """Return the ids that the consumer knows; a topic that is missing at the moment has 0."""
        ids = {topic: consumer._cluster.topic_id(topic) for topic in self._topics}
        return {topic: found.hex for topic, found in ids.items() if found is not None and found.int}
