"""What was found in a text is remembered: a ticket is masked anew at every order, and its words are mostly the same.

By the digests of the texts, so that none of them stays in memory; of the process alone, so that other rules find anew.
"""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from normalizers.pii.detect import Finder, Seen, look, plainly, readable
from normalizers.rules import Rules

MOST = 65_536
"""Texts that were asked about since the older ones were put aside, and as many of those: some 30 MB in all."""

Key = tuple[Path | None, bytes]
"""The folder of the rules, and the digest of the text."""

_DIGEST = 8
"""How many numbers of 32 bits a digest is."""

_PLAIN, _SIMPLE = 1, 2
"""What is remembered of a text beside its spans: that it reads `plainly`, that it `folds_simply`."""


class Remembered:
    """Asks `find` once about each text; what nobody asked about for long is forgotten."""

    def __init__(self, find: Finder, most: int = MOST) -> None:
        self._find = find
        self._most = most
        self._newer: dict[Key, array[int]] = {}
        self._older: dict[Key, array[int]] = {}

    def look(self, text: str, rules: Rules) -> Seen:
        """Return what is seen in a text by the rules."""
        key = rules.folder, digest_of(text)
        known = self._newer.get(key)
        if known is None and (known := self._older.get(key)) is not None:
            self._keep(key, known)
        if known is not None:
            return _seen(text, known)
        seen = look(text, rules, self._find)
        self._keep(key, array("I", told(seen)))
        return seen

    def expect(self, found: Iterable[Sequence[int]], rules: Rules) -> None:
        """Remember what another process saw by the same rules, as `told_of`; what cannot be that is looked for anew."""
        for numbers in found:
            try:
                known = array("I", numbers)
            except OverflowError:
                continue
            if len(known) > _DIGEST and len(known) % 2:
                self._keep((rules.folder, known[:_DIGEST].tobytes()), known[_DIGEST:])

    def _keep(self, key: Key, known: "array[int]") -> None:
        if len(self._newer) >= self._most:
            self._older, self._newer = self._newer, {}
        self._newer[key] = known


def told(seen: Seen) -> tuple[int, ...]:
    """Return what was seen in a text as numbers: how it reads, then where each span starts and ends."""
    how = (_PLAIN if seen.is_plain else 0) | (_SIMPLE if seen.is_simple else 0)
    return (how, *chain.from_iterable(seen.spans))


def told_of(text: str, seen: Seen) -> tuple[int, ...]:
    """Return the digest of a text as numbers, then what was seen in it."""
    return (*array("I", digest_of(text)), *told(seen))


def _seen(text: str, known: "array[int]") -> Seen:
    is_plain, is_simple = bool(known[0] & _PLAIN), bool(known[0] & _SIMPLE)
    plain, places = (plainly(text), None) if is_plain else readable(text)
    return Seen(plain, places, list(zip(known[1::2], known[2::2], strict=True)), is_plain, is_simple)


def digest_of(text: str) -> bytes:
    """Return what a text is remembered by."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
