"""Minors (未成年人, domain.md B6): whether one asks or is concerned, which protection it is, and who is to be told."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from normalizers import rules
from normalizers.findings.cues import Cues
from normalizers.text import Span
from schemas import words
from schemas.records import Finding

MINOR = "minor"
TOPIC = "minor_topic"
HARMED = "minor_harm"

SCORE = 0.8


class Protection(NamedTuple):
    """Who is to be told, and the law."""

    referral: str
    basis: str


class Rulebook(NamedTuple):
    """The rules, ready to be asked: cues of what (minor, minor_topic, minor_harm) and of a value."""

    cues: Cues[tuple[str, str]]
    protections: dict[str, Protection]
    otherwise: str
    version: str


def minors(title: str | None, text: str, folded: str, rules_folder: Path | None = None) -> Iterator[Finding]:
    """Yield role, topic and harm where a message tells of a minor; `folded` is title and text. Spans are in `text`."""
    known = rulebook(rules_folder)
    if not known.cues.may_tell(folded):
        return
    first: dict[str, tuple[str, Span | None]] = {}
    for (kind, value), span in known.cues.evidence(title, text):
        if kind not in first or (first[kind][1] is None and span is not None and first[kind][0] == value):
            first[kind] = (value, span)
    if TOPIC in first and MINOR not in first:
        first[MINOR] = ("subject", first[TOPIC][1])
    for kind, (value, span) in first.items():
        yield Finding(kind=kind, value=value, span=span, score=SCORE, version=known.version)


def protection(topic: str, rules_folder: Path | None = None) -> Protection | None:
    """Return who is to be told about a topic, and the law; None for a topic of a later version."""
    return rulebook(rules_folder).protections.get(topic)


@cache
def rulebook(folder: Path | None) -> Rulebook:
    """Return the rules of a folder, ours without one. Raises ValueError for a role or topic that there is not."""
    table: dict[str, Any] = rules.load("minors", folder)
    topics: dict[str, Any] = table["topics"]
    unknown = {*table["roles"]} - {*words.MINOR_ROLES} or {*topics, table["otherwise"]} - {*words.MINOR_TOPICS}
    if unknown:
        raise ValueError(f"there is no role or topic {', '.join(sorted(unknown))}")
    return Rulebook(
        cues=Cues(_written(table), table["within"], table["not"], table["lists"]),
        protections={name: Protection(one["referral"], one["basis"]) for name, one in topics.items()},
        otherwise=table["otherwise"],
        version=table["version"],
    )


def _written(table: dict[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for role, cues in table["roles"].items():
        yield from (((MINOR, role), cue) for cue in cues)
    for topic, told in table["topics"].items():
        yield from (((TOPIC, topic), cue) for cue in (*told["harm"], *told["cues"]))
        yield from (((HARMED, "possible"), cue) for cue in told["harm"])
