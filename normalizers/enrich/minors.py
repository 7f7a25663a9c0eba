"""Minors (未成年人): whether one asks or is concerned, which protection it is, and who is to be told."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, part, shares
from normalizers.text import classifier
from normalizers.text.classifier import TextClassifier
from normalizers.text.matcher import Words
from normalizers.text.phrase_patterns import Cues
from normalizers.text.spans import At, placed
from schemas import enums
from schemas.records import Finding

MINOR = "minor"
TOPIC = "minor_topic"
HARMED = "minor_harm"

_AT_SCHOOL = "minor_at_school"
"""What is told as a minor tells it, and as a student or a parent may as well."""

_GROWN_UP = re.compile(r"(?<!\d)(?:1[89]|[2-9]\d)多?岁|[二三四五六七八九]十[一二三四五六七八九多几]?岁|十[八九]岁")
"""An age from 18 on (《中华人民共和国未成年人保护法》第二条)."""


class Protection(NamedTuple):
    """Who is to be told, and the law."""

    referral: str
    basis: str


class Rulebook(NamedTuple):
    """The rules, ready to be asked: cues of what (minor, minor_topic, minor_harm) and of a value.

    Who writes of school as a minor does is none with a word of `grown_up`. Only a message with a word of `about` is
    heard, or with one of `kin` where nobody's age is that of a grown-up.
    """

    cues: Cues[tuple[str, str]]
    about: Words
    kin: Words
    hearing: TextClassifier
    protections: dict[str, Protection]
    grown_up: Words
    scores: Mapping[str, float]
    """Of what a cue tells (`told`), and of what only sounds like it (`heard`)."""

    otherwise: str
    version: str


def minors(title: str | None, text: str, folded: str, rules: Rules = DEFAULT_RULES) -> Iterator[Finding]:
    """Yield role, topic and harm where a message tells of a minor; `folded` is title and text."""
    known = rulebook(rules)
    told: dict[str, tuple[str, At]] = {}
    for (kind, value), at in known.cues.evidence(title, text) if known.cues.may_tell(folded) else ():
        first, place = told.get(kind, (value, at))
        told[kind] = (first, place.or_in_text(at) if first == value else place)
    at_school = told.pop(_AT_SCHOOL, None)
    if at_school is not None and MINOR not in told and not known.grown_up.occur(folded):
        told[MINOR] = at_school
    if TOPIC in told and MINOR not in told:
        told[MINOR] = ("subject", told[TOPIC][1])
    for kind, (value, at) in told.items():
        yield placed(Finding(kind=kind, value=value, score=known.scores["told"], version=known.version), at)
    if HARMED not in told and _may_be_heard(folded, known):
        heard = known.hearing.message(title, text, folded, known.cues.covered, (at.text for _, at in told.values()))
        yield from (one for one in _heard(heard, known) if one.kind not in told)


def _may_be_heard(folded: str, known: Rulebook) -> bool:
    return known.about.occur(folded) or (known.kin.occur(folded) and _GROWN_UP.search(folded) is None)


def _heard(heard: tuple[str, At] | None, known: Rulebook) -> Iterator[Finding]:
    if heard is not None:
        topic, at = heard
        for kind, value in ((TOPIC, topic), (HARMED, "possible"), (MINOR, "subject")):
            score, version = known.scores["heard"], known.version
            yield placed(Finding(kind=kind, value=value, score=score, source="model", version=version), at)


def protection(topic: str, rules: Rules = DEFAULT_RULES) -> Protection | None:
    """Return who is to be told about a topic, and the law; None for a topic of a later version."""
    return rulebook(rules).protections.get(topic)


@part("minors.toml", "minors_heard.tsv", "heard.tsv", "ordinary.tsv")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules. Raises ValueError for an unknown role or topic, a wrong score."""
    table: dict[str, Any] = rules.toml("minors")
    topics: dict[str, Any] = table["topics"]
    unknown = {*table["roles"]} - {*enums.MINOR_ROLES} or {*topics, table["otherwise"]} - {*enums.MINOR_TOPICS}
    if unknown:
        raise ValueError(f"there is no role or topic {', '.join(sorted(unknown))}")
    heard = classifier.sentences("minors", enums.MINOR_TOPICS, rules)
    return Rulebook(
        cues=Cues(_written(table), table["within"], table["not"], table["lists"]),
        about=Words(classifier.settings("minors", rules)["about"]),
        kin=Words(classifier.settings("minors", rules)["kin"]),
        hearing=classifier.hearing("minors", heard, rules),
        protections={name: Protection(one["referral"], one["basis"]) for name, one in topics.items()},
        grown_up=Words(table["grown_up"]),
        scores=shares(table["scores"]),
        otherwise=table["otherwise"],
        version=table["version"],
    )


def _written(table: dict[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    yield from (((_AT_SCHOOL, "requester"), cue) for cue in table["at_school"])
    for role, cues in table["roles"].items():
        yield from (((MINOR, role), cue) for cue in cues)
    for topic, told in table["topics"].items():
        yield from (((TOPIC, topic), cue) for cue in (*told["harm"], *told["cues"]))
        yield from (((HARMED, "possible"), cue) for cue in told["harm"])
