"""Names of two characters (崔浩, 李娜) in a folded text, and what people are called by (王胖子, 大刘), without a cue.

A surname and a character that hardly anything but a given name is made of are a name where the sentence goes on as
behind one; with nothing but a stop or a word of grammar before them, whatever follows, unless it is how a place or a
firm goes on (林美|小区). Other characters of given names need both: the boundary and what follows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from normalizers.geo import divisions
from normalizers.rules import precompiled
from normalizers.text.fold import Span
from normalizers.text.matcher import one_of, trie

STOPS = """,。.;:!?、 \t\n\r()"'“”"""
"""What a sentence or a part of one ends with."""


class ShortNames(NamedTuple):
    """What finds them; made of one section of `rules/names.toml`."""

    names: re.Pattern[str]
    """A surname and a character of given names."""

    surely_given: frozenset[str]
    rare_surnames: frozenset[str]
    """They are believed behind a boundary only."""

    boundary: frozenset[str]
    goes_on: re.Pattern[str]
    firm: re.Pattern[str]
    """How places and firms go on behind a name."""

    called: re.Pattern[str]
    """王胖子, 李二狗, 大刘: what no other word is like."""

    words: re.Pattern[str]
    """Words and places that begin like a name."""

    begun: frozenset[str]
    """Two characters: the end of a word, which a surname looks like, and what stands before it there."""

    @classmethod
    def of(
        cls, found: Mapping[str, str], surnames: str, words: re.Pattern[str], begun: Iterable[str], goes_on: str
    ) -> "ShortNames":
        """Make the patterns of the lists; `goes_on` is what stands behind a name, `begun` what looks like a surname."""
        surely, maybe, rare = found["surely_given"], found["maybe_given"], found["rare_surnames"]
        boundary = STOPS + found["before"]
        places = (one for one in divisions.names() if len(one) > 1 and one[0] in rare)
        return cls(
            names=precompiled.pattern(rf"[{surnames}{rare}]{one_of(surely + maybe)}"),
            surely_given=frozenset(surely),
            rare_surnames=frozenset(rare),
            boundary=frozenset(boundary),
            goes_on=precompiled.pattern(goes_on),
            firm=precompiled.pattern(rf".{{0,2}}{trie(found['goes_on_as_a_firm'].split())}"),
            called=precompiled.pattern(
                rf"[{surnames}二三四五六大](?:(?<=[{surnames}二三四五六]){trie(found['nicknames'].split())}"
                rf"|(?<=大)(?<![^{boundary}].)老?{one_of(found['familiar'])}(?!家.){goes_on})"
            ),
            words=precompiled.pattern(rf"{words.pattern}|{trie([*found['words'].split(), *places])}"),
            begun=frozenset((*begun, *found["ends_of_words"].split())),
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where such a name stands."""
        for found in self.names.finditer(text):
            start, end = found.span()
            if self._is_told_of(text, start, end) and self._is_no_word(text, start):
                yield start, end
        for found in self.called.finditer(text):
            if self._is_no_word(text, found.start()):
                yield found.span()

    def _is_told_of(self, text: str, start: int, end: int) -> bool:
        is_begun = start == 0 or text[start - 1] in self.boundary
        is_sure = text[end - 1] in self.surely_given
        if not is_begun and (not is_sure or text[start] in self.rare_surnames):
            return False
        if self.goes_on.match(text, end):
            return is_sure or text[start] not in self.rare_surnames
        return is_begun and is_sure and text[start] not in self.rare_surnames and not self.firm.match(text, end)

    def _is_no_word(self, text: str, start: int) -> bool:
        return text[start - 1 : start + 1] not in self.begun and not self.words.match(text, start)
