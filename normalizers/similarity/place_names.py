"""The names of places by their endings: what of a stretch of letters that no list knows is the name of a place."""

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import add
from typing import NamedTuple

from normalizers.rules import precompiled
from normalizers.similarity.location_terms import ordinary_pairs
from normalizers.text.matcher import trie

_HAN = r"[\u4e00-\u9fff]"

_INSIDE = "里"
"""An ending of names (三合里) that also says where something is (冰箱里): of ordinary words it names nothing."""

_OF_ROADS_AND_VILLAGES = "路街村镇"
_NOT_ITS_END = "(?!路(?:[面灯段边基况障线过]|人(?!行))|街[道边]|村[委里民干口长上]|镇[上政里])"
"""桥路面 and 和村民 are no road and no village."""


class Endings(NamedTuple):
    """What the names of places end with."""

    by_last: Mapping[str, Sequence[str]]
    """All of them by their last character, the longest first."""

    within: re.Pattern[str]
    """A name and its ending, whatever follows: 阳光花园 in 阳光花园漏雨."""

    after_part: re.Pattern[str]
    """What goes on behind a part of a name: 小区 behind the 湖 of 明湖小区."""

    begins: frozenset[str]
    """The first characters of such endings: most of what is asked about is told by them."""

    after_first: re.Pattern[str]
    """What goes on behind the first character of a name of two: 平小区 behind 和."""

    after_last: re.Pattern[str]
    """What goes on behind the last character of a name: 村 behind the 桥 of 双桥村, 家园 behind the 和 of 永和家园."""


class Name(NamedTuple):
    """A stretch that no list knows, in pairs of characters: all, and those of a place at its end or within it."""

    pairs: tuple[str, ...]
    place: tuple[str, ...]
    within: tuple[str, ...]


def endings_of(places: Iterable[str], of_names: Iterable[str], others: Iterable[str]) -> Endings:
    """Return what the names of `places` end with, and names `of_names` (家园); `others` are words beside them."""
    by_last: dict[str, list[str]] = {}
    for place in sorted(places, key=len, reverse=True):
        by_last.setdefault(place[-1], []).append(place)
    long = [place for place in places if len(place) > 1]
    longer = trie(long)
    single = "".join(word for word in sorted(others) if len(word) == 1)
    return Endings(
        by_last=by_last,
        within=precompiled.pattern(rf"({_HAN}{{2,}}){longer}"),
        after_part=precompiled.pattern(rf"{_HAN}{{0,4}}?(?:{longer}|{'|'.join(of_names) or '(?!)'})"),
        begins=frozenset(place[0] for place in (*long, *_OF_ROADS_AND_VILLAGES)),
        after_first=precompiled.pattern(rf"(?![{single}]){_HAN}(?:{longer}|[{_OF_ROADS_AND_VILLAGES}])"),
        after_last=precompiled.pattern(
            rf"{longer}|{_NOT_ITS_END}[{_OF_ROADS_AND_VILLAGES}]|(?:{'|'.join(of_names) or '(?!)'})"
        ),
    )


def pairs_of(endings: Endings, word: str) -> Name:
    """Return the pairs of characters of a name, and those before a place's ending where it ends, or goes on."""
    pairs = tuple(map(add, word, word[1:]))
    for ending in endings.by_last.get(word[-1], ()):
        if word.endswith(ending) and len(word) - len(ending) > 1:
            if ending == _INSIDE and ordinary_pairs().issuperset(pairs[:-1]):
                continue
            return Name(pairs, pairs[: len(word) - len(ending) - 1], ())
    within = endings.within.match(word)
    return Name(pairs, (), pairs[: within.end(1) - 1] if within is not None else ())
