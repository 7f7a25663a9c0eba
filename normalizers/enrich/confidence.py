"""How sure an alarm is: a logistic regression over the level of its rule, how its surroundings sound, and calm signs.

A word of danger is one fact. The second one is how the clauses around it sound: like a call for help, or like a
complaint, praise, a question or a report of what is over that has the same word. Two signs speak against an alarm:
that nobody was hurt, and a request that can wait (a date, a price, a repair). The weights are `[confidence_weights]`
of `rules/emergency.toml`, fitted by `python -m benchmarks.emergency_confidence`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from normalizers.rules import precompiled
from normalizers.text.classifier import TextClassifier
from normalizers.text.weights import Sentence, logistic_regression, said_in

MOST_JUDGED = 32
"""So many surroundings of one text are judged; what stands behind them keeps the level of its rule."""

FEW_LETTERS = 12
"""A call for help may have no more, and so few say little that could be compared."""

_LOUDEST, _SURE = 8.0, 10.0
"""Beyond these a feature counts no more."""


class Features(NamedTuple):
    """What is known of an alarm: its rule's level (neither for what no rule names), and how it sounds."""

    critical: float
    urgent: float
    loudness: float
    context: float
    length: float
    unharmed: float
    routine: float


class Confidence(NamedTuple):
    """The weights of the features, the least log odds of each level, and what the surroundings are compared with."""

    weights: Features
    intercept: float
    least: Mapping[str, float]
    hearing: TextClassifier
    regression: TextClassifier
    unharmed: re.Pattern[str]
    routine: re.Pattern[str]
    call: re.Pattern[str]

    def features(
        self, level: str | None, surroundings: str, neighbourhood: str, loudness: float | None = None
    ) -> Features:
        """Return the features of an alarm of a rule of `level`, or of what is heard, by the folded text around it.

        `surroundings` are its own clauses, `neighbourhood` is where a calm sign may stand.
        """
        if loudness is None:
            loudness = self.hearing.loudness_of_window(surroundings)
        return Features(
            critical=float(level == "critical"),
            urgent=float(level == "urgent"),
            loudness=_within(loudness, _LOUDEST),
            context=_within(self.regression.loudness(surroundings), _SURE),
            length=math.log1p(len(said_in(surroundings))),
            unharmed=float(self.unharmed.search(neighbourhood) is not None),
            routine=float(self.routine.search(neighbourhood) is not None),
        )

    def is_plain(self, neighbourhood: str) -> bool:
        """Return True for few words, and for a call for help."""
        return len(said_in(neighbourhood)) <= FEW_LETTERS or self.call.search(neighbourhood) is not None

    def level(self, known: Features, *, is_plain: bool) -> str:
        """Return the level of an alarm with these features; a critical rule needs less in plain words without a sign.

        What is only heard was loud enough to be urgent. A calm sign makes no alarm less than urgent: the complaint of
        what was never repaired may go on with the person it fell on.
        """
        odds = self.intercept + sum(weight * value for weight, value in zip(self.weights, known, strict=True))
        needs_less = known.critical and is_plain and not known.unharmed and not known.routine
        if odds >= self.least["plain" if needs_less else "critical"]:
            return "critical"
        signs = known.unharmed * self.weights.unharmed + known.routine * self.weights.routine
        is_told = known.critical or known.urgent
        return "mentioned" if is_told and odds - signs < self.least["told"] else "urgent"


def confidence(data: Mapping[str, Any], hearing: TextClassifier, sentences: Sequence[Sentence]) -> Confidence:
    """Return `[confidence]` of the rules and its tables, with the sentences that surroundings are compared with."""
    weights, signs = data["confidence_weights"], data["confidence"]
    return Confidence(
        weights=Features(**{name: weights[name] for name in Features._fields}),
        intercept=weights["intercept"],
        least=data["confidence_least"],
        hearing=hearing,
        regression=TextClassifier.fitted(logistic_regression, sentences),
        unharmed=precompiled.pattern(signs["unharmed"] or "(?!)"),
        routine=precompiled.pattern(signs["routine"] or "(?!)"),
        call=precompiled.pattern(signs["call"] or "(?!)"),
    )


def _within(value: float, most: float) -> float:
    """Return the value between -most and most; nothing for what has too few letters to sound like anything."""
    return max(-most, min(most, value)) if math.isfinite(value) else 0.0
