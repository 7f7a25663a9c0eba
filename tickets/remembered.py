"""What was found in a text is remembered: a ticket is masked anew at every order, and its words are mostly the same.

By the digests of the texts, so that none of them stays in memory; of the process alone, so that other rules find anew.
"""

import hashlib
from array import array
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from normalizers.text import Span
from tickets.spans import Finder

MOST = 65_536
"""Texts that were asked about since the older ones were put aside, and as many of those: some 30 MB in all."""


class Remembered:
    """Asks `find` once about each text; what nobody asked about for long is forgotten."""

    def __init__(self, find: Finder, most: int = MOST) -> None:
        self._find = find
        self._most = most
        self._newer: dict[bytes, array[int]] = {}
        self._older: dict[bytes, array[int]] = {}

    def spans(self, text: str, rules_folder: Path | None) -> Sequence[Span]:
        """Return what is found in a text by the rules of a folder."""
        key = hashlib.blake2b(f"{rules_folder}\n{text}".encode(), digest_size=32).digest()
        known = self._newer.get(key)
        if known is not None:
            return _spans(known)
        if (known := self._older.get(key)) is not None:
            self._keep(key, known)
            return _spans(known)
        found = list(self._find(text, rules_folder))
        self._keep(key, array("I", chain.from_iterable(found)))
        return found

    def _keep(self, key: bytes, found: "array[int]") -> None:
        if len(self._newer) >= self._most:
            self._older, self._newer = self._newer, {}
        self._newer[key] = found


def _spans(ends: "array[int]") -> list[Span]:
    return list(zip(ends[::2], ends[1::2], strict=True))
