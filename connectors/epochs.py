"""The epochs of leaders for kafka-python 3.0.12: what `schemas/epochs.py` is for aiokafka.

The library itself goes back to where a log ends that lost its end, as far as it knows the epoch of its position. It
forgets that one where the group's commit tells it, and where a fetch brings nothing; and of a position that nobody told
the epoch of it learns none.
"""

from typing import Any

from kafka.errors import KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

UNKNOWN = -1


class Epochs:
    """Of a consumer of a group that has not joined: no position of its is without an epoch."""

    def __init__(self, consumer: Any) -> None:
        self._cluster = consumer._cluster
        self._coordinator = consumer._coordinator
        self._subscription = consumer._subscription
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
            self._subscription.seek(place, OffsetAndMetadata(at.offset, "", at.leader_epoch))
        return True

    def _labelled(self) -> None:
        """Take the current epoch for a position of which none is told, before anything is read there."""
        for place in self._subscription.assigned_partitions():
            state = self._subscription.assignment.get(place)
            at = state.position if state is not None else None
            current = self._cluster.leader_epoch_for_partition(place)
            if at is not None and at.leader_epoch == UNKNOWN and current is not None:
                state.position = at._replace(leader_epoch=current)
        self._validate()

    def _parsed(self, fetched: Any) -> Any:
        """Let what a fetch brought be of the position's epoch until a batch of it tells another."""
        found = self._parse(fetched)
        if found is not None:
            found.leader_epoch = self._subscription.position(found.topic_partition).leader_epoch
        return found
