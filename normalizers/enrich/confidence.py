"""Confidence of an alarm: a logistic regression over the level of its rule, the sound of its context, and calm signs.

A word of danger is one fact. The second one is the sound of the clauses around it: like a call for help, or like a
complaint, praise, a question or a report of the past with the same word. Two signs count against an alarm: that no
person was hurt, and a request that can wait (a date, a price, a repair). The weights are `[confidence_weights]` of
`rules/emergency.toml`, fitted by `python -m benchmarks.emergency_confidence`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from normalizers.rules import precompiled
from normalizers.text.classifier import TextClassifier
from normalizers.text.weights import Sentence, logistic_regression, said_in

MOST_JUDGED = 32
"""Most contexts of one text that are judged; alarms behind them keep the level of their rule."""

FEW_LETTERS = 12
"""Most letters of a plain call for help: so few cannot be compared."""

_LOUDEST, _SURE = 8.0, 10.0
"""Limits of the features' values."""


class Features(NamedTuple):
    """Features of an alarm: its rule's level (both 0 without a rule), and the sound of its context."""

    critical: float
    urgent: float
    loudness: float
    context: float
    length: float
    unharmed: float
    routine: float


class Confidence(NamedTuple):
    """The weights of the features, the least log odds of each level, and the classifiers of the context."""

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
        """Return the features of an alarm of a rule of `level`, or of a heard one, from the folded text around it.

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

        A heard alarm was loud enough to be urgent. A calm sign never makes an alarm less than urgent: in a complaint
        about a missing repair a person may be hurt as well.
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
    """Return the value limited to -most … most; 0 for a text with too few letters to be scored."""
    return max(-most, min(most, value)) if math.isfinite(value) else 0.0
