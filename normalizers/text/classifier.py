"""Scores texts by weighted characters and pairs of them: what no rule names, heard in how it is told.

The weights are fitted from the sentences of a file (`weights.py`). So the sentences are the rules here: what is heard
too easily gets a line of its own. There are three questions, each with its own fit:

* Does any clause, alone or with up to three behind it, tell of an emergency, of harm to a minor, of the wish not to be
  named? Naive Bayes: each sentence counts for itself, and the loudest window of clauses is heard. A regression over the
  same features saw less of sentences that neither knew.
* Is a whole message about it? Logistic regression: sentences are held against look-alikes of theirs (a court that
  judged, a court whose lamp is broken), and all of a message counts, since what is told in passing is not what it is
  about.
* Which of several classes does a whole text sound like? Naive Bayes of each class.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normalizers.rules import Rules, part, precompiled
from normalizers.text.fold import Span, aligned
from normalizers.text.matcher import cover
from normalizers.text.ngrams import (
    AFTER,
    BEFORE,
    MOVED,
    HashTable,
    Keys,
    distinct,
    features,
    features_of_one,
    letters_of,
)
from normalizers.text.spans import At
from normalizers.text.weights import (
    HAN,
    NUMBER,
    Fit,
    Sentence,
    Weights,
    naive_bayes,
    naive_bayes_of_classes,
    said_in,
    weights_of,
    without_blanks,
)
from schemas.errors import MisconfiguredError

HALF_HEARD = 16_384
MOST_HEARD = 2 * HALF_HEARD
"""Most characters of a text that are scored, half of them at either end; rules read all of it."""

MOST_CLAUSES = 4
"""Clauses of a window: a matter is described in so many."""

MOST_LETTERS = 30
"""Characters of a clause: text without punctuation is cut here."""

LEAST_LETTERS = 4
"""Least letters of a window: fewer prove nothing, and any of them would be loud; they score 0."""

LENGTH = 0.4
"""The power of a window's length that the sum of its weights is divided by, between a sum (0) and a mean (1)."""

MOST_READ = 4_000
"""Characters of a message that are scored: its subject stands there."""

SHORT = 40
"""Letters of a message; a longer one has to be louder."""

_LEAST_READ = 3
"""Letters of a message: fewer are about nothing."""

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
_SENTENCE = precompiled.pattern(rf"[^{_STOPS}][^{_STOPS}]*")
CLAUSE = precompiled.pattern(rf"[^{_SEPARATORS}]{{1,{MOST_LETTERS}}}")
"""What stands between two separators, of a long one a piece."""

_CLAUSES = precompiled.pattern(rf".{{1,{MOST_APART // 2}}}(?:[{_SEPARATORS}]|$)|.{{1,{MOST_APART // 2}}}")
_SAID = precompiled.pattern(rf"[{HAN}]|\d+")
_NEITHER = precompiled.pattern(rf"[^{HAN}\d{_SEPARATORS}][^{HAN}\d{_SEPARATORS}]*")
_MORE = np.arange(MOST_CLAUSES)
_NO_WEIGHT, _NO_KEY, _NO_LETTERS = np.zeros(1), np.zeros(1, np.uint64), np.zeros(1, np.int64)


class Heard(NamedTuple):
    """The loudest window of a folded text, from `start` to before `end`, and its score."""

    loudness: float
    start: int
    end: int


class Told(NamedTuple):
    """The loudest window of an unfolded text: its score, position and folded words."""

    loudness: float
    span: Span
    said: str


class _Clauses(NamedTuple):
    """Letters of a text, positions of its clauses among them, and the keys of all features.

    The keys are those of the letters, of pairs of letters, and of each clause's begin and end. A window is a clause
    and some following ones: `lasts` is the last clause of each, `shares` the factor of its sum, and `among` the
    number of windows.
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


class TextClassifier:
    """Log odds that a text has a subject, and its label.

    The loudest of many windows loses `among` for each factor e in their number: one of many is loud by chance, and a
    long complaint should hardly be recognised more often than a short one. A whole message loses `among` likewise for
    its length. A window below `least` is ignored.
    """

    def __init__(self, weights: Weights, among: float = 0.0, least: float = -math.inf) -> None:
        self.labels = weights.labels
        self._weights, self._among, self._least = weights, among, least

    @classmethod
    def fitted(
        cls, fit: Fit, sentences: Iterable[Sentence], among: float = 0.0, least: float = -math.inf
    ) -> "TextClassifier":
        """Return the classifier of some sentences: by weights that were fitted offline, if those are the program's."""
        return cls(weights_of(fit, tuple(sentences)), among, least)

    # The loudest window of clauses.

    def message(
        self,
        title: str | None,
        text: str,
        folded: str,
        harmless: re.Pattern[str],
        read: Iterable[Span | None],
        believed: Callable[[str], bool] = bool,
    ) -> tuple[str, At] | None:
        """Return the label of a message's subject, and its position.

        `folded` is title and text: most messages end here, because it is not loud. The part that was `read` in the
        text (None: in the title) is left out. `believed` decides by the label's words.
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
        """Return the loudest window of an unfolded text, without harmless phrases and the parts that were `read`."""
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

    def loudness_of_window(self, folded: str) -> float:
        """Return how loud the loudest window of a short folded text is; minus infinity for too few letters."""
        window = self._loudest(_clauses(folded))
        return window.loudness if window is not None else -math.inf

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
        letters, weights = int(ends[-1]), self._table.of(keys)
        pairs, edges = weights[letters : 2 * letters], weights[2 * letters :]
        begins, finishes = edges[: len(starts)], edges[len(starts) :]
        sums = np.concatenate((_NO_WEIGHT, np.cumsum(weights[:letters] + pairs)))
        before, after = begins - pairs[starts] - sums[starts], finishes + sums[ends]
        loud = (before + after[lasts]) * shares
        more, first = divmod(int(np.argmax(loud)), len(starts))
        return _Window(float(loud[more, first]), int(starts[first]), int(ends[lasts[more, first]]), among)

    @cached_property
    def _table(self) -> HashTable:
        return HashTable(self._weights.keys, self._weights.told)

    def label_of(self, said: str) -> str:
        """Return the label of a folded window; repeated words count again."""
        return self._label_of(features([said_in(said)])[0])

    def _label_of(self, keys: Keys) -> str:
        known, by_label = self._weights.label_keys, self._weights.by_label
        at = np.minimum(known.searchsorted(keys), known.size - 1)
        weights = np.where((known[at] == keys)[:, None], by_label.take(at, axis=0), 0.0)
        return self.labels[int(np.ascontiguousarray(weights.T).sum(axis=1).argmax())]

    # A whole message.

    def loudness(self, folded: str) -> float:
        """Return the log odds that a folded message has the subject."""
        said = said_in(folded[:MOST_READ])
        if len(said) < _LEAST_READ:
            return -math.inf
        total, number = self._sum(said)
        odds = total / math.sqrt(number) + self._weights.bias
        return odds - self._among * math.log(max(len(said) / SHORT, 1.0))

    def label_of_message(self, folded: str) -> str:
        """Return the label that a folded message sounds like."""
        return self._label_of(distinct(features_of_one(said_in(folded[:MOST_READ]))))

    def loudest_clause(self, folded: str) -> tuple[float, Span] | None:
        """Return the clause of a folded text that says most of it, and how much; None without any."""
        clauses = CLAUSE.finditer(folded, 0, MOST_READ)
        return max(((self._sum(said_in(one[0]))[0], one.span()) for one in clauses), default=None)

    def _sum(self, said: str) -> tuple[float, int]:
        """Return the sum of all weights, and the number of features; repeated words count once."""
        known, keys = self._weights.keys, distinct(features_of_one(said))
        at = np.minimum(known.searchsorted(keys), known.size - 1)
        return float(np.where(known[at] == keys, self._weights.told[at], 0.0).sum()), keys.size

    # Classes of a whole text.

    def leans(self, folded: str) -> dict[str, float]:
        """Return how likely a folded text is for each label; nothing for a text that has nothing of any sentence.

        A sum of logarithms, divided by the root of the number of characters: a long text says the same again.
        """
        known = self._weights.label_keys
        said, keys = _features(folded)
        at = np.minimum(known.searchsorted(keys), known.size - 1)
        there = at[known[at] == keys]
        if not there.size:
            return {}
        likely = self._weights.by_label.take(there, axis=0).sum(axis=0) / math.sqrt(said)
        return dict(zip(self.labels, likely.tolist(), strict=True))


def _ends(text: str) -> tuple[Span, ...]:
    """Return the scored part of a text: the whole, or either end of a long one."""
    return ((0, len(text)),) if len(text) <= MOST_HEARD else ((0, HALF_HEARD), (len(text) - HALF_HEARD, len(text)))


def _runs(folded: str, apart: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a text between those that contain one of `apart`."""
    marked, done = bytearray(len(folded)), 0
    for start, end in apart:
        marked[start:end] = b"\1" * (end - start)
    for start, end in _parts(folded) if apart else ():
        if marked.find(1, start, end) >= 0:
            yield done, start
            done = end
    yield done, len(folded)


def _parts(folded: str) -> Iterator[Span]:
    """Yield the position of each sentence; of a long one, of every few clauses."""
    for sentence in _SENTENCE.finditer(folded):
        start, end = sentence.span()
        if end - start <= MOST_APART:
            yield start, end
        else:
            yield from (part.span() for part in _CLAUSES.finditer(folded, start, end))


@lru_cache(maxsize=4)
def _clauses(folded: str) -> _Clauses | None:
    """Return the clauses with words, long ones in pieces; None if there are too few letters. Cached for the next
    classifier.
    """
    return _numbered(tuple(CLAUSE.findall(_NEITHER.sub("", NUMBER.sub("0", folded)))))


@lru_cache(maxsize=4)
def _numbered(clauses: tuple[str, ...]) -> _Clauses | None:
    """Return the features of some clauses. Cached for the next classifier of the same text."""
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


# Sentences by which a subject is heard, ready to be asked: a file of them, and `[hearing]` of the subject's rules.

NOTHING = "none"
"""The value of a sentence without the subject."""


def hearing(subject: str, sentences: Sequence[Sentence], rules: Rules) -> TextClassifier:
    """Return the classifier of a subject, fitted by these sentences."""
    said = settings(subject, rules)
    return TextClassifier.fitted(naive_bayes, sentences, said["among"], said["least"])


def settings(subject: str, rules: Rules) -> dict[str, Any]:
    """Return `[hearing]` of a subject's rules."""
    said: dict[str, Any] = rules.toml(subject)["hearing"]
    return said


def sentences(subject: str, values: Collection[str], rules: Rules) -> tuple[Sentence, ...]:
    """Return the lines of `<subject>_heard.tsv`, and ordinary ones: `ordinary.tsv`, and no emergency of `heard.tsv`.

    Raises MisconfiguredError for an unknown value, or for a file with one kind of lines only.
    """
    file = f"{subject}_heard"
    lines = rules.table(file, ("value", "text"))
    unknown = {line["value"] for line in lines} - {*values, NOTHING}
    if unknown:
        raise MisconfiguredError(f"{file}.tsv has unknown values: {', '.join(sorted(unknown))}.")
    own = [Sentence((line["value"],) if line["value"] != NOTHING else (), line["text"]) for line in lines]
    return *of_both_kinds(file, own), *ordinary(rules), *_calm(rules)


@part("heard.tsv")
def _calm(rules: Rules) -> tuple[Sentence, ...]:
    """Return the lines of `heard.tsv` that are no emergencies. Three subjects ask for them."""
    emergencies = rules.table("heard", ("expected", "classes", "text"))
    return tuple(Sentence((), line["text"]) for line in emergencies if line["expected"] == NOTHING)


@part("ordinary.tsv")
def ordinary(rules: Rules) -> tuple[Sentence, ...]:
    """Return the clauses of ordinary letters, which have none of the subjects."""
    return tuple(Sentence((), line["text"]) for line in rules.table("ordinary", ("text",)))


def of_both_kinds(file: str, found: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Return the sentences of a file. Raises MisconfiguredError if all of them, or none, have the subject."""
    if len({bool(one.labels) for one in found}) < 2:
        raise MisconfiguredError(f"{file}.tsv needs sentences of both classes, because it compares them.")
    return tuple(found)


# Which of several classes a whole text sounds like, beside its cues.

LEANING_NOTHING = "none"
"""The value of a sentence without a class: a greeting, a name alone."""


class Judged(NamedTuple):
    """The label of a text, its certainty (0 to 1), and its source: words (rule) or sound (model)."""

    label: str
    score: float
    source: str


def judged(
    told: Mapping[str, float],
    by_rule: str | None,
    likely: Mapping[str, float],
    labels: Iterable[str],
    hearing: Mapping[str, Any],
) -> Judged | None:
    """Return the label with the highest sum of words and sound; None for no class.

    `told` has the sums of words or cues, `by_rule` their label (None if they are too few). A text without them may
    sound like none. `hearing` is that of the rules: sound counts `weight` times, and is ignored below `least`.
    """
    by_words = Judged(by_rule, told[by_rule] / math.fsum(told.values()), "rule") if by_rule is not None else None
    if not likely:
        return by_words
    distances = behind(likely, labels if by_rule is not None else (*labels, LEANING_NOTHING))
    sums = {label: told.get(label, 0.0) + hearing["weight"] * value for label, value in distances.items()}
    best = max(sums, key=lambda label: sums[label])
    sure = _share(sums, best)
    if best in (by_rule, LEANING_NOTHING) or sure < hearing["least"]:
        return by_words
    return Judged(best, sure, "model")


def behind(likely: Mapping[str, float], labels: Iterable[str]) -> dict[str, float]:
    """Return by how much each of some labels is less likely than the likeliest of them: nothing or less."""
    some = {label: likely[label] for label in labels if label in likely}
    most = max(some.values(), default=0.0)
    return {label: value - most for label, value in some.items()}


def _share(sums: Mapping[str, float], label: str) -> float:
    """Return the part of one label in sums of logarithms."""
    # sum() of floats compensates since Python 3.12 and not before; an exact sum is the same in each version.
    return 1.0 / math.fsum(math.exp(value - sums[label]) for value in sums.values())


@lru_cache(maxsize=2)
def _features(folded: str) -> tuple[int, Keys]:
    """Return the number of characters of a text, and its features, each once. Cached for the next call."""
    said = without_blanks(folded)
    return len(said), distinct(features_of_one(said))


def leaning_hearing(subject: str, values: Collection[str], rules: Rules) -> TextClassifier | None:
    """Return the classifier of classes, and of topics of them (`class.topic`), by the lines of `<subject>_heard.tsv`.

    A city without such a file uses the shipped lines whose values it knows; None if one of its own classes has no
    lines: the classifier knows all classes or is not used. Raises MisconfiguredError for a file with an unknown
    value, or without lines for a class.
    """
    file = f"{subject}_heard"
    lines = [(line["value"], line["text"]) for line in rules.table(file, ("value", "text"))]
    known, classes = {*values, LEANING_NOTHING}, {*map(_class_of, values), LEANING_NOTHING}
    is_ours = rules.folder is not None and not rules.has_any((f"{file}.tsv",))
    if is_ours:
        lines = [(value, text) for value, text in lines if value in known]
    elif unknown := {value for value, _ in lines} - known:
        raise MisconfiguredError(f"{file}.tsv has unknown values: {', '.join(sorted(unknown))}.")
    lacking = classes - {_class_of(value) for value, _ in lines}
    if lacking and not is_ours:
        raise MisconfiguredError(f"{file}.tsv has no sentence of {', '.join(sorted(lacking))}: it needs all of them.")
    labels = (tuple(dict.fromkeys((_class_of(value), value))) for value, _ in lines)
    if lacking:
        return None
    return TextClassifier.fitted(naive_bayes_of_classes, map(Sentence, labels, (text for _, text in lines)))


def _class_of(value: str) -> str:
    return value.split(".", 1)[0]
