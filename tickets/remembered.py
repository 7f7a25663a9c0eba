"""What was found in a text is remembered: a ticket is masked anew at every order, and its words are mostly the same.

By the digests of the texts, so that none of them stays in memory; of the process alone, so that other rules find anew.
"""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from normalizers.text import Span
from tickets.spans import Finder

MOST = 65_536
"""Texts that were asked about since the older ones were put aside, and as many of those: some 30 MB in all."""


Key = tuple[Path | None, bytes]
"""The folder of the rules, and the digest of the text."""


class Remembered:
    """Asks `find` once about each text; what nobody asked about for long is forgotten."""

    def __init__(self, find: Finder, most: int = MOST) -> None:
        self._find = find
        self._most = most
        self._newer: dict[Key, array[int]] = {}
        self._older: dict[Key, array[int]] = {}

    def spans(self, text: str, rules_folder: Path | None) -> Sequence[Span]:
        """Return what is found in a text by the rules of a folder."""
        key = rules_folder, digest_of(text)
        known = self._newer.get(key)
        if known is not None:
            return _spans(known)
        if (known := self._older.get(key)) is not None:
            self._keep(key, known)
            return _spans(known)
        found = list(self._find(text, rules_folder))
        self._keep(key, array("I", chain.from_iterable(found)))
        return found

    def expect(self, found: Mapping[str, Sequence[int]], rules_folder: Path | None) -> None:
        """Remember what another process found by the same rules: starts and ends by the digests of the texts.

        What is no digest or no spans is left out, and found anew.
        """
        for digest, ends in found.items():
            try:
                key, kept = (rules_folder, bytes.fromhex(digest)), array("I", ends)
            except (ValueError, OverflowError):
                continue
            if len(kept) % 2 == 0:
                self._keep(key, kept)

    def _keep(self, key: Key, found: "array[int]") -> None:
        if len(self._newer) >= self._most:
            self._older, self._newer = self._newer, {}
        self._newer[key] = found


def digest_of(text: str) -> bytes:
    """Return what a text is remembered by."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _spans(ends: "array[int]") -> list[Span]:
    return list(zip(ends[::2], ends[1::2], strict=True))
