"""Seen: every input id ever decided, and whatever else must be known for ever in 16 bytes each."""

import hashlib

import numpy as np
import numpy.typing as npt

_MERGE_AT_LEAST = 65_536


class Seen:
    """A set of digests: a Python set for the newest, one sorted array for the rest."""

    def __init__(self, digests: bytes = b"") -> None:
        self._old: npt.NDArray[np.bytes_] = np.frombuffer(digests, dtype="S16").copy()
        self._new: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._old) + len(self._new)

    def __contains__(self, identifier: str) -> bool:
        digest = _digest(identifier)
        if digest in self._new:
            return True
        at = int(np.searchsorted(self._old, digest)) if len(self._old) else 0
        return at < len(self._old) and self._old[at] == digest

    def add(self, identifier: str) -> None:
        """Remember an id."""
        self._new.add(_digest(identifier))
        if len(self._new) > max(_MERGE_AT_LEAST, len(self._old) // 8):
            self._merge()

    def keep(self, identifier: str) -> None:
        """Remember an id that may be known: no digest stands here twice."""
        if identifier not in self:
            self.add(identifier)

    def dump(self) -> bytes:
        """Return all digests, sorted; `Seen(dump)` reads them."""
        self._merge()
        return self._old.tobytes()

    def _merge(self) -> None:
        new = np.array(list(self._new), dtype="S16")
        self._old = np.sort(np.concatenate([self._old, new]), kind="stable")
        self._new = set()


def _digest(identifier: str) -> bytes:
    # numpy drops trailing NUL bytes of S16 when it compares, so they are dropped here as well
    return hashlib.blake2b(identifier.encode(), digest_size=16).digest().rstrip(b"\0")
