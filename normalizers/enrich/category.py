"""Category (事项分类): what a text is about, by words, with the classes and words as data (`rules/category.toml`).

What words tell is added to what the whole sounds like (`classifier.py`), by the sentences of `category_heard.tsv`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from normalizers.rules import DEFAULT_RULES, Rules, part
from normalizers.text import classifier, model_files
from normalizers.text.classifier import TextClassifier
from normalizers.text.fold import fold
from normalizers.text.matcher import Words
from normalizers.text.spans import Folded
from schemas.records import Finding

MOST_CHARACTERS = 4_000
"""Of a text: what it is about is said before that."""


Read = Mapping[int, tuple[int, int]]
"""The number and end of the longest word that begins at each place."""


class Weighed(NamedTuple):
    """What one word tells: sums by topic."""

    topics: tuple[tuple[str, float], ...]


class Rulebook(NamedTuple):
    """The rules, ready to be asked."""

    words: Words
    weights: tuple[Weighed, ...]
    """By the numbers of the words."""

    telling: dict[str, dict[int, float]]
    """Of each topic, and of each class, the numbers of the words that tell it, and how much."""

    title: float
    least: float
    apart: float
    classes: tuple[str, ...]
    topics: dict[str, tuple[str, ...]]
    """Of each class."""

    leaning: TextClassifier | None
    hearing: dict[str, Any]
    version: str


def category(title: str, text: str, rules: Rules = DEFAULT_RULES) -> tuple[Finding, Folded | None] | None:
    """Return the topic that a message is about, None when neither words nor sound say; both are folded.

    Beside it is the place of the word that tells it most, None where no word does.
    """
    known = rulebook(rules)
    topics: dict[str, float] = defaultdict(float)
    beginning = text[:MOST_CHARACTERS]
    read: list[tuple[float, Read]] = []
    for said, weight in ((title, known.title), (beginning, 1.0)):
        found = known.words.longest(said)
        read.append((weight, found))
        for number in {number for number, _ in found.values()}:
            for topic, value in known.weights[number].topics:
                topics[topic] += value * weight
    likely = known.leaning.leans(f"{title}。{beginning}" if title else beginning) if known.leaning is not None else {}
    judged = _judged(topics, likely, known)
    return None if judged is None else (judged, _place(judged.value, read, known))


def _place(topic: str, read: Iterable[tuple[float, Read]], known: Rulebook) -> Folded | None:
    """Return where the word stands that tells most of a topic, or of its class where none tells that; the first one."""
    for told in (known.telling.get(topic, {}), known.telling.get(topic.split(".", 1)[0], {})):
        places = [
            (-weight * told[number], at, start, end)
            for at, (weight, found) in enumerate(read)
            for start, (number, end) in found.items()
            if number in told
        ]
        if places:
            _, at, start, end = min(places)
            return Folded(at == 0, start, end)
    return None


def codes(rules: Rules) -> dict[str, str]:
    """Return the codes of the classes by their names."""
    return {name: code for code, name in rules.toml("category")["classes"].items()}


def names(rules: Rules) -> dict[str, str]:
    """Return the names of the classes, and of their topics, by their codes."""
    table = rules.toml("category")
    return {**table["classes"], **{code: topic["name"] for code, topic in table["topics"].items()}}


def path_of(code: str, rules: Rules = DEFAULT_RULES) -> tuple[str, tuple[str, ...]]:
    """Return the scheme that a code is of, and the code's names from the root; none for a code it does not have."""
    table = rules.toml("category")
    group = table["classes"].get(code.split(".", 1)[0])
    topic = table["topics"].get(code)
    names = (group, topic["name"]) if topic else (group if group and "." not in code else None,)
    return table["scheme"], tuple(name for name in names if name)


def _judged(topics: Mapping[str, float], likely: Mapping[str, float], known: Rulebook) -> Finding | None:
    classes: dict[str, float] = defaultdict(float)
    for topic, value in topics.items():
        classes[topic.split(".", 1)[0]] += value
    found = classifier.judged(classes, _by_words(classes, known), likely, known.classes, known.hearing)
    if found is None:
        return None
    best, score = _topic(found.label, topics, likely, known), round(found.score, 3)
    return Finding(kind="category", value=best, score=score, source=found.source, version=known.version)


def _by_words(classes: Mapping[str, float], known: Rulebook) -> str | None:
    if not classes:
        return None
    first, *rest = sorted(classes, key=lambda name: (-classes[name], name))
    ahead = classes[first] - (classes[rest[0]] if rest else 0.0)
    return None if classes[first] < known.least or ahead < known.apart * classes[first] else first


def _topic(of_class: str, topics: Mapping[str, float], likely: Mapping[str, float], known: Rulebook) -> str:
    """Return the likeliest topic of a class, or the class where it has none."""
    own = known.topics.get(of_class, ())
    behind = classifier.behind(likely, own)
    unheard = min(behind.values(), default=0.0)
    sums = {topic: topics.get(topic, 0.0) + known.hearing["weight"] * behind.get(topic, unheard) for topic in own}
    return min(own, key=lambda topic: (-sums[topic], topic), default=of_class)


def _by_class(topics: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for topic in topics:
        of_class, dot, _ = topic.partition(".")
        if dot:
            found[of_class] = (*found.get(of_class, ()), topic)
    return found


def _telling(weights: Mapping[str, Mapping[str, float]], words: Words) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for number, word in enumerate(words.sorted):
        for topic, value in weights[word].items():
            if value > 0:
                of_class = found[topic.partition(".")[0]]
                of_class[number] = max(of_class.get(number, 0.0), value)
                found[topic][number] = value
    return dict(found)


@part("category.toml", "category_heard.tsv")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules."""
    table: dict[str, Any] = rules.toml("category")
    scale = table["weights"]
    weights: dict[str, dict[str, float]] = defaultdict(dict)
    for topic, told in table["topics"].items():
        for level in ("hints", "words", "sure"):
            for word in told.get(level, ()):
                weights[fold(word)][topic] = scale[level]
    classes, all_topics, words = tuple(table["classes"]), tuple(table["topics"]), Words(weights)
    return Rulebook(
        words=words,
        weights=tuple(Weighed(tuple(weights[word].items())) for word in words.sorted),
        telling=_telling(weights, words),
        title=scale["title"],
        least=scale["least"],
        apart=scale["apart"],
        classes=classes,
        topics=_by_class(all_topics),
        leaning=classifier.leaning_hearing("category", (*classes, *all_topics), rules),
        hearing=table["hearing"],
        version=table["version"],
    )


# A city's own category model: a linear one over pairs of characters, learned by `hotline learn category`.

GRAMS = (1, 2)
"""Characters a feature is made of: measured better than longer ones on some thousand messages."""

FEATURES = 2**18
CATEGORY_MODEL_MOST_CHARACTERS = 4_000

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
    return f"{title}{text[:CATEGORY_MODEL_MOST_CHARACTERS]}".replace(" ", "")


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
