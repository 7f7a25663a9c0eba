"""Category (事项分类): what a text is about, by words, with the classes and words as data (`rules/category.toml`).

What words tell is added to what the whole sounds like (`leaning.py`), by the sentences of `category_heard.tsv`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings import leaning
from normalizers.findings.leaning import Leaning
from normalizers.findings.told import Folded
from normalizers.findings.words import Words
from normalizers.text import fold
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

    leaning: Leaning | None
    hearing: dict[str, Any]
    version: str


def category(title: str, text: str, rules_folder: Path | None = None) -> tuple[Finding, Folded | None] | None:
    """Return the topic that a message is about, None when neither words nor sound say; both are folded.

    Beside it is the place of the word that tells it most, None where no word does.
    """
    known = rulebook(rules_folder)
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


def codes(rules_folder: Path | None) -> dict[str, str]:
    """Return the codes of the classes by their names."""
    return {name: code for code, name in rules.load("category", rules_folder)["classes"].items()}


def names(rules_folder: Path | None) -> dict[str, str]:
    """Return the names of the classes, and of their topics, by their codes."""
    table = rules.load("category", rules_folder)
    return {**table["classes"], **{code: topic["name"] for code, topic in table["topics"].items()}}


def path_of(code: str, rules_folder: Path | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the scheme that a code is of, and the code's names from the root; none for a code it does not have."""
    table = rules.load("category", rules_folder)
    group = table["classes"].get(code.split(".", 1)[0])
    topic = table["topics"].get(code)
    names = (group, topic["name"]) if topic else (group if group and "." not in code else None,)
    return table["scheme"], tuple(name for name in names if name)


def _judged(topics: Mapping[str, float], likely: Mapping[str, float], known: Rulebook) -> Finding | None:
    classes: dict[str, float] = defaultdict(float)
    for topic, value in topics.items():
        classes[topic.split(".", 1)[0]] += value
    found = leaning.judged(classes, _by_words(classes, known), likely, known.classes, known.hearing)
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
    behind = leaning.behind(likely, own)
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


@rules.of_files("category.toml", "category_heard.tsv")
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one."""
    table: dict[str, Any] = rules.load("category", folder)
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
        leaning=leaning.hearing("category", (*classes, *all_topics), folder),
        hearing=table["hearing"],
        version=table["version"],
    )
