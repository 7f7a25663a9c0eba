"""Full names of three characters (姓名) in a folded text that are like no other words, wherever they stand.

A surname and two characters that given names are made of (李秀珍, 谭文建), or 小 and one of those behind it (李小明).
No such name is what begins within a word (责任|明晰, 对方|明确), whose two characters are a word (文明, 光明), or
that goes on as a firm's or a place's does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from normalizers.findings.words import one_of, trie
from normalizers.text import Span


class FullNames(NamedTuple):
    """What finds them; made of one section of `rules/names.toml`."""

    names: re.Pattern[str]
    words: re.Pattern[str]
    """Words and places that begin like a name."""

    begun: frozenset[str]
    """Two characters: the end of a word, which a surname looks like, and what stands before it there."""

    given: frozenset[str]
    """Words of two characters that given names are made of."""

    @classmethod
    def of(cls, found: Mapping[str, str], surnames: str, two: Sequence[str], words: re.Pattern[str]) -> "FullNames":
        """Make the pattern of the lists; of none it finds nothing."""
        given, places = found["given"], trie(found["goes_on_as_a_place"].split())
        little = rf"(?!{trie(found['no_little_names'].split())})小{one_of(found['behind_little'])}"
        no_surnames = found["no_surnames"].split()
        own = "".join(one for one in surnames if one not in no_surnames)
        longer = [one for one in two if one not in no_surnames]
        begun = "".join(sorted({one[0] for one in longer}))
        behind = "|".join(
            f"(?<={first}){trie(one[1:] for one in longer if one[0] == first)}[{given}]{{1,2}}" for first in begun
        )
        ends = (line.split(":") for line in found["ends_of_words"].split())
        return cls(
            names=re.compile(
                rf"[{own}{begun}](?:(?<=[{own}])(?:[{given}][{given}]|{little})|{behind})(?!{places})"
                if given
                else "(?!)"
            ),
            words=words,
            begun=frozenset(before + surname for surname, all_before in ends for before in all_before),
            given=frozenset(found["no_given_names"].split()),
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where a full name stands."""
        for found in self.names.finditer(text):
            start, end = found.span()
            is_word = text[start - 1 : start + 1] in self.begun or text[start + 1 : end] in self.given
            if not is_word and not self.words.match(text, start):
                yield start, end
