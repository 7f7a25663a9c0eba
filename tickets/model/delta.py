"""Delta: what changed in a dictionary since a checkpoint took it.

    before      store --> base {..}
    frozen      store --> Delta(changed {..}, gone {..}) --> base {..}  <--- the checkpoint reads it, piece by piece
    folded      store --> base {..}, with the changes

A copy of a dictionary with a million entries would hold the event loop for 0.1 s and longer. A base that nobody changes
needs no copy; and as a store is a plain dictionary between two checkpoints, decisions cost what they did.
"""

from collections.abc import Iterator, MutableMapping
from typing import Any, TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class Delta(MutableMapping[K, V]):
    """A dictionary over a base that stays as it is until `fold`; its values are never changed in place."""

    __slots__ = ("_count", "_gone", "_set", "base")

    def __init__(self, base: dict[K, V]) -> None:
        self.base = base
        self._set: dict[K, V] = {}
        self._gone: set[K] = set()
        self._count = len(base)

    def fold(self) -> dict[K, V]:
        """Carry out the changes in the base, and return it; the delta must not be used any more."""
        for key in self._gone:
            del self.base[key]
        self.base.update(self._set)
        return self.base

    def __getitem__(self, key: K) -> V:
        if key in self._set:
            return self._set[key]
        if key in self._gone:
            raise KeyError(key)
        return self.base[key]

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self:
            self._count += 1
        self._set[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._count -= 1
        self._set.pop(key, None)
        if key in self.base:
            self._gone.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._set or (key in self.base and key not in self._gone)

    @overload
    def get(self, key: K) -> V | None: ...
    @overload
    def get(self, key: K, default: V | D) -> V | D: ...
    def get(self, key: K, default: V | D | None = None) -> V | D | None:
        """Return the value of a key, or the default."""
        if key in self._set:
            return self._set[key]
        return default if key in self._gone else self.base.get(key, default)

    def __iter__(self) -> Iterator[K]:
        yield from (key for key in self.base if key not in self._gone)
        yield from (key for key in self._set if key not in self.base or key in self._gone)

    def __reversed__(self) -> Iterator[K]:
        return reversed([*self])

    def __len__(self) -> int:
        return self._count


Growing = dict[K, V] | Delta[K, V]


def freeze(store: object, name: str) -> dict[Any, Any]:
    """Return the dictionary that lies in an attribute of a store; it stays as it is until `thaw`."""
    thaw(store, name)
    base: dict[Any, Any] = getattr(store, name)
    setattr(store, name, Delta(base))
    return base


def thaw(store: object, name: str) -> None:
    """Carry out what changed since `freeze`."""
    delta = getattr(store, name)
    if isinstance(delta, Delta):
        setattr(store, name, delta.fold())
