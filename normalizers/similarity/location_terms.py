"""Whereabouts: what of a text tells where it is, or whose; where there is none, it may be said anywhere (家里停电了).

A name is what no list knows. Of those a pair of characters that ordinary sentences have (冰箱, 虫子) is none after all.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from functools import cache
from operator import add
from pathlib import Path
from types import MappingProxyType

from normalizers import rules
from normalizers.rules import DEFAULT_RULES, precompiled
from normalizers.similarity.circumstances import NO_NAME

_SENTENCES = MappingProxyType(
    {
        "ordinary": ("text",),
        "heard": ("expected", "classes", "text"),
        "minors_heard": ("value", "text"),
        "confidentiality_heard": ("value", "text"),
    }
)

_HAN = "[\u4e00-\u9fff]"
_ON_THE_MAP = precompiled.pattern(
    f"((?:(?![{NO_NAME}]){_HAN}){{2}})[路街巷村镇乡苑府湾郡庄岭](?![面灯段边基况障线人过委民道])"
)
"""A name in the midst of others (泰山街东头): two characters before the ending of a place."""

_GRAMMAR = precompiled.pattern(
    "^里|[的了着过在是有个这那该此找跟与及被把让叫我你他她它们咱每全都不没也又就才请说得很一二三四五六七八九十百千万两几]"
)
"""What is in no name, other than 里, 和 and 门; a name with a numeral (五爱批发) has more pairs."""


@cache
def ordinary_pairs() -> frozenset[str]:
    """Return the pairs of characters that stand in two of our ordinary sentences, whatever a city's own are."""
    return precompiled.remembered("ordinary pairs", _digests(), _pairs_of_sentences)


def _digests() -> str:
    files = (str(Path(rules.__file__).with_name(f"{name}.tsv")) for name in _SENTENCES)
    return " ".join(map(precompiled.digest_of, (__file__, *files)))


def _pairs_of_sentences() -> frozenset[str]:
    counts: Counter[str] = Counter()
    for file, columns in _SENTENCES.items():
        for line in DEFAULT_RULES.table(file, columns):
            counts.update(set(map(add, line["text"], line["text"][1:])))
    return frozenset(pair for pair, count in counts.items() if count > 1)


def names_on_the_map(said: str, landmarks: re.Pattern[str]) -> Iterator[str]:
    """Yield roads and villages by their endings, and what a city has but once."""
    yield from _ON_THE_MAP.findall(said)
    yield from landmarks.findall(said)


def rare_names(pairs: Iterable[str], everyday: Container[str]) -> Iterator[str]:
    """Yield the pairs that ordinary sentences do not have, nor the words of everyday."""
    ordinary = ordinary_pairs()
    return (pair for pair in pairs if not (pair in ordinary or pair in everyday or _GRAMMAR.search(pair)))
