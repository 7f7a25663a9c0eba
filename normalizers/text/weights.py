"""Weights of text classifiers: read from the file that was fitted offline, or fitted from a city's own sentences.

Features are characters and pairs of them (`ngrams.py`), each once a sentence. `python -m normalizers.training` fits
those of the program's own sentences and writes `normalizers/rules/weights.npz`. Each fit has the digest of its
sentences as its name there: weights of other sentences are never read, and a city's own are fitted when its rules are.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normalizers.rules import precompiled
from normalizers.text.fold import fold
from normalizers.text.ngrams import END, Counts, Floats, Keys, counts, distinct, features

FILE = resources.files("normalizers.rules").joinpath("weights.npz")

ADDED = 0.5
"""Count that is added to each feature, so that an unseen one is possible (naive Bayes)."""

ADDED_TO_CLASSES = 0.2
"""The same for a comparison of classes."""

STEPS = 80
PENALTY = 0.02
"""Penalty of the squares of a regression's weights: features of few sentences get small weights."""

_POWER_STEPS = 8
_NUMBER_OF_SENTENCE = np.uint64(36)
_OF_ALL = 0.15
"""Value of the feature that all sentences have; its weight is the rarity of the subject."""

HAN = r"\u3400-\u9fff\U00020000-\U0003ffff"
NUMBER = precompiled.pattern(r"\d\d*")
r"""Pattern that begins with a set of characters, which `re` searches for; a repeat (`\d+`) would be tried at each
character."""

_END = chr(int(END))
_NOT_SAID = precompiled.pattern(rf"[^{HAN}\d{_END}][^{HAN}\d{_END}]*")
_BLANK = precompiled.pattern(r"\s\s*")


class Sentence(NamedTuple):
    """A line of a file with its labels; a line without labels is a counter-example, often a tempting one."""

    labels: tuple[str, ...]
    text: str


class Weights(NamedTuple):
    """Weights of a classifier, as natural logarithms."""

    keys: Keys
    """Features of the subject, in the order of their keys."""

    told: Floats
    """Log odds of each of them in sentences of the subject."""

    bias: float
    """Constant that is added to each sum."""

    labels: tuple[str, ...]
    """In the order of their names."""

    label_keys: Keys
    """Features of the labels, in the order of their keys."""

    by_label: NDArray[Any]
    """Log odds of each of them with each label: a row a feature, a column a label."""


Fit = Callable[[Sequence[Sentence]], Weights]


def said_in(folded: str) -> str:
    """Return the Han characters and numbers of a text, all numbers alike: the sentences have no other words."""
    return _NOT_SAID.sub("", NUMBER.sub("0", folded))


def without_blanks(folded: str) -> str:
    """Return a text in whatever script, without blanks, and with numbers that are all the same."""
    return NUMBER.sub("0", _BLANK.sub("", folded))


def naive_bayes(sentences: Sequence[Sentence]) -> Weights:
    """Fit the log odds of features in sentences of the subject against others: each sentence counts by itself."""
    by_labels = _said(sentences)
    telling = counts([text for labels, text in by_labels if labels])
    others = counts([text for labels, text in by_labels if not labels])
    keys = distinct(np.concatenate((telling.keys, others.keys)))
    return Weights(keys, _ratios(telling, others, keys), 0.0, *_of_labels(by_labels, telling))


def logistic_regression(sentences: Sequence[Sentence]) -> Weights:
    """Fit the difference between sentences and look-alikes by steps with momentum (Nesterov); deterministic."""
    by_labels = _said(sentences)
    keys, told, bias = _regressed([text for _, text in by_labels], [bool(labels) for labels, _ in by_labels])
    return Weights(keys, told, bias, *_of_labels(by_labels, counts([text for labels, text in by_labels if labels])))


def naive_bayes_of_classes(sentences: Sequence[Sentence]) -> Weights:
    """Fit how likely features are in the sentences of each label."""
    by_labels = [(one.labels, without_blanks(fold(one.text))) for one in sentences]
    labels = tuple(sorted({label for known, _ in by_labels for label in known}))
    counted = [counts([text for known, text in by_labels if label in known]) for label in labels]
    keys = distinct(np.concatenate([one.keys for one in counted]))
    seen = np.stack([one.of(keys).astype(np.float32) for one in counted], axis=1) + np.float32(ADDED_TO_CLASSES)
    return Weights(keys[:0], np.zeros(0), 0.0, labels, keys, np.log(seen / seen.sum(axis=0)))


def weights_of(fit: Fit, sentences: Sequence[Sentence]) -> Weights:
    """Return the weights of some sentences: those that were fitted offline, or else fitted now."""
    name = name_of(fit, sentences)
    if (fits := _RECORDED.get()) is not None:
        return fits.setdefault(name, fit(sentences))
    return offline().get(name) or _fitted(fit, tuple(sentences))


@contextmanager
def recorded() -> Iterator[dict[str, Weights]]:
    """Fit all weights that are requested in the block, also those of the file, and yield them by name."""
    fits: dict[str, Weights] = {}
    token = _RECORDED.set(fits)
    try:
        yield fits
    finally:
        _RECORDED.reset(token)


_RECORDED: ContextVar[dict[str, Weights] | None] = ContextVar("recorded fits", default=None)


def name_of(fit: Fit, sentences: Sequence[Sentence]) -> str:
    """Return the name of a fit: how it is done, and a digest of its sentences with their labels."""
    lines = "\n".join(["\t".join((*one.labels, one.text)) for one in sentences])
    return f"{fit.__name__}-{hashlib.sha256(lines.encode()).hexdigest()[:32]}"


@lru_cache(maxsize=8)
def _fitted(fit: Fit, sentences: tuple[Sentence, ...]) -> Weights:
    """Fit weights: of half a second at most, and a city's own folders mostly have the same sentences."""
    return fit(sentences)


# Labels and ratios.


def _said(sentences: Sequence[Sentence]) -> list[tuple[tuple[str, ...], str]]:
    said = said_in(fold(_END.join(one.text for one in sentences))).split(_END)
    return [(one.labels, text) for one, text in zip(sentences, said, strict=True)]


def _of_labels(
    by_labels: Sequence[tuple[tuple[str, ...], str]], telling: Counts
) -> tuple[tuple[str, ...], Keys, Floats]:
    """Return the log odds of features with each label against all sentences of the subject."""
    names = tuple(sorted({name for labels, _ in by_labels for name in labels}))
    with_label = [counts([text for labels, text in by_labels if name in labels]) for name in names]
    return names, telling.keys, np.stack([_ratios(one, telling, telling.keys) for one in with_label], axis=1)


def _ratios(some: Counts, others: Counts, keys: Keys) -> Floats:
    """Return how much likelier each feature is in some sentences than in others; `keys` are those of both."""
    totals = [one.numbers.sum() + ADDED * keys.size for one in (others, some)]
    ratios: Floats = np.log((some.of(keys) + ADDED) / (others.of(keys) + ADDED)) + np.log(totals[0] / totals[1])
    return ratios


def _regressed(said: Sequence[str], told: Sequence[bool]) -> tuple[Keys, Floats, float]:
    """Return the features, the weight of each, and the constant."""
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


# The file: arrays of numpy (.npz, no pickle), `<name>.<field>`. Keys are written as distances, and what labels weigh as
# numbers of its few different values, both for its size.


@cache
def offline() -> Mapping[str, Weights]:
    """Return the weights that were fitted offline, by the names of their fits; none without the file."""
    if not FILE.is_file():
        return MappingProxyType({})
    with FILE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        names = dict.fromkeys(one.rpartition(".")[0] for one in arrays.files)
        return MappingProxyType({name: read(arrays, name) for name in names})


_WRITTEN = ("keys", "told", "bias", "labels", "label_keys", "values", "codes")


def read(arrays: Mapping[str, NDArray[Any]], name: str) -> Weights:
    """Return one fit of the file's arrays."""
    of = {key: arrays[f"{name}.{key}"] for key in _WRITTEN}
    return Weights(
        keys=of["keys"].cumsum(dtype=np.uint64),
        told=of["told"],
        bias=float(of["bias"]),
        labels=tuple(of["labels"].tolist()),
        label_keys=of["label_keys"].cumsum(dtype=np.uint64),
        by_label=of["values"].take(of["codes"]),
    )


def written(name: str, weights: Weights) -> dict[str, NDArray[Any]]:
    """Return the arrays of one fit, as the file has them."""
    values, codes = np.unique(weights.by_label, return_inverse=True)
    nothing = np.uint64(0)
    of = {
        "keys": np.diff(weights.keys, prepend=nothing),
        "told": weights.told,
        "bias": np.array(weights.bias),
        "labels": np.array(weights.labels),
        "label_keys": np.diff(weights.label_keys, prepend=nothing),
        "values": values,
        "codes": codes.reshape(weights.by_label.shape).astype(np.min_scalar_type(values.size)),
    }
    return {f"{name}.{key}": of[key] for key in _WRITTEN}
