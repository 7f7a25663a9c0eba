"""The rules of emergencies, ready to be asked: `rules/emergency.toml`, which explains them, and `rules/heard.tsv`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings import heard_rules, mitigation
from normalizers.findings.hearing import Hearing, Sentence
from normalizers.findings.mitigation import Fumes, Resolution
from normalizers.findings.words import Words, trie
from schemas.enums import EMERGENCY_CLASSES
from schemas.errors import MisconfiguredError

ALARM = "alarm"
EXPECTED = (ALARM, "mentioned", "none")

_WITHIN = 14


class Rule(NamedTuple):
    """One rule: its words alarm where one of `near` stands within reach and nothing of `unless` does."""

    classes: tuple[str, ...]
    level: str
    near: re.Pattern[str] | None
    within: int
    unless: re.Pattern[str] | None
    always: bool
    lasting: bool


class Rulebook(NamedTuple):
    """All rules of a folder."""

    version: str
    score: Mapping[str, float]
    harmless: re.Pattern[str]
    words: Words
    rules: Mapping[str, tuple[Rule, ...]]
    cues: Mapping[str, re.Pattern[str]]
    resolution: Resolution
    fumes: Fumes
    hearing: Hearing


@rules.of_files("emergency.toml", "heard.tsv", "ordinary.tsv")
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one; raises MisconfiguredError for what is no rule."""
    data = rules.load("emergency", folder)
    by_word: dict[str, list[Rule]] = {}
    for entry in data["rule"]:
        rule = _rule(entry, data["lists"])
        for word in entry["words"]:
            by_word.setdefault(word, []).append(rule)
    return Rulebook(
        version=data["version"],
        score=data["score"],
        harmless=re.compile("|".join(data["harmless"]["phrases"])),
        words=Words(by_word),
        rules={word: _with_prefixes(word, by_word) for word in by_word},
        cues={name: re.compile(pattern or "(?!)") for name, pattern in data["cues"].items()},
        resolution=mitigation.resolution(data["resolution"]),
        fumes=mitigation.fumes(data["fumes"]),
        hearing=heard_rules.hearing("emergency", _sentences(folder), folder),
    )


def _sentences(folder: Path | None) -> tuple[Sentence, ...]:
    found = []
    for row in rules.table("heard", ("expected", "classes", "text"), folder):
        classes = tuple(row["classes"].split("/")) if row["expected"] == ALARM else ()
        if row["expected"] not in EXPECTED or not set(classes) <= EMERGENCY_CLASSES.keys():
            marks = f"{row['expected']}, {row['classes']}"
            raise MisconfiguredError(
                f"heard.tsv has a line with marks that nobody knows ({marks}): write {', '.join(EXPECTED)}, and of "
                f"{ALARM} the classes: {', '.join(EMERGENCY_CLASSES)}."
            )
        found.append(Sentence(classes, row["text"]))
    return *heard_rules.of_both_kinds("heard", found), *heard_rules.ordinary(folder)


def _rule(entry: Mapping[str, Any], lists: Mapping[str, list[str]]) -> Rule:
    return Rule(
        classes=tuple(entry["classes"]),
        level=entry["level"],
        near=_any_of(entry.get("near", ()), lists),
        within=entry.get("within", _WITHIN),
        unless=_any_of(entry.get("unless", ()), lists),
        always=entry.get("always", False),
        lasting=entry.get("lasting", False),
    )


def _any_of(words: Iterable[str], lists: Mapping[str, list[str]]) -> re.Pattern[str] | None:
    all_words = [one for word in words for one in (lists[word[1:]] if word.startswith("@") else (word,))]
    return re.compile(trie(all_words)) if all_words else None


def _with_prefixes(word: str, by_word: Mapping[str, list[Rule]]) -> tuple[Rule, ...]:
    """Return the rules of `word` and of every shorter word that it begins with: only the longest is found."""
    return tuple(rule for end in range(1, len(word) + 1) for rule in by_word.get(word[:end], ()))
