"""Which documents there are, and in which version: sixteen bytes a document, so that two archives can be compared."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_KEYS, _VERSIONS = np.uint64, np.int64
_BUFFER = 200_000


class Versions:
    """The highest version of each document. Ids are digests: two of ten million share one once in 400,000 archives."""

    def __init__(self) -> None:
        self._keys: NDArray[np.uint64] = np.empty(0, _KEYS)
        self._highest: NDArray[np.int64] = np.empty(0, _VERSIONS)
        self._new_keys: list[int] = []
        self._new_versions: list[int] = []

    def add(self, identifier: bytes, version: int) -> None:
        """Note a version of a document."""
        self._new_keys.append(_digest(identifier))
        self._new_versions.append(version)
        if len(self._new_keys) >= _BUFFER:
            self._merge()

    def __len__(self) -> int:
        self._merge()
        return len(self._keys)

    def of(self, identifiers: Iterable[bytes]) -> list[int]:
        """Return the highest version of each document, -1 for one that is not there."""
        self._merge()
        asked = np.array([_digest(identifier) for identifier in identifiers], _KEYS)
        if not len(self._keys):
            return [-1] * len(asked)
        at = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        found: list[int] = np.where(self._keys[at] == asked, self._highest[at], -1).tolist()
        return found

    def differing(self, other: "Versions") -> int:
        """Return how many documents are in one only, or in another version."""
        self._merge()
        other._merge()
        common, mine, theirs = np.intersect1d(self._keys, other._keys, assume_unique=True, return_indices=True)
        unequal = int(np.count_nonzero(self._highest[mine] != other._highest[theirs]))
        return len(self._keys) + len(other._keys) - 2 * len(common) + unequal

    def _merge(self) -> None:
        if not self._new_keys:
            return
        keys = np.concatenate([self._keys, np.array(self._new_keys, _KEYS)])
        versions = np.concatenate([self._highest, np.array(self._new_versions, _VERSIONS)])
        order = np.lexsort((versions, keys))
        keys, versions = keys[order], versions[order]
        last: NDArray[np.bool_] = np.append(keys[1:] != keys[:-1], True)
        self._keys, self._highest = keys[last], versions[last]
        self._new_keys, self._new_versions = [], []


def ahead(found: Sequence[tuple[bytes, int]], of: Versions) -> list[tuple[bytes, int]]:
    """Return those of `found` whose version is above the one that `of` has."""
    known = of.of(identifier for identifier, _ in found)
    return [one for one, has in zip(found, known, strict=True) if one[1] > has]


def _digest(identifier: bytes) -> int:
    return int.from_bytes(blake2b(identifier, digest_size=8).digest(), "little")
