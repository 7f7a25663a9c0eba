"""Many fixed words found in one pass over a text, also inside each other (Aho–Corasick)."""

import re
from collections.abc import Iterable, Sequence

from ahocorasick_rs import AhoCorasick, Implementation

from normalizers.rules import precompiled

_COVER = "\ue000"
_TRIE = f"trie {precompiled.digest_of(__file__)}"

Match = tuple[int, int, int]
"""Number, start and end of a word."""


def trie(words: Iterable[str]) -> str:
    """Return a pattern that matches the longest of `words` at a place; their common beginnings stand once.

    Of no words at all it matches nowhere.
    """
    known = sorted(set(words))
    return precompiled.remembered(_TRIE, repr(known), lambda: f"(?:{_branches(known)})")


def _branches(words: Iterable[str]) -> str:
    """Return the pattern of `trie` as short as may be: it is compiled to the same, a third sooner."""
    behind: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        behind.setdefault(word[:1], []).append(word[1:])
    if not behind:
        return "(?!)"
    ends_here = behind.pop("", None) is not None
    alternatives = [re.escape(first) + (_branches(rest) if any(rest) else "") for first, rest in behind.items()]
    if len(alternatives) == 1 and not ends_here:
        return alternatives[0]
    are_letters = all(rest == [""] for rest in behind.values())
    pattern = f"[{''.join(alternatives)}]" if behind and are_letters else f"(?:{'|'.join(alternatives)})"
    return pattern + ("?" if ends_here else "")


def behind_none(words: Iterable[str]) -> str:
    """Return a pattern that matches where none of `words` has just ended."""
    return "".join(f"(?<!{trie(alike)})" for alike in _by_length(words).values())


def last_of(words: Iterable[str]) -> str:
    """Return a pattern that matches the last character of any of `words`: that character is sooner looked for."""
    known = list(words)
    return one_of("".join(sorted({re.escape(word[-1]) for word in known}))) + behind_any(known)


def behind_any(words: Iterable[str]) -> str:
    """Return a pattern that matches where any of `words` has just ended; of none it matches nowhere."""
    return f"(?:{'|'.join(f'(?<={trie(alike)})' for alike in _by_length(words).values()) or '(?!)'})"


def _by_length(words: Iterable[str]) -> dict[int, list[str]]:
    lengths: dict[int, list[str]] = {}
    for word in words:
        lengths.setdefault(len(word), []).append(word)
    return lengths


def one_of(characters: str) -> str:
    """Return a pattern that matches one of `characters`; of none it matches nowhere."""
    return f"[{characters}]" if characters else "(?!)"


COMPACT = Implementation.ContiguousNFA
"""The table of all transitions is faster where one list alone is asked, again and again (1.5 µs below). But all of ours
take 33 MB more, and between all that is done to a message no cache holds them: `normalize` took a tenth longer.
"""


class Words:
    """Many words, found wherever they stand: 115 characters and 1,497 words take 2.4 µs (as one regex 61)."""

    def __init__(self, words: Iterable[str]) -> None:
        self.sorted = sorted(set(words))
        self._known = AhoCorasick(self.sorted, implementation=COMPACT)
        self._read: tuple[str, list[Match]] = ("", [])

    def occur(self, text: str) -> bool:
        """Say whether any of the words stands in `text`."""
        read, found = self._read
        return bool(found if read == text else self._known.find_matches_as_indexes(text))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of the longest word that begins at each place."""
        return sorted({start: end for _, start, end in self.matches(text)}.items())  # the longest comes last

    def longest(self, text: str) -> dict[int, tuple[int, int]]:
        """Return number, in `sorted`, and end of the longest word that begins at each place, in no order."""
        return {start: (number, end) for number, start, end in self.matches(text)}  # as in `spans`

    def matches(self, text: str) -> Sequence[Match]:
        """Return number, in `sorted`, start and end of every word in `text`, also inside others, by their ends."""
        read, found = self._read
        return found if read == text else self._known.find_matches_as_indexes(text, overlapping=True)

    def has_read(self, text: str, found: list[Match]) -> None:
        """Keep what `matches` is to return for a text until another is read."""
        self._read = text, found


class Together:
    """Lists of words that are asked about the same text: one pass through it finds those of all.

    A pass for seven lists takes little more than one for the longest of them.
    """

    def __init__(self, lists: Sequence[Words]) -> None:
        numbers = [{word: number for number, word in enumerate(one.sorted)} for one in lists]
        known = sorted({word for one in lists for word in one.sorted})
        self._lists = lists
        self._known = AhoCorasick(known, implementation=COMPACT)
        self._in_lists = [tuple((at, own[word]) for at, own in enumerate(numbers) if word in own) for word in known]

    def read(self, text: str) -> None:
        """Find the words of all lists in a text, for each list to return when it is asked."""
        found: list[list[Match]] = [[] for _ in self._lists]
        in_lists = self._in_lists
        for number, start, end in self._known.find_matches_as_indexes(text, overlapping=True):
            for at, own in in_lists[number]:
                found[at].append((own, start, end))
        for one, matches in zip(self._lists, found, strict=True):
            one.has_read(text, matches)


def cover(match: re.Match[str]) -> str:
    """Return what stands for a harmless phrase, character by character, so that offsets stay."""
    return _COVER * len(match[0])
