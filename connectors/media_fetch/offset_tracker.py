"""Which records of a partition are done: the committed offset never passes one whose errand is still open."""

from collections.abc import Iterable


class Window:
    """Of one partition; offsets are taken in their order and finished in any."""

    def __init__(self) -> None:
        self._open: dict[int, set[str]] = {}
        self._next: int | None = None

    def take(self, offset: int, errands: Iterable[str]) -> None:
        """Note a record and the names of its errands; where Kafka goes back, what follows comes again, or others."""
        if self._next is not None and offset < self._next:
            self._open = {before: left for before, left in self._open.items() if before < offset}
        self._next = offset + 1
        if names := set(errands):
            self._open[offset] = names

    def finish(self, offset: int, errand: str) -> None:
        """Note that an errand is done for a record, unless there is another record by now."""
        left = self._open.get(offset, set())
        left.discard(errand)
        if not left:
            self._open.pop(offset, None)

    @property
    def position(self) -> int | None:
        """Return where a reader would begin again; None before anything was read."""
        return next(iter(self._open), self._next)  # taken in order, so the first is the oldest
