"""Emergencies that no rule names, heard in how they are told (`rules/heard.tsv`).

Each sentence, and each with the one after it, is weighed by its characters and pairs of them: naive Bayes (add-one,
each once a sentence), counted from the file's sentences when the rules are read. A sentence that goes on from comma to
comma is weighed in its clauses. So the sentences are the rules here: what alarms too easily gets a line of its own. A
regression over the same features saw less of sentences that neither knew.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise, repeat
from operator import add
from typing import NamedTuple

from normalizers.text import fold

ALARM = "alarm"
EXPECTED = (ALARM, "mentioned", "none")

MOST_LETTERS = 80
"""Of a window: sentences that tell what is the matter are shorter."""

CLAUSES = 44
"""Characters of the clauses that are weighed as one, in a sentence of more than `MOST_LETTERS`."""

LEAST_LETTERS = 4
"""Fewer tell nothing, and any of them would be loud."""

LENGTH = 0.7
"""The power of a window's length that the sum of its weights is divided by, between a sum (0) and a mean (1)."""

_SIZES = tuple(float((2 * letters + 1) ** LENGTH) for letters in range(MOST_LETTERS + 1))

_SENTENCE = re.compile(r"[^。!?;\n]+")
_CLAUSE = "[,:、… ]"
_CLAUSES = re.compile(rf".{{1,{CLAUSES}}}(?:{_CLAUSE}|$)|.{{1,{MOST_LETTERS}}}?(?:{_CLAUSE}|$)|.{{1,{CLAUSES}}}")
_NOT_SAID = re.compile(r"[^\u3400-\u9fff\U00020000-\U0003ffff\d]+")
_NUMBER = re.compile(r"\d+")
_BEFORE, _AFTER = "^", "$"


class Sentence(NamedTuple):
    """A line of the file: an emergency (`alarm`) with its classes, one that is over (`mentioned`), or none."""

    expected: str
    classes: tuple[str, ...]
    text: str


class Heard(NamedTuple):
    """What sounds most like an emergency in a folded text, from `start` to before `end`, and how much so."""

    loudness: float
    start: int
    end: int


class _Piece(NamedTuple):
    """Part of a folded text, its letters, and the weight of these and of the pairs among them."""

    start: int
    end: int
    letters: str
    weight: float


class Hearing:
    """How much likelier characters and their pairs are where somebody is in danger, as natural logarithms.

    The loudest of many windows counts less by `among`, for each time that they are e times as many: one of many is
    loud by chance, and a long complaint should hardly alarm more often than a short one.
    """

    def __init__(self, sentences: Iterable[Sentence], among: float) -> None:
        alarms: Counter[str] = Counter()
        others: Counter[str] = Counter()
        classes: dict[str, Counter[str]] = {}
        for one in sentences:
            said = set(_features(_letters(fold(one.text))))
            (alarms if one.expected == ALARM else others).update(said)
            for name in one.classes:
                classes.setdefault(name, Counter()).update(said)
        self._among = among
        self._weights = _weights(alarms, others)
        self._by_class = {name: _weights(counts, alarms) for name, counts in sorted(classes.items())}

    def loudest(self, folded: str, apart: Sequence[tuple[int, int]] = ()) -> Heard | None:
        """Return the loudest window of a folded text, of those that hold nothing of `apart`; None without any."""
        windows = [
            (self._loudness(first, last), first.start, last.end)
            for first, last in _windows(self._pieces(folded))
            if not any(first.start < stop and begin < last.end for begin, stop in apart)
        ]
        if not windows:
            return None
        loudness, start, end = max(windows)
        return Heard(loudness - self._among * math.log(len(windows)), start, end)

    def _pieces(self, folded: str) -> Iterator[_Piece]:
        """Yield what is said of each sentence; a long one in pieces."""
        for start, end in _parts(folded):
            letters = _letters(folded[start:end])
            if letters:
                within = chain(letters, map(add, letters, letters[1:]))
                yield _Piece(start, end, letters, sum(map(self._weights.get, within, repeat(0.0))))

    def _loudness(self, first: _Piece, last: _Piece) -> float:
        weight, letters, get = first.weight, len(first.letters), self._weights.get
        if last is not first:
            weight += last.weight + get(first.letters[-1] + last.letters[0], 0.0)
            letters += len(last.letters)
        weight += get(_BEFORE + first.letters[0], 0.0) + get(last.letters[-1] + _AFTER, 0.0)
        return weight / _SIZES[letters]

    def class_of(self, said: str) -> str:
        """Return the class that a folded text sounds like."""
        features = list(_features(_letters(said)))
        return max(self._by_class, key=lambda name: sum(map(self._by_class[name].get, features, repeat(0.0))))


def _parts(folded: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence stands; of a long one, where each few of its clauses do."""
    for sentence in _SENTENCE.finditer(folded):
        start, end = sentence.span()
        if end - start <= MOST_LETTERS:
            yield start, end
        else:
            yield from (part.span() for part in _CLAUSES.finditer(folded, start, end))


def _windows(pieces: Iterable[_Piece]) -> Iterator[tuple[_Piece, _Piece]]:
    """Yield each piece by itself, and with the one behind it where they are not too long together."""
    for one, following in pairwise((*pieces, None)):
        if one is not None and len(one.letters) >= LEAST_LETTERS:
            yield one, one
        if one and following and LEAST_LETTERS <= len(one.letters) + len(following.letters) <= MOST_LETTERS:
            yield one, following


def _letters(folded: str) -> str:
    """Return what is said in Han characters and in numbers, which are all the same: nobody taught us other words."""
    return _NUMBER.sub("0", _NOT_SAID.sub("", folded))


def _features(letters: str) -> Iterator[str]:
    return chain(letters, map(add, _BEFORE + letters, letters + _AFTER))


def _weights(some: Counter[str], others: Counter[str]) -> Mapping[str, float]:
    """Return the logarithm of how much likelier each feature is in `some` than in `others`."""
    known = some.keys() | others.keys()
    shift = math.log(others.total() + len(known)) - math.log(some.total() + len(known))
    return {one: math.log((some[one] + 1) / (others[one] + 1)) + shift for one in known}
