"""An overlay over a state: what is decided on it changes nothing below, and it is thrown away.

A copy on touch: a dictionary's values are copied when they are read, what is written stays above, and nothing is ever
written through. So a record that may tear the state is decided here first; what went well is then carried out below.
"""

import copy
from array import array
from collections import defaultdict
from collections.abc import Iterator, MutableMapping, MutableSet
from types import MethodType
from typing import Any, TypeVar

from tickets.model.delta import Delta, Growing
from tickets.state.state import State

K = TypeVar("K")
V = TypeVar("V")


class OverlayDict(MutableMapping[K, V]):
    """A dictionary over another one; new keys stand behind the old ones, as in any."""

    def __init__(self, below: Growing[K, V]) -> None:
        self._below = below
        self._copied: dict[K, V] = {}
        self._new: dict[K, V] = {}
        self._gone: set[K] = set()
        self._missing = below.default_factory if isinstance(below, defaultdict) else None

    def __getitem__(self, key: K) -> V:
        if key in self._new:
            return self._new[key]
        if key in self._copied:
            return self._copied[key]
        if key in self._below and key not in self._gone:
            there = self._copied[key] = copy.deepcopy(self._below[key])
            return there
        if self._missing is None:
            raise KeyError(key)
        made: V = self._missing()
        self._new[key] = made
        return made

    def __setitem__(self, key: K, value: V) -> None:
        is_old = key in self._below and key not in self._gone
        (self._copied if is_old else self._new)[key] = value

    def __delitem__(self, key: K) -> None:
        if key in self._new:
            del self._new[key]
        elif key in self._below and key not in self._gone:
            self._gone.add(key)
            self._copied.pop(key, None)
        else:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return key in self._new or (key in self._below and key not in self._gone)

    def __iter__(self) -> Iterator[K]:
        yield from (key for key in self._below if key not in self._gone)
        yield from self._new

    def __reversed__(self) -> Iterator[K]:
        yield from reversed(self._new)
        yield from (key for key in reversed(self._below) if key not in self._gone)

    def __len__(self) -> int:
        return len(self._below) - len(self._gone) + len(self._new)

    def clear(self) -> None:
        """Take everything away above."""
        self._gone = set(self._below)
        self._copied.clear()
        self._new.clear()


class OverlaySet(MutableSet[K]):
    """A set over another one."""

    def __init__(self, below: set[K]) -> None:
        self._below = below
        self._more: set[K] = set()
        self._less: set[K] = set()

    def __contains__(self, item: object) -> bool:
        return item in self._more or (item in self._below and item not in self._less)

    def __iter__(self) -> Iterator[K]:
        yield from self._more
        yield from (item for item in self._below if item not in self._less)

    def __len__(self) -> int:
        return len(self._below) - len(self._less) + len(self._more)

    def add(self, value: K) -> None:
        """Add a value above."""
        if value in self._below:
            self._less.discard(value)
        else:
            self._more.add(value)

    def discard(self, value: K) -> None:
        """Take a value away above."""
        self._more.discard(value)
        if value in self._below:
            self._less.add(value)

    def update(self, values: Any) -> None:
        """Add values above."""
        for value in values:
            self.add(value)


def overlay(state: State) -> State:
    """Return a state that reads from `state` and never changes it, for as long as nobody else does."""
    made: State = _over(state, {})
    return made


def _over(below: Any, known: dict[int, Any]) -> Any:
    if id(below) in known:
        return known[id(below)]
    if isinstance(below, dict | Delta):
        known[id(below)] = OverlayDict(below)
        return known[id(below)]
    if isinstance(below, set):
        known[id(below)] = OverlaySet(below)
        return known[id(below)]
    if isinstance(below, list | array):
        return copy.copy(below)  # of immutable entries
    if isinstance(below, MethodType):
        return MethodType(below.__func__, _over(below.__self__, known))
    if type(below).__module__.startswith("tickets.") and hasattr(below, "__dict__"):
        made = known[id(below)] = copy.copy(below)
        for name, value in vars(below).items():
            setattr(made, name, _over(value, known))
        return made
    return below  # a value that nobody changes: numbers, policies, arrays of numpy
