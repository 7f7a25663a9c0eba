"""Many fixed words as one regular expression that passes over ordinary text quickly."""

import re
from collections.abc import Iterable, Iterator

_COMMON = (
    "的一是在不了有和人这中大为上个我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定"
    "行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些"
    "然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公"
    "无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组"
)
"""The commonest characters, commonest first; they only decide how fast a search is."""

_RANK = {character: rank for rank, character in enumerate(_COMMON)}


def trie(words: Iterable[str]) -> str:
    """Return a pattern that matches the longest of `words` at a place; their common beginnings stand once."""
    branches: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        branches.setdefault(word[:1], []).append(word[1:])
    ends_here = branches.pop("", None) is not None
    alternatives = (re.escape(first) + (trie(rest) if any(rest) else "") for first, rest in branches.items())
    return f"(?:{'|'.join(alternatives)})" + ("?" if ends_here else "")


class Words:
    """Many words, found in a text wherever they stand, also inside each other."""

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted(set(words))
        self._longest = max(map(len, known))
        self._anchors = re.compile(_anchored(known))
        self._word = re.compile(trie(known))

    def occur(self, text: str) -> bool:
        """Say whether any of the words stands in `text`."""
        return self._anchors.search(text) is not None

    def anchors(self, text: str) -> list[int]:
        """Return where one character of each word stands."""
        return [match.start() for match in self._anchors.finditer(text)]

    def at(self, anchor: int, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of the words around an anchor: the longest that begins at each place."""
        for start in range(max(0, anchor - self._longest + 1), anchor + 1):
            match = self._word.match(text, start)
            if match is not None and match.end() > anchor:
                yield match.span()


def _anchored(words: Iterable[str]) -> str:
    """Return a pattern that looks for each word by its rarest character.

    What stands before it is a look-behind: in Chinese a word's first character is often one that every sentence holds.
    """
    by_anchor: dict[str, dict[str, list[str]]] = {}
    for word in words:
        at = max(range(len(word)), key=lambda index: _RANK.get(word[index], len(_RANK)))
        by_anchor.setdefault(word[at], {}).setdefault(word[:at], []).append(word[at + 1 :])
    return "|".join(_around(anchor, parts) for anchor, parts in by_anchor.items())


def _around(anchor: str, parts: dict[str, list[str]]) -> str:
    return f"{re.escape(anchor)}(?:{'|'.join(_side(anchor, before, after) for before, after in parts.items())})"


def _side(anchor: str, before: str, after: list[str]) -> str:
    behind = f"(?<={re.escape(before + anchor)})" if before else ""
    return behind + (f"(?={trie(after)})" if all(after) else "")
