"""What no rule names, heard in how it is told: an emergency, harm to a minor, the wish not to be named.

Each clause, and each with up to three behind it, is weighed by its characters and pairs of them: naive Bayes (add a
half, each once a sentence), counted from the sentences of a file when the rules are read. So the sentences are the
rules here: what is heard too easily gets a line of its own. A regression over the same features saw less of sentences
that neither knew.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normalizers import rules
from normalizers.text.fold import Span, aligned, fold
from normalizers.text.matcher import cover
from normalizers.text.ngrams import (
    AFTER,
    BEFORE,
    END,
    MOVED,
    Keys,
    Ratio,
    Weights,
    counts,
    distinct,
    features,
    features_of_one,
    letters_of,
)
from normalizers.text.spans import At
from schemas.errors import MisconfiguredError

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


# Sentences by which a subject is heard, ready to be asked: a file of them, and `[hearing]` of the subject's rules.

NOTHING = "none"
"""The value of a sentence that tells nothing of the kind."""


def hearing(subject: str, sentences: Sequence[Sentence], folder: Path | None) -> Hearing:
    """Return what hears a subject by these sentences."""
    said = settings(subject, folder)
    return Hearing(sentences, said["among"], said["least"])


def settings(subject: str, folder: Path | None) -> dict[str, Any]:
    """Return `[hearing]` of a subject's rules."""
    said: dict[str, Any] = rules.load(subject, folder)["hearing"]
    return said


def sentences(subject: str, values: Collection[str], folder: Path | None) -> tuple[Sentence, ...]:
    """Return the lines of `<subject>_heard.tsv`, and ordinary ones: of `ordinary.tsv`, and no emergency of `heard.tsv`.

    Raises MisconfiguredError for a value that nobody knows, or when the file itself has but one kind.
    """
    file = f"{subject}_heard"
    lines = rules.table(file, ("value", "text"), folder)
    unknown = {line["value"] for line in lines} - {*values, NOTHING}
    if unknown:
        raise MisconfiguredError(f"{file}.tsv has values that nobody knows: {', '.join(sorted(unknown))}.")
    own = [Sentence((line["value"],) if line["value"] != NOTHING else (), line["text"]) for line in lines]
    emergencies = rules.table("heard", ("expected", "classes", "text"), folder)
    calm = (Sentence((), line["text"]) for line in emergencies if line["expected"] == NOTHING)
    return *of_both_kinds(file, own), *ordinary(folder), *calm


def ordinary(folder: Path | None) -> tuple[Sentence, ...]:
    """Return the clauses of ordinary letters, which tell nothing of any kind."""
    return tuple(Sentence((), line["text"]) for line in rules.table("ordinary", ("text",), folder))


def of_both_kinds(file: str, found: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Return the sentences of a file. Raises MisconfiguredError when all of them tell it, or none does."""
    if len({bool(one.labels) for one in found}) < 2:
        raise MisconfiguredError(f"{file}.tsv needs sentences that tell it and others that do not: it compares them.")
    return tuple(found)


# Leaning: which of several classes a whole text sounds like, by sentences of each.
#
# Naive Bayes over characters and pairs of them, each once a text, counted from the sentences of a file when the rules
# are read: the sentences are the rules, as in `hearing.py`. There the loudest clause of a text counts, here all of it
# does.

LEANING_ADDED = 0.2
"""To how often each feature was counted: what was never seen is possible."""

LEANING_NOTHING = "none"
"""The value of a sentence that is of no class: a greeting, a name alone, what belongs to none."""

_BLANK = re.compile(r"\s\s*")
_LEANING_NUMBER = re.compile(r"\d\d*")  # as in `hearing.py`


class Leaning:
    """How likely the characters of a text are in the sentences of each label, as natural logarithms."""

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        known = [(one.labels, _said(fold(one.text))) for one in sentences]
        self.labels = tuple(sorted({label for labels, _ in known for label in labels}))
        by_label = [counts([text for labels, text in known if label in labels]) for label in self.labels]
        self._keys = distinct(np.concatenate([one.keys for one in by_label]))
        seen = np.stack([one.of(self._keys).astype(np.float32) for one in by_label], axis=1) + np.float32(LEANING_ADDED)
        self._likely = np.log(seen / seen.sum(axis=0))

    def leans(self, folded: str) -> dict[str, float]:
        """Return how likely a folded text is for each label; nothing for a text that has nothing of any sentence.

        A sum of logarithms, divided by the root of the number of characters: a long text says the same again.
        """
        said, keys = _features(folded)
        at = np.minimum(self._keys.searchsorted(keys), self._keys.size - 1)
        there = at[self._keys[at] == keys]
        if not there.size:
            return {}
        likely = self._likely.take(there, axis=0).sum(axis=0) / math.sqrt(said)
        return dict(zip(self.labels, likely.tolist(), strict=True))


class Judged(NamedTuple):
    """The label that a text is given, how sure that is (0 to 1), and by what: what is told (rule) or heard (model)."""

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
    """Return the label for which what is told, and what it sounds like, speak most together; None for no class.

    `told` has sums of what words or cues say, `by_rule` the label that they say (None when it is too little). What they
    do not tell may sound like nothing. `hearing` is that of the rules: sound counts `weight` times, and what is not
    `least` sure is not heard.
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
    """Return how many characters a text has, and its features, each once. Kept for who asks next."""
    said = _said(folded)
    return len(said), distinct(features_of_one(said))


def _said(folded: str) -> str:
    return _LEANING_NUMBER.sub("0", _BLANK.sub("", folded))


def leaning_hearing(subject: str, values: Collection[str], folder: Path | None) -> Leaning | None:
    """Return what hears classes, and topics of them (`class.topic`), by the lines of `<subject>_heard.tsv`.

    A city without such a file has those of our lines whose values it knows; None when a class of its own has none of
    them: all are heard, or none is. Raises MisconfiguredError for a file with a value that nobody knows, or that lacks
    a class.
    """
    file = f"{subject}_heard"
    lines = [(line["value"], line["text"]) for line in rules.table(file, ("value", "text"), folder)]
    known, classes = {*values, LEANING_NOTHING}, {*map(_class_of, values), LEANING_NOTHING}
    is_ours = folder is not None and not (folder / f"{file}.tsv").is_file()
    if is_ours:
        lines = [(value, text) for value, text in lines if value in known]
    elif unknown := {value for value, _ in lines} - known:
        raise MisconfiguredError(f"{file}.tsv has values that nobody knows: {', '.join(sorted(unknown))}.")
    lacking = classes - {_class_of(value) for value, _ in lines}
    if lacking and not is_ours:
        raise MisconfiguredError(
            f"{file}.tsv has no sentence of {', '.join(sorted(lacking))}: it compares all of them."
        )
    labels = (tuple(dict.fromkeys((_class_of(value), value))) for value, _ in lines)
    return None if lacking else Leaning(map(Sentence, labels, (text for _, text in lines)))


def _class_of(value: str) -> str:
    return value.split(".", 1)[0]
