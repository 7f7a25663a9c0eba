"""Emergencies that no rule names, heard in how they are told (`rules/heard.tsv`).

Each clause, and each with up to three behind it, is weighed by its characters and pairs of them: naive Bayes (add a
half, each once a sentence), counted from the file's sentences when the rules are read. So the sentences are the rules
here: what alarms too easily gets a line of its own. A regression over the same features saw less of sentences that
neither knew.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat
from operator import add, mul, sub
from typing import NamedTuple

from normalizers.text import fold

ALARM = "alarm"
EXPECTED = (ALARM, "mentioned", "none")

MOST_CLAUSES = 4
"""Of a window: what is the matter is told in so many clauses."""

MOST_LETTERS = 30
"""Of a clause: what goes on without punctuation is cut here."""

LEAST_LETTERS = 4
"""Of a window: fewer tell nothing, and any of them would be loud; they weigh nothing."""

LENGTH = 0.4
"""The power of a window's length that the sum of its weights is divided by, between a sum (0) and a mean (1)."""

ADDED = 0.5
"""To how often each feature was counted: what was never seen is possible."""

MOST_APART = 80
"""Characters of a sentence that is left out whole for a word in it; of a longer one, clauses of half as many are."""

_SHARES = tuple(
    (2 * letters + 1) ** -LENGTH if letters >= LEAST_LETTERS else 0.0
    for letters in range(MOST_CLAUSES * MOST_LETTERS + 1)
)

_STOPS = r"。!?;\n"
_SEPARATORS = _STOPS + ",:、… "
_HAN = r"\u3400-\u9fff\U00020000-\U0003ffff"
_SENTENCE = re.compile(rf"[^{_STOPS}]+")
_CLAUSE = re.compile(rf"[^{_SEPARATORS}]{{1,{MOST_LETTERS}}}")
_CLAUSES = re.compile(rf".{{1,{MOST_APART // 2}}}(?:[{_SEPARATORS}]|$)|.{{1,{MOST_APART // 2}}}")
_SAID = re.compile(rf"[{_HAN}]|\d+")
_NOT_SAID = re.compile(rf"[^{_HAN}\d]+")
_NEITHER = re.compile(rf"[^{_HAN}\d{_SEPARATORS}]+")
_NUMBER = re.compile(r"\d+")
_BEFORE, _AFTER = "^", "$"
_NOTHING = repeat(0.0)


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


class _Window(NamedTuple):
    """A window that is the loudest of so many, by the numbers of its letters."""

    loudness: float
    start: int
    end: int
    among: int


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

    def loudest(self, folded: str, apart: Sequence[tuple[int, int]] = (), least: float = -math.inf) -> Heard | None:
        """Return the loudest window of a folded text that holds nothing of `apart`; None if none is so loud."""
        runs = [(self._loudest(_clauses(folded[first:last])), first, last) for first, last in _runs(folded, apart)]
        windows = [(window, first, last) for window, first, last in runs if window is not None]
        if not windows:
            return None
        window, first, last = max(windows)
        loudness = window.loudness - self._among * math.log(sum(one.among for one, *_ in windows))
        if loudness < least:
            return None
        said = [one.span() for one in _SAID.finditer(folded, first, last)]
        return Heard(loudness, said[window.start][0], said[window.end - 1][1])

    def _loudest(self, clauses: Sequence[str]) -> _Window | None:
        """Return the loudest window of some clauses: sums to before each letter are made once, for all windows."""
        said, get = "".join(clauses), self._weights.get
        if len(said) < LEAST_LETTERS:
            return None
        ends = list(accumulate(map(len, clauses)))
        starts = [0, *ends[:-1]]
        pairs = [0.0, *map(get, map(add, said, said[1:]), _NOTHING)]
        sums = [0.0, *accumulate(map(add, map(get, said, _NOTHING), pairs))]
        before = [get(_BEFORE + said[at], 0.0) - pairs[at] - sums[at] for at in starts]
        after = [sums[at] + get(said[at - 1] + _AFTER, 0.0) for at in ends]
        shares = _SHARES.__getitem__
        best, at, among = -math.inf, (0, 0), 0
        for more in range(min(MOST_CLAUSES, len(clauses))):
            letters = map(sub, ends[more:], starts)
            loud = list(map(mul, map(add, before, after[more:]), map(shares, letters)))
            among += len(loud)
            if (loudest := max(loud)) > best:
                first = loud.index(loudest)
                best, at = loudest, (starts[first], ends[first + more])
        return _Window(best, *at, among)

    def class_of(self, said: str) -> str:
        """Return the class that a folded text sounds like."""
        features = list(_features(_letters(said)))
        return max(self._by_class, key=lambda name: sum(map(self._by_class[name].get, features, repeat(0.0))))


def _runs(folded: str, apart: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what lies between the parts of a text that hold something of `apart`."""
    marked, done = bytearray(len(folded)), 0
    for start, end in apart:
        marked[start:end] = b"\1" * (end - start)
    for start, end in _parts(folded) if apart else ():
        if marked.find(1, start, end) >= 0:
            yield done, start
            done = end
    yield done, len(folded)


def _parts(folded: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence stands; of a long one, where each few of its clauses do."""
    for sentence in _SENTENCE.finditer(folded):
        start, end = sentence.span()
        if end - start <= MOST_APART:
            yield start, end
        else:
            yield from (part.span() for part in _CLAUSES.finditer(folded, start, end))


def _clauses(folded: str) -> list[str]:
    """Return the letters of each clause that says anything, of a long one in pieces."""
    return _CLAUSE.findall(_NEITHER.sub("", _NUMBER.sub("0", folded)))


def _letters(folded: str) -> str:
    """Return what is said in Han characters and in numbers, which are all the same: nobody taught us other words."""
    return _NOT_SAID.sub("", _NUMBER.sub("0", folded))


def _features(letters: str) -> Iterator[str]:
    return chain(letters, map(add, _BEFORE + letters, letters + _AFTER))


def _weights(some: Counter[str], others: Counter[str]) -> Mapping[str, float]:
    """Return the logarithm of how much likelier each feature is in `some` than in `others`."""
    known = some.keys() | others.keys()
    shift = math.log(others.total() + ADDED * len(known)) - math.log(some.total() + ADDED * len(known))
    return {one: math.log((some[one] + ADDED) / (others[one] + ADDED)) + shift for one in known}
