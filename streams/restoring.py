"""Which partitions are being taken over, and since when: an alarm rings when one takes too long."""

import time

from streams import metrics


class Restoring:
    """A gauge for each takeover that goes on; one that is tried again began with its first try."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}

    @property
    def partitions(self) -> set[int]:
        """Return those that are not taken over yet."""
        return set(self._since)

    def begin(self, partition: int) -> None:
        """Note a try."""
        metrics.RESTORING_SINCE.labels(str(partition)).set(self._since.setdefault(partition, time.time()))

    def end(self, partition: int) -> None:
        """Note that it is done, or somebody else's. Safe twice."""
        if self._since.pop(partition, None) is not None:
            metrics.RESTORING_SINCE.remove(str(partition))
