"""Tracks finished records of a partition: the committed offset never passes a record with an open job."""

from collections.abc import Iterable


class Window:
    """Window of one partition; offsets are added in order and finished in any order."""

    def __init__(self) -> None:
        self._open: dict[int, set[str]] = {}
        self._next: int | None = None

    def take(self, offset: int, errands: Iterable[str]) -> None:
        """Add a record and the names of its jobs; if Kafka goes back, later offsets may hold other records."""
        if self._next is not None and offset < self._next:
            self._open = {before: left for before, left in self._open.items() if before < offset}
        self._next = offset + 1
        if names := set(errands):
            self._open[offset] = names

    def finish(self, offset: int, errand: str) -> None:
        """Mark a job of a record as done, unless the offset holds another record by now."""
        left = self._open.get(offset, set())
        left.discard(errand)
        if not left:
            self._open.pop(offset, None)

    @property
    def position(self) -> int | None:
        """Return the offset at which a reader would resume, or None before anything was read."""
        return next(iter(self._open), self._next)  # added in order, so the first is the oldest
