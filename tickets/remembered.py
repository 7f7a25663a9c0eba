"""What was found in a text is remembered: a ticket is masked anew at every order, and its words are mostly the same.

By the digests of the texts, so that none of them stays in memory; of the process alone, so that other rules find anew.
"""

import hashlib
from array import array
from collections.abc import Iterator
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

    def spans(self, text: str, rules_folder: Path | None) -> Iterator[Span]:
        """Yield what is found in a text by the rules of a folder."""
        key = hashlib.sha256(f"{rules_folder}\n{text}".encode()).digest()
        found = self._newer.get(key)
        if found is None:
            found = self._older.get(key)
            if found is None:
                found = array("I", [at for span in self._find(text, rules_folder) for at in span])
            if len(self._newer) >= self._most:
                self._older, self._newer = self._newer, {}
            self._newer[key] = found
        return zip(found[::2], found[1::2], strict=True)
