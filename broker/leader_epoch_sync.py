"""The epochs of leaders for kafka-python 3.0.12: what `broker/leader_epoch_aio.py` is for aiokafka.

The library itself goes back to where a log ends that lost its end, as far as it knows the epoch of its position. It
forgets that one where the group's commit tells it, and where a fetch brings nothing; and of a position that nobody told
the epoch of it learns none. Where it goes back, or on to the oldest record that is there, it says so to nobody.
"""

from typing import Any

import structlog
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from broker import metrics

UNKNOWN = -1

_log = structlog.get_logger(__name__)


class Epochs:
    """Of a consumer of a group that has not joined: no position of its is without an epoch.

    `labelled` is kept for the consumer that follows after a fault: which epoch was taken where the group's commit told
    none. The one that is current by then may be that of other records.
    """

    def __init__(self, consumer: Any, labelled: dict[TopicPartition, OffsetAndMetadata] | None = None) -> None:
        self._labels = {} if labelled is None else labelled
        self._cluster = consumer._cluster
        self._coordinator = consumer._coordinator
        self._subscription = consumer._subscription
        self._left: dict[TopicPartition, int] = {}
        self._seek, self._subscription.seek = self._subscription.seek, self._goes_on
        self._reset, self._subscription.request_offset_reset = self._subscription.request_offset_reset, self._leaves
        fetcher = consumer._fetcher
        self._validate, fetcher.maybe_validate_positions = fetcher.maybe_validate_positions, self._labelled
        self._parse, fetcher._parse_fetched_data = fetcher._parse_fetched_data, self._parsed
        self._coordinator.refresh_committed_offsets_if_needed_async = self._begun

    async def _begun(self, timeout_ms: float | None = None) -> bool:
        """Begin where the group is, in the epoch of its commit; the library leaves that out."""
        missing = set(self._subscription.missing_fetch_positions())
        try:
            found = await self._coordinator.fetch_committed_offsets_async(missing, timeout_ms=timeout_ms)
        except KafkaTimeoutError:
            return False
        for place, at in found.items():
            label = self._labels.get(place)
            if at.leader_epoch == UNKNOWN and label is not None and label.offset == at.offset:
                at = label
            self._subscription.seek(place, OffsetAndMetadata(at.offset, "", at.leader_epoch))
        return True

    def _labelled(self) -> None:
        """Take the current epoch for a position of which none is told, before anything is read there."""
        for place in self._subscription.assigned_partitions():
            state = self._subscription.assignment.get(place)
            at = state.position if state is not None else None
            current = self._cluster.leader_epoch_for_partition(place)
            if at is not None and at.leader_epoch == UNKNOWN and current is not None:
                state.position = self._labels[place] = at._replace(leader_epoch=current)
        self._validate()

    def _parsed(self, fetched: Any) -> Any:
        """Let what a fetch brought be of the position's epoch until a batch of it tells another."""
        found = self._parse(fetched)
        if found is not None:
            found.leader_epoch = self._subscription.position(found.topic_partition).leader_epoch
        return found

    def _leaves(self, place: TopicPartition, strategy: Any = None) -> None:
        """Keep where a partition is left whose oldest record is looked for: nothing stands there."""
        if at := self._position(place):
            self._left[place] = at
        self._reset(place, strategy)

    def _goes_on(self, place: TopicPartition, at: Any) -> None:
        """Tell when it goes on elsewhere than it stood: nobody else but the library seeks."""
        stood, offset = self._position(place) or self._left.pop(place, 0), getattr(at, "offset", at)
        self._seek(place, at)
        if stood and offset != stood:  # who stands at 0 may have begun just now
            end, begin = ("old", stood) if offset > stood else ("new", offset)
            lost = abs(offset - stood)
            metrics.CONNECTOR_RECORDS_GONE.labels(place.topic, end).inc(lost)
            told = place._asdict()
            _log.error("records_gone", **told, begin=begin, end=begin + lost, goes_on=offset)

    def _position(self, place: TopicPartition) -> int:
        state = self._subscription.assignment.get(place)
        return int(state.position.offset) if state is not None and state.position is not None else 0
