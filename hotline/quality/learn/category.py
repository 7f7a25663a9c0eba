"""Learn a city's categories from labelled messages: a linear model over character n-grams, calibrated and measured."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hotline.quality.learn.labelled import Labelled
from normalizers.enrich import category
from normalizers.enrich import category as category_model
from normalizers.rules import Rules
from normalizers.text.fold import fold
from schemas.errors import MisconfiguredError

FOLDS = 5
LEAST_OF_A_LABEL = 2 * FOLDS
"""Messages that a label needs: each fold must learn it and be asked for it."""

LEAST_SURE = 0.5
"""A model's answer that is less probable is left to the rules."""

_SEED = 20261125


def learn(rows: Sequence[Labelled], folder: Path, rules: Rules) -> Path:
    """Train on labelled messages, write the model and its card into `folder`, and return the model's path.

    A label that names a class (城乡建设) becomes its code; `rules` may hold the city's own classes. The scores
    on the card are those of cross-validation in which equal texts never stand on both sides. Raises MisconfiguredError
    for too few messages.
    """
    kept = _distinct(rows, category.codes(rules))
    names = Counter(row.label for row in kept)
    if len(names) < 2:
        raise MisconfiguredError(
            f"Too few messages to learn from: give at least two categories with {LEAST_OF_A_LABEL} messages each."
        )
    labels = np.array([row.label for row in kept])
    words = category_model.counts([category_model.words_of(row.title, row.text) for row in kept])
    guessed = _cross_validated(words, labels)
    idf = _idf(words)
    fitted = _classifier().fit(category_model.weighed(words, idf), labels)
    card = {
        "labels": dict(sorted(names.items())),
        "rows": len(kept),
        "data_sha256": hashlib.sha256("\n".join(sorted(map("\t".join, kept))).encode()).hexdigest(),
        **_scores(labels, guessed),
        "least": LEAST_SURE,
        "made_with": f"scikit-learn {version('scikit-learn')}",
    }
    return category_model.save(folder, _arrays(fitted, idf), card)


def _distinct(rows: Sequence[Labelled], codes: Mapping[str, str]) -> list[Labelled]:
    """Fold the messages, drop repeats and labels that are too rare, and name the classes of the rules by code."""
    folded = {
        (title := fold(row.title), text := fold(row.text)): Labelled(title, text, codes.get(row.label, row.label))
        for row in rows
    }
    often = Counter(row.label for row in folded.values())
    return [row for row in folded.values() if often[row.label] >= LEAST_OF_A_LABEL]


def _classifier() -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import LinearSVC

    return CalibratedClassifierCV(LinearSVC(C=1.0, random_state=_SEED), method="sigmoid", cv=FOLDS, ensemble=False)


def _cross_validated(words: Any, labels: Any) -> Any:
    """Return a guess for each message by a model that has not seen it; the weights too are made without it."""
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import LinearSVC

    guessed = labels.copy()
    for known, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=_SEED).split(words, labels):
        idf = _idf(words[known])
        model = LinearSVC(C=1.0, random_state=_SEED).fit(category_model.weighed(words[known], idf), labels[known])
        guessed[asked] = model.predict(category_model.weighed(words[asked], idf))
    return guessed


def _idf(words: Any) -> Any:
    texts = words.shape[0]
    seen = np.bincount(words.indices, minlength=words.shape[1])
    return (np.log((1 + texts) / (1 + seen)) + 1).astype(np.float32)


def _scores(labels: Any, guessed: Any) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, f1_score

    macro = float(f1_score(labels, guessed, average="macro"))
    return {"accuracy": round(float(accuracy_score(labels, guessed)), 4), "macro_f1": round(macro, 4)}


def _arrays(fitted: Any, idf: Any) -> dict[str, Any]:
    """Return the weights of each label; of two labels the classifier keeps one row, which is turned into two."""
    (calibrated,) = fitted.calibrated_classifiers_
    linear = calibrated.estimator
    coefficients, intercepts = linear.coef_, linear.intercept_
    slopes = np.array([one.a_ for one in calibrated.calibrators])
    offsets = np.array([one.b_ for one in calibrated.calibrators])
    if len(coefficients) == 1:
        coefficients, intercepts = np.vstack([-coefficients, coefficients]), np.array([-intercepts[0], intercepts[0]])
        slopes, offsets = np.repeat(slopes, 2), np.array([-offsets[0], offsets[0]])
    made = {"coefficients": coefficients, "intercepts": intercepts, "slopes": slopes, "offsets": offsets, "idf": idf}
    return {name: np.asarray(values, dtype=np.float32) for name, values in made.items()}
