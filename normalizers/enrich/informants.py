"""Informants (内部举报), accused officials and bodies, and health data: who needs more care than a complaint."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import Any, NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled, shares
from normalizers.text.fold import fold
from normalizers.text.matcher import cover, trie
from schemas.records import Finding

ACCUSED, OFFICIAL, SERVICE = "accused", "official", "service"
HEALTH, SENSITIVE = "health", "sensitive"

_SENTENCE = re.compile(r"[。!?\n]")

Span = tuple[int, int]


class Rulebook(NamedTuple):
    """The rules, ready to be asked; `near` and `beside` are characters between two words."""

    patterns: dict[str, re.Pattern[str]]
    covered: re.Pattern[str]
    near: int
    beside: int
    score: float
    version: str

    def spans(self, said: str, *names: str) -> list[Span]:
        """Return where the words of these lists stand."""
        return [one.span() for name in names for one in self.patterns[name].finditer(said)]


def informants(folded: str, is_secret: bool, rules: Rules = DEFAULT_RULES) -> Iterator[Finding]:
    """Yield that somebody informs on an employer, accuses a body, or tells of health; `folded` is title and text.

    `is_secret` says that a wish for secrecy was found in it already.
    """
    known = rulebook(rules)
    said = known.covered.sub(cover, folded)
    if known.patterns["health"].search(said):
        yield _finding(known, HEALTH, SENSITIVE)
    corrupt = known.spans(said, "corrupt")
    accused = known.spans(said, "official", "body")
    if _in_one_sentence(said, accused, corrupt, known.beside):
        yield _finding(known, ACCUSED, OFFICIAL)
    elif _in_one_sentence(said, accused, known.spans(said, "conduct"), known.beside):
        yield _finding(known, ACCUSED, SERVICE)
    wrong, own = [*known.spans(said, "wrong"), *corrupt], known.spans(said, "own")
    asks = is_secret or known.patterns["secrecy"].search(said) is not None
    fears = known.patterns["fear"].search(said) is not None
    if (asks and fears) or ((asks or fears) and (wrong or own)) or _near(own, wrong, known.near):
        yield _finding(known, "confidentiality", "restricted")


def _finding(known: Rulebook, kind: str, value: str) -> Finding:
    return Finding(kind=kind, value=value, score=known.score, version=known.version)


def _in_one_sentence(said: str, some: Iterable[Span], others: Iterable[Span], most: int) -> bool:
    ends = [0, *(one.start() for one in _SENTENCE.finditer(said)), len(said)]
    sentences = list(pairwise(ends))

    def number(span: Span) -> int:
        return next((at for at, (begin, end) in enumerate(sentences) if begin <= span[0] < end), -1)

    return any(number(one) == number(other) and _apart(one, other) <= most for one, other in product(some, others))


def _near(some: Iterable[Span], others: Iterable[Span], most: int) -> bool:
    return any(_apart(one, other) <= most for one, other in product(some, others))


def _apart(one: Span, other: Span) -> int:
    """Return how many characters stand between two spans; those that overlap have none."""
    return max(0, max(one[0], other[0]) - min(one[1], other[1]))


_PATTERNS = ("own", "wrong", "corrupt", "conduct", "official", "body", "secrecy", "fear", "health")


@part("informants.toml")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules. Raises ValueError for a wrong number, re.error for a pattern."""
    table: dict[str, Any] = rules.toml("informants")
    if min(table["near"], table["beside"]) < 1:
        raise ValueError("near and beside are numbers of characters")
    score: float = shares({"score": table["score"]})["score"]
    return Rulebook(
        patterns={name: precompiled.pattern("|".join(f"(?:{one})" for one in table[name])) for name in _PATTERNS},
        covered=precompiled.pattern(trie(map(fold, table["not"]))),
        near=table["near"],
        beside=table["beside"],
        score=score,
        version=table["version"],
    )
