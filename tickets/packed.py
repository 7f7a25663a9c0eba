"""What a million tickets have in common: bytes by the ids of the tickets, and values that are made of them."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TypeVar

V = TypeVar("V")


class Packed(MutableMapping[str, V]):
    """A mapping whose values lie as bytes, in the order they came; `packed` is what another one's `dump` returned.

    Whoever builds on it says how one value is packed and unpacked.
    """

    def __init__(self, packed: Mapping[str, bytes] | None = None) -> None:
        self._packed = dict(packed or {})

    def __delitem__(self, ticket_id: str) -> None:
        del self._packed[ticket_id]

    def __contains__(self, ticket_id: object) -> bool:
        return ticket_id in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def dump(self) -> dict[str, bytes]:
        """Return all of it as it lies here, for a checkpoint."""
        return dict(self._packed)
