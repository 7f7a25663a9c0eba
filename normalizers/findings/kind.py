"""Kind of request (诉求类型, domain.md B2) by the ways in which people say it (`rules/kind.toml` explains them)."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings.words import Words, trie
from schemas.records import Finding

MOST_CHARACTERS = 2_000
"""Of a text, at either end: what somebody wants is said first or last."""

_COVER = "\ue000"
_SENTENCE = re.compile(r"[。!?\n]")


class Cue(NamedTuple):
    """One way to say a kind: a word, or one of some words and a little later one of others."""

    kind: str
    level: str
    parts: tuple[frozenset[str], ...]


class Rulebook(NamedTuple):
    """The rules, ready to be asked; `by_word` finds the cues in which a word is the first part."""

    covered: re.Pattern[str]
    words: Words
    by_word: dict[str, tuple[Cue, ...]]
    weights: dict[str, float]
    kinds: tuple[str, ...]
    within: int
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
    for cue, words in _cues(known.covered.sub(_COVER, said), known):
        different[cue.kind, cue.level].add(words)
    for (kind, level), words_of in different.items():
        yield kind, known.weights[level] * min(len(words_of), known.weights["most"])


def _cues(said: str, known: Rulebook) -> Iterator[tuple[Cue, str]]:
    found = known.words.matches(said)
    for number, (start, end) in enumerate(found):
        for cue in known.by_word.get(said[start:end], ()):
            if len(cue.parts) == 1:
                yield cue, said[start:end]
            elif later := _later(said, end, islice(found, number, None), cue.parts[1], known.within):
                yield cue, said[start:end] + later


def _later(said: str, after: int, found: Iterable[tuple[int, int]], words: frozenset[str], within: int) -> str | None:
    for start, end in found:
        if start > after + within:
            break
        if start >= after and said[start:end] in words and not _SENTENCE.search(said, after, start):
            return said[start:end]
    return None


def _ends(text: str) -> str:
    return text if len(text) <= 2 * MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n{text[-MOST_CHARACTERS:]}"


@cache
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one."""
    table: dict[str, Any] = rules.load("kind", folder)
    by_word: dict[str, list[Cue]] = defaultdict(list)
    words: set[str] = set()
    for cue in _written(table["kinds"]):
        words.update(*cue.parts)
        for word in cue.parts[0]:
            by_word[word].append(cue)
    return Rulebook(
        covered=re.compile(trie(table["not"])),
        words=Words(words),
        by_word={word: tuple(cues) for word, cues in by_word.items()},
        weights=table["weights"],
        kinds=tuple(table["kinds"]),
        within=table["within"],
        version=table["version"],
    )


def _written(kinds: dict[str, dict[str, list[str]]]) -> Iterator[Cue]:
    for kind, told in kinds.items():
        for level in ("sure", "likely", "hints"):
            for written in told[level]:
                yield Cue(kind, level, tuple(frozenset(part.split("|")) for part in written.split("…")))
