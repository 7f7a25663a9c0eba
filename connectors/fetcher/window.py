"""Which records of a partition are done: the committed offset never passes one whose errand is still open."""


class Window:
    """Of one partition; offsets are taken in their order and finished in any."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._next: int | None = None

    def take(self, offset: int, errands: int) -> None:
        """Note a record and how many errands it gives; where Kafka goes back, what follows comes again."""
        if self._next is not None and offset < self._next:
            self._open = {before: left for before, left in self._open.items() if before < offset}
        self._next = offset + 1
        if errands:
            self._open[offset] = errands

    def finish(self, offset: int) -> None:
        """Note that one errand of a record is done."""
        left = self._open.get(offset, 0) - 1
        if left > 0:
            self._open[offset] = left
        else:
            self._open.pop(offset, None)

    @property
    def position(self) -> int | None:
        """Return where a reader would begin again; None before anything was read."""
        return next(iter(self._open), self._next)  # taken in order, so the first is the oldest
