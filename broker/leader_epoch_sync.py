"""Leader epochs for kafka-python 3.0.12; `broker/leader_epoch_aio.py` does the same for aiokafka.

The library itself handles a truncated log if it knows the epoch of its position. It forgets the epoch if it comes
from the group's commit or if a fetch is empty, and never learns a missing one. It does not report that it moved back,
or forward to the oldest record.
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
    """Leader epochs of a group consumer that has not joined yet: each position gets an epoch.

    `labelled` is passed to the next consumer after a fault: the epochs that were assumed for commits without one. The
    epoch that is current by then may belong to other records.
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
        """Start at the group's commit with its epoch, which the library drops."""
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
        """Assume the current epoch for a position without one, before the first read."""
        for place in self._subscription.assigned_partitions():
            state = self._subscription.assignment.get(place)
            at = state.position if state is not None else None
            current = self._cluster.leader_epoch_for_partition(place)
            if at is not None and at.leader_epoch == UNKNOWN and current is not None:
                state.position = self._labels[place] = at._replace(leader_epoch=current)
        self._validate()

    def _parsed(self, fetched: Any) -> Any:
        """Give a fetch the epoch of the position until one of its batches has another."""
        found = self._parse(fetched)
        if found is not None:
            found.leader_epoch = self._subscription.position(found.topic_partition).leader_epoch
        return found

    def _leaves(self, place: TopicPartition, strategy: Any = None) -> None:
        """Remember the position of a partition whose position is reset to the oldest record."""
        if at := self._position(place):
            self._left[place] = at
        self._reset(place, strategy)

    def _goes_on(self, place: TopicPartition, at: Any) -> None:
        """Report that the position moved; only the library itself seeks."""
        stood, offset = self._position(place) or self._left.pop(place, 0), getattr(at, "offset", at)
        self._seek(place, at)
        if stood and offset != stood:  # a reader at 0 may have just started
            end, begin = ("old", stood) if offset > stood else ("new", offset)
            lost = abs(offset - stood)
            metrics.CONNECTOR_RECORDS_GONE.labels(place.topic, end).inc(lost)
            told = place._asdict()
            _log.error("records_gone", **told, begin=begin, end=begin + lost, goes_on=offset)

    def _position(self, place: TopicPartition) -> int:
        state = self._subscription.assignment.get(place)
        return int(state.position.offset) if state is not None and state.position is not None else 0
