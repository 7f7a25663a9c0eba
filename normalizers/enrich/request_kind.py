"""Kind of request (诉求类型) by the ways in which people say it (`rules/kind.toml` explains them).

What cues say is added to what the whole sounds like (`classifier.py`): half of what people write names no kind.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, part
from normalizers.text import classifier
from normalizers.text.classifier import TextClassifier
from normalizers.text.phrase_patterns import Cues
from normalizers.text.spans import Folded
from schemas.records import Finding

MOST_CHARACTERS = 2_000
"""Of a text, at either end: what somebody wants is said first or last."""

SURE = 0.9
"""Of what cues tell: who tells so much of one kind says nothing else."""


class Rulebook(NamedTuple):
    """The rules, ready to be asked: cues of a kind and a level, of more than thanks, and sentences of each kind."""

    cues: Cues[tuple[str, str]]
    more: Cues[str]
    weights: dict[str, float]
    kinds: tuple[str, ...]
    hearing: dict[str, Any]
    leaning: TextClassifier | None
    version: str


def request_kind(title: str, text: str, rules: Rules = DEFAULT_RULES) -> tuple[Finding, Folded | None] | None:
    """Return the kind that a message says it is, or sounds like, None when it does neither; both are folded.

    Beside it is the place of the cue that tells it most, None where no cue does.
    """
    known = rulebook(rules)
    told: dict[str, float] = defaultdict(float)
    most: dict[str, tuple[float, Folded]] = {}
    ends = _ends(text)
    for said, weight in ((title, known.weights["title"]), (ends, 1.0)):
        for kind, level, different in _told(said, known):
            told[kind] += known.weights[level] * weight * min(len(different), known.weights["most"])
            if kind not in most or known.weights[level] * weight > most[kind][0]:
                start, end = next(iter(different.values()))
                place = Folded(True, start, end) if said is title else _whole(start, end, text)
                most[kind] = known.weights[level] * weight, place
    likely = known.leaning.leans(f"{title}。{ends}" if title else ends) if known.leaning is not None else {}
    by_cues = _by_cues(told, known)
    may_be = known.kinds
    if by_cues is not None:
        may_be = tuple(kind for kind in known.kinds if told[kind] or kind not in known.hearing["alone"])
        is_more_than_a_hint = told[by_cues] >= known.weights["likely"]
        if (
            by_cues in known.hearing["stands"]
            and is_more_than_a_hint
            and told[by_cues] >= SURE * math.fsum(told.values())
        ):
            likely = {}
    found = classifier.judged(told, by_cues, likely, may_be, known.hearing)
    if found is None:
        return None
    score, version = round(found.score, 3), known.version
    kind_found = Finding(kind="request_kind", value=found.label, score=score, source=found.source, version=version)
    return kind_found, most[found.label][1] if found.label in most else None


def wants_more(said: str, rules: Rules = DEFAULT_RULES) -> bool:
    """Say whether somebody who gives thanks, folded, says anything beside that wants something, or takes it back."""
    return next(rulebook(rules).more.found(said), None) is not None


def _by_cues(told: Mapping[str, float], known: Rulebook) -> str | None:
    best = max(known.kinds, key=lambda kind: told[kind])
    return best if told[best] >= known.weights["least"] else None


def _told(said: str, known: Rulebook) -> Iterator[tuple[str, str, dict[str, tuple[int, int]]]]:
    """Yield kinds and levels, with the different words that tell each, and where each first stands."""
    different: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for one in known.cues.found(said):
        different[one.label].setdefault(one.words, (one.start, one.end))
    for (kind, level), words_of in different.items():
        yield kind, level, words_of


def _ends(text: str) -> str:
    return text if len(text) <= 2 * MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n{text[-MOST_CHARACTERS:]}"


def _whole(start: int, end: int, text: str) -> Folded:
    """Return the place in a text of what stands there in its ends."""
    left_out = max(len(text) - 2 * MOST_CHARACTERS - 1, 0) if start > MOST_CHARACTERS else 0
    return Folded(False, start + left_out, end + left_out)


@part("kind.toml", "kind_heard.tsv")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules."""
    table: dict[str, Any] = rules.toml("kind")
    kinds = tuple(table["kinds"])
    return Rulebook(
        cues=Cues(_written(table["kinds"]), table["within"], table["not"]),
        more=Cues((("more", one) for one in table["thanks"]["more"]), table["within"], table["thanks"]["not"]),
        weights=table["weights"],
        kinds=kinds,
        hearing=table["hearing"],
        leaning=classifier.leaning_hearing("kind", kinds, rules),
        version=table["version"],
    )


def _written(kinds: dict[str, dict[str, list[str]]]) -> Iterator[tuple[tuple[str, str], str]]:
    for kind, told in kinds.items():
        for level in ("sure", "likely", "hints"):
            for written in told[level]:
                yield (kind, level), written
