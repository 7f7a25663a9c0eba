"""Seen: every input id ever decided, and whatever else must be known for ever in 16 bytes each.

    firsts  ["",       "4c..",     "9f.."]      the first digest of each block
    blocks  [b"0a..4b..", b"4c..9e..", b"9f.."]  sorted digests, at most BLOCK of them, immutable

A block is replaced when a digest comes into it, so an addition costs the same at any size, and a checkpoint takes the
blocks as they stand without a copy of one digest.
"""

import hashlib
from bisect import bisect_right

WIDTH = 16
"""Bytes of a digest."""

Runs = bytes | list[bytes]
"""Sorted digests: blocks in their order, or one run of bytes as checkpoints of format 24 hold it."""

BLOCK = 256
"""Digests of a block at most: to look through 4 KB, or to copy them, takes half a microsecond."""


class Seen:
    """A set of digests; `runs` are what `dump` returned."""

    def __init__(self, runs: Runs = b"") -> None:
        step = BLOCK * WIDTH
        self._blocks = [run[at : at + step] for run in blocks(runs) for at in range(0, len(run), step)] or [b""]
        self._firsts = [block[:WIDTH] for block in self._blocks]
        self._firsts[0] = b""  # whatever is lower than all belongs to the first block
        self._count = sum(map(len, self._blocks)) // WIDTH

    def __len__(self) -> int:
        return self._count

    def __contains__(self, identifier: str) -> bool:
        digest = _digest(identifier)
        return _is_in(self._blocks[bisect_right(self._firsts, digest) - 1], digest)

    def add(self, identifier: str) -> None:
        """Remember an id; one that is known changes nothing."""
        digest = _digest(identifier)
        index = bisect_right(self._firsts, digest) - 1
        block = self._blocks[index]
        if _is_in(block, digest):
            return
        self._count += 1
        at = _place(block, digest)
        block = block[:at] + digest + block[at:]
        if len(block) <= BLOCK * WIDTH:
            self._blocks[index] = block
            return
        half = BLOCK // 2 * WIDTH
        self._blocks[index : index + 1] = block[:half], block[half:]
        self._firsts.insert(index + 1, block[half : half + WIDTH])

    def dump(self) -> list[bytes]:
        """Return the blocks in order; `Seen(dump)` reads them."""
        return [*self._blocks] if self._count else []


def blocks(runs: Runs) -> list[bytes]:
    """Return the runs as a list."""
    return [runs] if isinstance(runs, bytes) else runs


def _is_in(block: bytes, digest: bytes) -> bool:
    at = block.find(digest)
    while at % WIDTH and at > 0:  # half of one digest and half of the next
        at = block.find(digest, at + 1)
    return at >= 0


def _place(block: bytes, digest: bytes) -> int:
    """Return where a digest belongs in a block."""
    low, high = 0, len(block) // WIDTH
    while low < high:
        middle = (low + high) // 2
        if block[middle * WIDTH : (middle + 1) * WIDTH] < digest:
            low = middle + 1
        else:
            high = middle
    return low * WIDTH


def _digest(identifier: str) -> bytes:
    return hashlib.blake2b(identifier.encode(), digest_size=WIDTH).digest()
