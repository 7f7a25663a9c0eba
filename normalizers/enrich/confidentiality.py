"""Confidentiality (保密) and anonymity (匿名): what the requester asks for, and the level of a ticket."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, memoized, part, shares
from normalizers.text import classifier
from normalizers.text.classifier import TextClassifier
from normalizers.text.phrase_patterns import Cues
from normalizers.text.spans import At, placed
from normalizers.text.weights import logistic_regression
from schemas import enums
from schemas.records import Finding

CONFIDENTIALITY = "confidentiality"
ANONYMOUS = "anonymous"
WITHHELD = "withheld_on_request"

LEVELS = tuple(enums.CONFIDENTIALITY)
"""The lowest first."""

_TELLS = {
    "requested": ((CONFIDENTIALITY, "confidential"),),
    "withheld": ((CONFIDENTIALITY, "confidential"), (ANONYMOUS, WITHHELD)),
    "whistle_blowing": ((CONFIDENTIALITY, "restricted"),),
}


class Level(NamedTuple):
    """A level, why, and the codes that give it; those that end with a dot stand for all behind it."""

    level: str
    reason: str
    codes: tuple[str, ...]


class Rulebook(NamedTuple):
    """The rules, ready to be asked.

    What is heard counts where its clauses, held against sentences that only sound like a wish, are as loud as `sure`.
    """

    cues: Cues[str]
    hearing: TextClassifier
    against: TextClassifier
    sure: float
    scores: Mapping[str, float]
    """Of what a cue tells (`told`), and of what only sounds like it (`heard`)."""

    levels: tuple[Level, ...]
    version: str

    def believes(self, said: str) -> bool:
        """Say whether folded clauses that sound like a wish are one."""
        return self.against.loudness(said) >= self.sure


def confidentiality(title: str | None, text: str, folded: str, rules: Rules = DEFAULT_RULES) -> Iterator[Finding]:
    """Yield what the requester asks for or is protected by; `folded` is title and text."""
    known = rulebook(rules)
    told: dict[tuple[str, str], At] = {}
    for name, at in known.cues.evidence(title, text) if known.cues.may_tell(folded) else ():
        for one in _TELLS[name]:
            told[one] = told.get(one, at).or_in_text(at)
    for (kind, value), at in told.items():
        yield placed(Finding(kind=kind, value=value, score=known.scores["told"], version=known.version), at)
    if (ANONYMOUS, WITHHELD) not in told:
        heard = known.hearing.message(title, text, folded, known.cues.covered, (), known.believes)
        yield from (one for one in _heard(heard, known) if (one.kind, one.value) not in told)


def _heard(heard: tuple[str, At] | None, known: Rulebook) -> Iterator[Finding]:
    if heard is not None:
        name, at = heard
        score, version = known.scores["heard"], known.version
        for kind, value in _TELLS[name]:
            yield placed(Finding(kind=kind, value=value, score=score, source="model", version=version), at)


@memoized(4_096)
def level_of(codes: tuple[str, ...], rules: Rules) -> tuple[str, tuple[str, ...]]:
    """Return the level that codes of findings give a ticket, and the reasons for it; most tickets have known codes."""
    given = [one for one in rulebook(rules).levels if any(_stands_for(code, codes) for code in one.codes)]
    level = max((one.level for one in given), key=LEVELS.index, default="internal")
    return level, tuple(dict.fromkeys(one.reason for one in given if one.level == level))


def _stands_for(code: str, there: tuple[str, ...]) -> bool:
    return any(one.startswith(code) for one in there) if code.endswith(".") else code in there


@part("confidentiality.toml", "confidentiality_heard.tsv", "heard.tsv", "ordinary.tsv")
def rulebook(rules: Rules) -> Rulebook:
    """Compile the rules. Raises ValueError for an unknown level, a wrong score."""
    table: dict[str, Any] = rules.toml("confidentiality")
    levels = tuple(Level(one["level"], one["reason"], tuple(one["codes"])) for one in table["levels"])
    unknown = {one.level for one in levels} - {*LEVELS}
    if unknown:
        raise ValueError(f"there is no level {', '.join(sorted(unknown))}")
    written = ((name, cue) for name in _TELLS for cue in table[name])
    cues = Cues(written, table["within"], table["not"], table.get("lists", {}))
    known = classifier.sentences("confidentiality", _TELLS, rules)
    return Rulebook(
        cues=cues,
        hearing=classifier.hearing("confidentiality", known, rules),
        against=TextClassifier.fitted(logistic_regression, known),
        sure=table["hearing"]["sure"],
        scores=shares(table["scores"]),
        levels=levels,
        version=table["version"],
    )
