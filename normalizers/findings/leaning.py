"""Leaning: which of several classes a whole text sounds like, by sentences of each.

Naive Bayes over characters and pairs of them, each once a text, counted from the sentences of a file when the rules are
read: the sentences are the rules, as in `hearing.py`. There the loudest clause of a text counts, here all of it does.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from normalizers import rules
from normalizers.findings.hearing import Sentence
from normalizers.findings.weights import Keys, counts, distinct, features_of_one
from normalizers.text import fold
from schemas.errors import MisconfiguredError

ADDED = 0.2
"""To how often each feature was counted: what was never seen is possible."""

NOTHING = "none"
"""The value of a sentence that is of no class: a greeting, a name alone, what belongs to none."""

_BLANK = re.compile(r"\s\s*")
_NUMBER = re.compile(r"\d\d*")  # as in `hearing.py`


class Leaning:
    """How likely the characters of a text are in the sentences of each label, as natural logarithms."""

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        known = [(one.labels, _said(fold(one.text))) for one in sentences]
        self.labels = tuple(sorted({label for labels, _ in known for label in labels}))
        by_label = [counts([text for labels, text in known if label in labels]) for label in self.labels]
        self._keys = distinct(np.concatenate([one.keys for one in by_label]))
        seen = np.stack([one.of(self._keys).astype(np.float32) for one in by_label], axis=1) + np.float32(ADDED)
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
    by_words = Judged(by_rule, told[by_rule] / sum(told.values()), "rule") if by_rule is not None else None
    if not likely:
        return by_words
    distances = behind(likely, labels if by_rule is not None else (*labels, NOTHING))
    sums = {label: told.get(label, 0.0) + hearing["weight"] * value for label, value in distances.items()}
    best = max(sums, key=lambda label: sums[label])
    sure = _share(sums, best)
    if best in (by_rule, NOTHING) or sure < hearing["least"]:
        return by_words
    return Judged(best, sure, "model")


def behind(likely: Mapping[str, float], labels: Iterable[str]) -> dict[str, float]:
    """Return by how much each of some labels is less likely than the likeliest of them: nothing or less."""
    some = {label: likely[label] for label in labels if label in likely}
    most = max(some.values(), default=0.0)
    return {label: value - most for label, value in some.items()}


def _share(sums: Mapping[str, float], label: str) -> float:
    """Return the part of one label in sums of logarithms."""
    return 1.0 / sum(math.exp(value - sums[label]) for value in sums.values())


@lru_cache(maxsize=2)
def _features(folded: str) -> tuple[int, Keys]:
    """Return how many characters a text has, and its features, each once. Kept for who asks next."""
    said = _said(folded)
    return len(said), distinct(features_of_one(said))


def _said(folded: str) -> str:
    return _NUMBER.sub("0", _BLANK.sub("", folded))


def hearing(subject: str, values: Collection[str], folder: Path | None) -> Leaning | None:
    """Return what hears classes, and topics of them (`class.topic`), by the lines of `<subject>_heard.tsv`.

    A city without such a file has those of our lines whose values it knows; None when a class of its own has none of
    them: all are heard, or none is. Raises MisconfiguredError for a file with a value that nobody knows, or that lacks
    a class.
    """
    file = f"{subject}_heard"
    lines = [(line["value"], line["text"]) for line in rules.table(file, ("value", "text"), folder)]
    known, classes = {*values, NOTHING}, {*map(_class_of, values), NOTHING}
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
