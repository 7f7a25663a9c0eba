"""A city's own category model: a linear one over pairs of characters, learned by `hotline learn category`."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from normalizers.findings import model_files
from schemas.records import Finding

GRAMS = (1, 2)
"""Characters a feature is made of: measured better than longer ones on some thousand messages."""

FEATURES = 2**18
MOST_CHARACTERS = 4_000

Floats = npt.NDArray[np.float32]


class Card(Struct, frozen=True, kw_only=True):
    """What is known of a model: kept beside it as JSON, for people."""

    sha256: str
    labels: dict[str, int]
    rows: int
    data_sha256: str
    accuracy: float
    macro_f1: float
    least: float
    made_with: str


class CategoryModel:
    """Weights by label; the scores are calibrated (Platt), so that 0.9 is right nine times of ten."""

    def __init__(self, card: Card, arrays: dict[str, Floats]) -> None:
        self.card = card
        self._labels = sorted(card.labels)
        self._arrays = arrays

    def category(self, title: str, text: str) -> Finding | None:
        """Return the most probable category of a folded message, None when the model is not sure enough."""
        scores = self.scores(title, text)
        best = int(np.argmax(scores))
        if scores[best] < self.card.least:
            return None
        version = f"model.{self.card.sha256[:12]}"
        score = round(float(scores[best]), 3)
        return Finding(kind="category", value=self._labels[best], score=score, source="model", version=version)

    def scores(self, title: str, text: str) -> Floats:
        """Return the probability of each label, in the order of their names."""
        row = counts([words_of(title, text)])
        values = (1.0 + np.log(row.data)) * self._arrays["idf"][row.indices]
        values /= max(float(np.linalg.norm(values)), 1e-12)
        margins = self._arrays["coefficients"][:, row.indices] @ values + self._arrays["intercepts"]
        chances = 1.0 / (1.0 + np.exp(self._arrays["slopes"] * margins + self._arrays["offsets"]))
        chances = np.maximum(chances, 1e-12)
        calibrated: Floats = (chances / chances.sum()).astype(np.float32)
        return calibrated


def words_of(title: str, text: str) -> str:
    """Return what is looked at of a folded message."""
    return f"{title}{text[:MOST_CHARACTERS]}".replace(" ", "")


def counts(texts: list[str]) -> Any:
    """Return the hashed counts of character n-grams, one sparse row a text."""
    return _vectorizer().transform(texts)


def weighed(rows: Any, idf: Floats) -> Any:
    """Return rows of counts as unit vectors: logarithm of the count, times the weight of the feature."""
    from sklearn.preprocessing import normalize

    rows = rows.astype(np.float32)
    rows.data = (1.0 + np.log(rows.data)) * idf[rows.indices]
    return normalize(rows, copy=False)


@cache
def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer="char", ngram_range=GRAMS, n_features=FEATURES, norm=None, alternate_sign=False, lowercase=False
    )


def load(path: Path) -> CategoryModel:
    """Return the model in `path` (.npz), with its card beside it (.json).

    Raises MisconfiguredError when one is missing, or the model is not the one that the card describes.
    """
    _, card = model_files.read(path, "category", Card)
    with np.load(path, allow_pickle=False) as arrays:
        return CategoryModel(card, {name: arrays[name] for name in arrays.files})


def save(folder: Path, arrays: dict[str, Floats], card: dict[str, Any]) -> Path:
    """Write a model and its card, and return the model's path; the name holds the digest of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".category.npz"
    np.savez_compressed(draft, **arrays)  # type: ignore[arg-type] # numpy's stub takes the names for its own options
    return model_files.keep(draft, "category", card)
