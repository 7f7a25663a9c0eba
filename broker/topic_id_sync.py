"""Topic ids for a member of a group with kafka-python: what `broker/topic_id_aio.py` is for one with aiokafka.

The library learns them with the rest of what it knows of a topic, and commits and reads on by name all the same.
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
    """Of some topics, as they were when the first of the consumers that `follow` began with them."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._known: dict[str, str] = {}

    def follow(self, consumer: Any) -> None:
        """Let a consumer that has not joined pass over what the group committed in another topic of a name."""
        coordinator = consumer._coordinator
        committed = coordinator.fetch_committed_offsets_async

        async def of_these(partitions: Collection[TopicPartition], timeout_ms: float | None = None) -> Any:
            found = await committed(partitions, timeout_ms=timeout_ms)
            return self._of_these(consumer, found)

        coordinator.fetch_committed_offsets_async = of_these

    def look(self, consumer: Any) -> None:
        """Raise MadeAnewError when a topic is another one than it was, as far as the consumer knows by now."""
        for topic, identifier in self._told(consumer).items():
            if identifier != self._known.setdefault(topic, identifier):
                raise MadeAnewError(topic)

    def place(self, partition: TopicPartition, offset: int, epoch: int) -> OffsetAndMetadata:
        """Return what is committed of an offset that was read in a leader's epoch."""
        return OffsetAndMetadata(offset, self._known.get(partition.topic, ""), epoch)

    def _of_these(
        self, consumer: Any, found: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        known = self._told(consumer) | self._known
        if any(at.metadata and place.topic not in known for place, at in found.items()):
            raise UnknownTopicOrPartitionError  # nobody can tell which topic these positions are of: it is asked again
        others = {place for place, at in found.items() if at.metadata and at.metadata != known[place.topic]}
        for place in others:
            _log.warning("position_of_another_topic", topic=place.topic, partition=place.partition)
        return {place: at for place, at in found.items() if place not in others}

    def _told(self, consumer: Any) -> dict[str, str]:
        """Return the ids that the consumer knows; the one of a topic that is missing just now is 0."""
        ids = {topic: consumer._cluster.topic_id(topic) for topic in self._topics}
        return {topic: found.hex for topic, found in ids.items() if found is not None and found.int}
