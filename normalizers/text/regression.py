"""Logistic regression: how a whole message sounds, by sentences of a kind and ordinary ones with the same words."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from normalizers.text.classifier import CLAUSE, Sentence, said_in
from normalizers.text.fold import Span, fold
from normalizers.text.ngrams import Floats, Keys, Ratio, counts, distinct, features, features_of_one

# What a whole message sounds like, by sentences that tell it and ordinary ones with the same words.
#
# Logistic regression over characters and pairs of them, each once a sentence, fitted when the rules are read: the
# sentences are the rules, as in `hearing.py`. There each sentence counts for itself and the loudest clause is heard;
# here sentences are held against look-alikes of theirs (a court that judged, a court whose lamp is broken), and all of
# a message counts, since what is told in passing is not what it is about.

MOST_READ = 4_000
"""Characters of a message: what it is about is said there."""

SHORT = 40
"""Letters of a message; a longer one has to be louder."""

ADDED = 0.5
"""To how often a feature was counted with each label, as in `hearing.py`."""

STEPS = 80
PENALTY = 0.02
"""Of the weights' squares: what few sentences have weighs little."""

_POWER_STEPS = 8
_NUMBER_OF_SENTENCE = np.uint64(36)
_LEAST_LETTERS = 3
_NOTHING = -math.inf
_OF_ALL = 0.15
"""The value of the feature that all sentences have: its weight is how rare it is to tell anything."""


class Regression:
    """How much likelier than not a message is one of those told, as a logarithm of odds.

    A message that is e times as long as a short one has to be louder by `among`.
    """

    def __init__(self, sentences: Sequence[Sentence], among: float) -> None:
        said = [said_in(fold(one.text)) for one in sentences]
        telling = [(one.labels, text) for one, text in zip(sentences, said, strict=True) if one.labels]
        names = sorted({name for labels, _ in telling for name in labels})
        all_told = counts([text for _, text in telling])
        self._by_label = {
            name: Ratio(counts([text for labels, text in telling if name in labels]), all_told, ADDED) for name in names
        }
        self._keys, self._weights, self._before = _fitted(tuple(said), tuple(bool(one.labels) for one in sentences))
        self._among = among

    def loudness(self, folded: str) -> float:
        """Return how much a folded message sounds like what is told."""
        said = said_in(folded[:MOST_READ])
        if len(said) < _LEAST_LETTERS:
            return _NOTHING
        total, number = self._sum(said)
        odds = total / math.sqrt(number) + self._before
        return odds - self._among * math.log(max(len(said) / SHORT, 1.0))

    def label_of(self, folded: str) -> str:
        """Return the label that a folded message sounds like."""
        keys = distinct(features_of_one(said_in(folded[:MOST_READ])))
        return max(self._by_label, key=lambda name: float(self._by_label[name].of(keys).sum()))

    def loudest(self, folded: str) -> tuple[float, Span] | None:
        """Return the clause of a folded text that says most of it, and how much; None without any."""
        clauses = CLAUSE.finditer(folded, 0, MOST_READ)
        return max(((self._sum(said_in(one[0]))[0], one.span()) for one in clauses), default=None)

    def _sum(self, said: str) -> tuple[float, int]:
        """Return the sum of all weights, and of how many features: what is said again has no more of them."""
        keys = distinct(features_of_one(said))
        at = np.minimum(self._keys.searchsorted(keys), self._keys.size - 1)
        return float(np.where(self._keys[at] == keys, self._weights[at], 0.0).sum()), keys.size


@lru_cache(maxsize=4)
def _fitted(said: tuple[str, ...], told: tuple[bool, ...]) -> tuple[Keys, Floats, float]:
    """Return features, the weight of each, and what is added: by steps with momentum (Nesterov), always the same.

    It takes a third of a second, and a city's own folder mostly has the same sentences: those are fitted once.
    """
    is_told = np.array(told)
    found, sentence = features(said)
    once = distinct(found | (sentence << _NUMBER_OF_SENTENCE))
    rows = (once >> _NUMBER_OF_SENTENCE).astype(np.int64)
    found = once & np.uint64((1 << int(_NUMBER_OF_SENTENCE)) - 1)
    keys = distinct(found)
    columns = keys.searchsorted(found)
    values = np.bincount(rows)[rows] ** -0.5
    columns, rows = np.append(columns, np.full(len(said), keys.size)), np.append(rows, np.arange(len(said)))
    values = np.append(values, np.full(len(said), _OF_ALL))

    def odds(weights: Floats) -> Floats:
        return np.asarray(np.bincount(rows, values * weights[columns], len(said)), np.float64)

    def of_features(of_sentences: Floats) -> Floats:
        return np.asarray(np.bincount(columns, values * of_sentences[rows], keys.size + 1), np.float64)

    steep = np.ones(keys.size + 1)
    for _ in range(_POWER_STEPS):
        steep = of_features(odds(steep / np.linalg.norm(steep)))
    pace = 1.0 / (float(np.linalg.norm(steep)) / 4.0 + PENALTY)
    weights = moved = np.zeros(keys.size + 1)
    momentum = 1.0
    for _ in range(STEPS):
        wrong = 1.0 / (1.0 + np.exp(-odds(moved))) - is_told
        after = moved - pace * (of_features(wrong) + PENALTY * moved)
        following = (1.0 + math.sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0
        moved = after + (momentum - 1.0) / following * (after - weights)
        weights, momentum = after, following
    return keys, weights[:-1], float(weights[-1] * _OF_ALL)
