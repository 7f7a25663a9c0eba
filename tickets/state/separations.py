"""Separations: which messages and tickets a clerk keeps apart for ever."""

from collections.abc import Iterable, Iterator

Pair = tuple[str, str]


class Separations:
    """Pairs of a message, or a ticket, and the ticket that it is never joined to by a rule."""

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._pairs = dict.fromkeys(pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs)

    def __contains__(self, pair: object) -> bool:
        return pair in self._pairs

    def add(self, pair: Pair) -> None:
        """Keep a message from a ticket."""
        self._pairs[pair] = None

    def discard(self, pair: Pair) -> None:
        """Let a message into a ticket again: a clerk moved it there."""
        self._pairs.pop(pair, None)

    def part(self, one: str, other: str) -> None:
        """Keep two tickets apart, from both sides."""
        self._pairs.update(dict.fromkeys(((one, other), (other, one))))

    def dump(self) -> list[Pair]:
        """Return the pairs as they stand, for a checkpoint."""
        return list(self._pairs)
