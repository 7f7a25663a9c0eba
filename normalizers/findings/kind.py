"""Kind of request (诉求类型, domain.md B2) by the ways in which people say it (`rules/kind.toml` explains them)."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings.cues import Cues
from schemas.records import Finding

MOST_CHARACTERS = 2_000
"""Of a text, at either end: what somebody wants is said first or last."""


class Rulebook(NamedTuple):
    """The rules, ready to be asked: cues of a kind and a level."""

    cues: Cues[tuple[str, str]]
    weights: dict[str, float]
    kinds: tuple[str, ...]
    version: str


def request_kind(title: str, text: str, rules_folder: Path | None = None) -> Finding | None:
    """Return the kind that a message says it is, None when it does not say; both are folded."""
    known = rulebook(rules_folder)
    sums: dict[str, float] = defaultdict(float)
    for said, weight in ((title, known.weights["title"]), (_ends(text), 1.0)):
        for kind, value in _told(said, known):
            sums[kind] += value * weight
    best = max(known.kinds, key=lambda kind: sums[kind])
    if sums[best] < known.weights["least"]:
        return None
    share = sums[best] / sum(sums.values())
    return Finding(kind="request_kind", value=best, score=round(share, 3), source="rule", version=known.version)


def _told(said: str, known: Rulebook) -> Iterator[tuple[str, float]]:
    different: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in known.cues.found(said):
        different[one.label].add(one.words)
    for (kind, level), words_of in different.items():
        yield kind, known.weights[level] * min(len(words_of), known.weights["most"])


def _ends(text: str) -> str:
    return text if len(text) <= 2 * MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n{text[-MOST_CHARACTERS:]}"


@cache
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one."""
    table: dict[str, Any] = rules.load("kind", folder)
    return Rulebook(
        cues=Cues(_written(table["kinds"]), table["within"], table["not"]),
        weights=table["weights"],
        kinds=tuple(table["kinds"]),
        version=table["version"],
    )


def _written(kinds: dict[str, dict[str, list[str]]]) -> Iterator[tuple[tuple[str, str], str]]:
    for kind, told in kinds.items():
        for level in ("sure", "likely", "hints"):
            for written in told[level]:
                yield (kind, level), written
