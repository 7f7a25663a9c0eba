"""What no rule names, heard in how it is told: an emergency, harm to a minor, the wish not to be named.

Each clause, and each with up to three behind it, is weighed by its characters and pairs of them: naive Bayes (add a
half, each once a sentence), counted from the sentences of a file when the rules are read. So the sentences are the
rules here: what is heard too easily gets a line of its own. A regression over the same features saw less of sentences
that neither knew.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normalizers.findings.told import At
from normalizers.findings.weights import AFTER, BEFORE, END, MOVED, Keys, Ratio, Weights, counts, features, letters_of
from normalizers.findings.words import cover
from normalizers.text import Span, aligned, fold

HALF_HEARD = 16_384
MOST_HEARD = 2 * HALF_HEARD
"""So many characters of a text are heard, half of them at either end: rules read all of it."""

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

_SHARES = np.array(
    [
        (2 * letters + 1) ** -LENGTH if letters >= LEAST_LETTERS else 0.0
        for letters in range(MOST_CLAUSES * MOST_LETTERS + 1)
    ]
)

_STOPS = r"。!?;\n"
_SEPARATORS = _STOPS + ",:、… "
_HAN = r"\u3400-\u9fff\U00020000-\U0003ffff"
_SENTENCE = re.compile(rf"[^{_STOPS}][^{_STOPS}]*")
CLAUSE = re.compile(rf"[^{_SEPARATORS}]{{1,{MOST_LETTERS}}}")
"""What stands between two separators, of a long one a piece."""

_CLAUSES = re.compile(rf".{{1,{MOST_APART // 2}}}(?:[{_SEPARATORS}]|$)|.{{1,{MOST_APART // 2}}}")
_SAID = re.compile(rf"[{_HAN}]|\d+")
_END = chr(int(END))
_NOT_SAID = re.compile(rf"[^{_HAN}\d{_END}][^{_HAN}\d{_END}]*")
_NEITHER = re.compile(rf"[^{_HAN}\d{_SEPARATORS}][^{_HAN}\d{_SEPARATORS}]*")
_NUMBER = re.compile(r"\d\d*")
"""What begins with one of a set is looked for; what begins with a repeat (`\\d+`) is tried at each character."""

_MORE = np.arange(MOST_CLAUSES)
_NO_WEIGHT, _NO_KEY, _NO_LETTERS = np.zeros(1), np.zeros(1, np.uint64), np.zeros(1, np.int64)


class Sentence(NamedTuple):
    """A line of a file: what it tells; one without labels tells nothing of the kind, and often tempts."""

    labels: tuple[str, ...]
    text: str


class Heard(NamedTuple):
    """What sounds most like what is listened for in a folded text, from `start` to before `end`, and how much so."""

    loudness: float
    start: int
    end: int


class Told(NamedTuple):
    """What is heard in a text as it was written: how loud, where it stands, and what it says, folded."""

    loudness: float
    span: Span
    said: str


class _Clauses(NamedTuple):
    """The letters of a text, where its clauses begin and end among them, and the keys of all features.

    The keys are those of the letters, of each with the next, of each clause's beginning and of its end. A window is a
    clause and so many behind it: `lasts` is the last clause of each, `shares` what its sum is multiplied by, and
    there are `among` of them.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    keys: Keys
    lasts: NDArray[np.int64]
    shares: NDArray[np.float64]
    among: int


class _Window(NamedTuple):
    """A window that is the loudest of so many, by the numbers of its letters."""

    loudness: float
    start: int
    end: int
    among: int


class Hearing:
    """How much likelier characters and their pairs are where it is told, as natural logarithms.

    The loudest of many windows counts less by `among`, for each time that they are e times as many: one of many is
    loud by chance, and a long complaint should hardly be heard more often than a short one. What is not so loud as
    `least` is not heard.
    """

    def __init__(self, sentences: Iterable[Sentence], among: float, least: float = -math.inf) -> None:
        known = tuple(sentences)
        said = zip(known, said_in(fold(_END.join(one.text for one in known))).split(_END), strict=True)
        by_labels = [(one.labels, text) for one, text in said]
        telling = counts([text for labels, text in by_labels if labels])
        others = counts([text for labels, text in by_labels if not labels])
        names = sorted({name for labels, _ in by_labels for name in labels})
        with_label = {name: counts([text for labels, text in by_labels if name in labels]) for name in names}
        self._among, self._least = among, least
        self._weights = Weights(Ratio(telling, others, ADDED))
        self._by_label = {name: Ratio(counted, telling, ADDED) for name, counted in with_label.items()}

    def message(
        self,
        title: str | None,
        text: str,
        folded: str,
        harmless: re.Pattern[str],
        read: Iterable[Span | None],
        believed: Callable[[str], bool] = bool,
    ) -> tuple[str, At] | None:
        """Return the label of what a message tells, and where.

        `folded` is title and text: most messages are done with when that is not loud. What was `read` in the text
        (None: in the title) is not listened to. What is heard is `believed` by what it says.
        """
        if self.loudest("\n".join(folded[first:last] for first, last in _ends(folded))) is None:
            return None
        spans = set(read)
        told = self.told(text, harmless, [one for one in spans if one is not None])
        if told is not None and believed(told.said):
            return self.label_of(told.said), At(text=told.span)
        told = self.told(title, harmless) if title and None not in spans else None
        return (self.label_of(told.said), At(title=told.span)) if told is not None and believed(told.said) else None

    def told(self, text: str, harmless: re.Pattern[str], read: Sequence[Span] = ()) -> Told | None:
        """Return the loudest window of a text as it was written, without harmless phrases and what was `read` there."""
        told = (self._told(text[first:last], first, harmless, read) for first, last in _ends(text))
        return max((one for one in told if one is not None), key=lambda one: one.loudness, default=None)

    def _told(self, text: str, moved: int, harmless: re.Pattern[str], read: Sequence[Span]) -> Told | None:
        plain, offsets = aligned(text)
        apart = [(bisect_left(offsets, start - moved), bisect_left(offsets, end - moved)) for start, end in read]
        heard = self.loudest(plain, apart)
        if heard is not None:
            plain = harmless.sub(cover, plain)
            heard = self.loudest(plain, apart)
        if heard is None:
            return None
        span = moved + offsets[heard.start], moved + offsets[heard.end - 1] + 1
        return Told(heard.loudness, span, plain[heard.start : heard.end])

    def loudest(self, folded: str, apart: Sequence[Span] = ()) -> Heard | None:
        """Return the loudest window of a folded text that holds nothing of `apart`; None if none is loud enough."""
        runs = [(self._loudest(_clauses(folded[first:last])), first, last) for first, last in _runs(folded, apart)]
        windows = [(window, first, last) for window, first, last in runs if window is not None]
        if not windows:
            return None
        window, first, last = max(windows)
        loudness = window.loudness - self._among * math.log(sum(one.among for one, *_ in windows))
        if loudness < self._least:
            return None
        said = [one.span() for one in _SAID.finditer(folded, first, last)]
        return Heard(loudness, said[window.start][0], said[window.end - 1][1])

    def _loudest(self, clauses: _Clauses | None) -> _Window | None:
        """Return the loudest window of some clauses: sums to before each letter are made once, for all windows."""
        if clauses is None:
            return None
        starts, ends, keys, lasts, shares, among = clauses
        letters, weights = int(ends[-1]), self._weights.of(keys)
        pairs, edges = weights[letters : 2 * letters], weights[2 * letters :]
        begins, finishes = edges[: len(starts)], edges[len(starts) :]
        sums = np.concatenate((_NO_WEIGHT, np.cumsum(weights[:letters] + pairs)))
        before, after = begins - pairs[starts] - sums[starts], finishes + sums[ends]
        loud = (before + after[lasts]) * shares
        more, first = divmod(int(np.argmax(loud)), len(starts))
        return _Window(float(loud[more, first]), int(starts[first]), int(ends[lasts[more, first]]), among)

    def label_of(self, said: str) -> str:
        """Return the label that a folded text sounds like."""
        keys, _ = features([said_in(said).replace(_END, "")])
        return max(self._by_label, key=lambda name: float(self._by_label[name].of(keys).sum()))


def _ends(text: str) -> tuple[Span, ...]:
    """Return what of a text is heard: the whole, or either end of a long one."""
    return ((0, len(text)),) if len(text) <= MOST_HEARD else ((0, HALF_HEARD), (len(text) - HALF_HEARD, len(text)))


def _runs(folded: str, apart: Sequence[Span]) -> Iterator[Span]:
    """Yield what lies between the parts of a text that hold something of `apart`."""
    marked, done = bytearray(len(folded)), 0
    for start, end in apart:
        marked[start:end] = b"\1" * (end - start)
    for start, end in _parts(folded) if apart else ():
        if marked.find(1, start, end) >= 0:
            yield done, start
            done = end
    yield done, len(folded)


def _parts(folded: str) -> Iterator[Span]:
    """Yield where each sentence stands; of a long one, where each few of its clauses do."""
    for sentence in _SENTENCE.finditer(folded):
        start, end = sentence.span()
        if end - start <= MOST_APART:
            yield start, end
        else:
            yield from (part.span() for part in _CLAUSES.finditer(folded, start, end))


@lru_cache(maxsize=4)
def _clauses(folded: str) -> _Clauses | None:
    """Return the clauses that say anything, long ones in pieces; None of too few letters. Kept for who listens next."""
    return _numbered(tuple(CLAUSE.findall(_NEITHER.sub("", _NUMBER.sub("0", folded)))))


@lru_cache(maxsize=4)
def _numbered(clauses: tuple[str, ...]) -> _Clauses | None:
    """Return the features of some clauses. Kept for who listens to the same text, folded in another way."""
    said = "".join(clauses)
    if len(said) < LEAST_LETTERS:
        return None
    ends = np.array([*accumulate(map(len, clauses))])
    starts = np.concatenate((_NO_LETTERS, ends[:-1]))
    letters = letters_of(said)
    moved = letters << MOVED
    pairs = moved[:-1] | letters[1:]
    begins, finishes = letters[starts] | BEFORE << MOVED, moved[ends - 1] | AFTER
    lasts = np.minimum(np.add.outer(_MORE, np.arange(len(starts))), len(starts) - 1)
    keys = np.concatenate((moved, _NO_KEY, pairs, begins, finishes))
    among = sum(len(starts) - one for one in range(min(MOST_CLAUSES, len(starts))))
    return _Clauses(starts, ends, keys, lasts, _SHARES[ends[lasts] - starts], among)


def said_in(folded: str) -> str:
    """Return what is said in Han characters and in numbers, which are all the same: nobody taught us other words."""
    return _NOT_SAID.sub("", _NUMBER.sub("0", folded))
