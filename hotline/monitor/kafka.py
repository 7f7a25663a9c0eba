"""The questions that a watcher asks Kafka: offsets, groups, and records from somewhere to the present end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from kafka import TopicPartition
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    KafkaError,
    NotCoordinatorError,
)
from kafka.structs import OffsetAndMetadata
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from broker.config import KafkaConnection
from broker.sync_client import PATIENCE_MS, position, reader, up_to
from hotline.admin.cluster import Cluster, admin
from hotline.admin.transactions import Found, Hanging, Hangings

FETCH_BYTES = 256 * 1024

_patiently = retry(  # a cluster makes the topic of all groups when the first one is asked for; others move it
    retry=retry_if_exception_type((CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError)),
    wait=wait_fixed(0.2),
    stop=stop_after_delay(PATIENCE_MS / 1000),
    reraise=True,
)

Places = dict[TopicPartition, int]
"""An offset in each partition."""

Known = Mapping[TopicPartition, OffsetAndMetadata]
"""The same, with the epoch of the leader."""


class Kafka:
    """One look at a cluster; reads committed records alone, joins no group, commits nothing."""

    def __init__(self, consumer: Any, admin: Any) -> None:
        self._consumer = consumer
        self._admin = admin

    def places(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Return the partitions of these topics, of those that exist."""
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(self._consumer.partitions_for_topic(topic) or ())
        ]

    def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """Return the ids of those that exist: one that is made anew has another."""
        found = {topic: self._consumer._cluster.topic_id(topic) for topic in topics if self.places([topic])}
        return {topic: one.hex for topic, one in found.items() if one is not None and one.int}

    def starts(self, places: Iterable[TopicPartition]) -> Places:
        """Return the first offsets that are still there."""
        return _plain(self._consumer.beginning_offsets(list(places)))

    def ends(self, places: Iterable[TopicPartition]) -> Places:
        """Return the offsets behind the last committed records."""
        return _plain(self._consumer.end_offsets(list(places)))

    def known(self, topics: Iterable[str]) -> Known:
        """Return the ends of all partitions of these topics, each in an epoch of its leader in which it was there."""
        epochs = {place: self._consumer._cluster.leader_epoch_for_partition(place) for place in self.places(topics)}
        return {place: OffsetAndMetadata(end, "", epochs[place]) for place, end in self.ends(epochs).items()}

    def holds(self, known: Known) -> bool:
        """Return whether the logs still are the same up to these offsets; other records may have replaced theirs
        (KIP-320).
        """
        self._consumer.assign(list(known))
        for place, at in known.items():
            self._consumer._subscription.seek(place, at)  # `seek` itself takes no epoch
        return all(position(self._consumer, place) >= at.offset for place, at in known.items())

    def since(self, places: Iterable[TopicPartition], moment: datetime) -> Places:
        """Return the offsets of the first records that Kafka took at `moment` or later, the ends if there is none."""
        asked = dict.fromkeys(places, int(moment.timestamp() * 1000))
        found = self._consumer.offsets_for_times(asked) if asked else {}
        ends = self.ends(asked)
        return {place: found[place].offset if found.get(place) else ends[place] for place in asked}

    def read(self, positions: Places, ends: Mapping[TopicPartition, int]) -> Iterator[Any]:
        """Yield the records from `positions` to `ends`, and move `positions` along with them."""
        waiting = self._assigned(positions, ends)
        for found in up_to(self._consumer, waiting):
            for records in found.values():
                yield from records
            positions.update((place, position(self._consumer, place)) for place in waiting)

    def first(self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> dict[Any, Any]:
        """Return the first record at or behind each position; partitions that hold nothing more are left out."""
        waiting = self._assigned(positions, ends)
        found: dict[TopicPartition, Any] = {}
        for polled in up_to(self._consumer, waiting):
            for place, records in polled.items():
                found.setdefault(TopicPartition(place.topic, place.partition), records[0])
                waiting.pop(place, None)
        return found

    def seconds_ahead(self, now: Callable[[], float]) -> float | None:
        """Return how far the clock `now` (Unix seconds) is ahead of Kafka's; None if Kafka does not say."""
        with suppress(KafkaError):  # a look sees all the rest
            return Cluster(self._admin).seconds_ahead(now)
        return None

    def hanging(self, hangings: Hangings, topics: Iterable[str], now: datetime) -> tuple[list[Hanging], Found]:
        """Find hanging transactions; return them, and the topics that could be examined."""
        return hangings.look(self._admin, self.places(topics), now)

    @_patiently
    def workers(self, groups: Iterable[str]) -> dict[str, int]:
        """Return how many members each consumer group has."""
        described = self._admin.describe_groups(list(groups))
        return {name: len(group.get("members", ())) for name, group in described.items()}

    def committed(self, groups: Iterable[str]) -> dict[str, Places]:
        """Return the committed offsets of each consumer group."""
        return {group: self._committed(group) for group in groups}

    @_patiently
    def _committed(self, group: str) -> Places:
        with suppress(GroupIdNotFoundError):  # this group has never worked
            found = self._admin.list_group_offsets({group: None})[group]
            return {TopicPartition(place.topic, place.partition): one.offset for place, one in found.items()}
        return {}

    def _assigned(self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> Places:
        """Stand at these positions, and return the ends that are not reached yet."""
        behind = {place: at for place, at in positions.items() if at < ends.get(place, 0)}
        self._consumer.assign(list(behind))
        for place, at in behind.items():
            self._consumer.seek(place, at)
        return {place: ends[place] for place in behind}


@contextmanager
def opened(connection: KafkaConnection) -> Iterator[Kafka]:
    """Connect for one look. Raises only errors of the pipeline."""
    with (
        reader(connection, auto_offset_reset="earliest", max_partition_fetch_bytes=FETCH_BYTES) as consumer,
        admin(connection) as asking,
    ):
        yield Kafka(consumer, asking)


def _plain(offsets: Mapping[Any, int]) -> Places:
    return {TopicPartition(place.topic, place.partition): at for place, at in offsets.items()}
