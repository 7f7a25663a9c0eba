"""Fit the confidence of alarms, and show the cost of each threshold: `python -m benchmarks.emergency_confidence`.

Prints the weights of `[confidence]` in `normalizers/rules/emergency.toml`, fitted to the lists that may be read, and
the trade-off between found emergencies and ordinary sentences that alarm. Each of three lists is also measured with
weights fitted without it. The lists that are only measured are counted with the final weights.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import emergency as lists
from benchmarks.emergency import Case, cases
from normalizers.enrich.confidence import Confidence, Features
from normalizers.enrich.emergency import Rulebook, rulebook, screened_by
from normalizers.rules import Rules
from normalizers.text.fold import fold

Floats = NDArray[np.float64]

READ: Mapping[str, Path] = {
    "cases": lists.CASES,
    "fresh": lists.FRESH,
    "told": lists.TOLD,
    "resolved": lists.RESOLVED,
    "third strangers": lists.THIRD_STRANGERS,
}
"""Lists that were read while rules were made; of the first two the development side alone."""

HALVED = ("cases", "fresh")
CROSSED = ("told", "resolved", "third strangers")

MEASURED: Mapping[str, Path] = {
    "indirect": lists.INDIRECT,
    "unseen": lists.UNSEEN,
    "strangers": lists.STRANGERS,
    "more strangers": lists.MORE_STRANGERS,
    "hidden": lists.HIDDEN,
    "vivid": lists.VIVID,
    "second strangers": lists.SECOND_STRANGERS,
}

CRITICAL = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0)
ALARM = (-4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0)

QUIET = 0.5
"""Least score of a sentence that is used for fitting."""

_LEAST = re.compile(r"(?m)^least = .*$")
_PENALTY = 0.5
_ROUNDS = 6
_STEPS = 30
_START = Features(critical=4.0, urgent=2.0, loudness=0.65, context=0.65, length=-1.5, unharmed=0.0, routine=0.0)


class Recorder(Confidence):
    """Records the features of every alarm of a text, and rates none as certain, so that every alarm is kept."""

    kept: list[Features]

    def level(self, known: Features, *, is_plain: bool) -> str:
        """Record the features of an alarm."""
        self.kept.append(known)
        return "mentioned"


class Weighed(NamedTuple):
    """A sentence of a list, and the features of each of its alarms, one a row."""

    is_emergency: bool
    features: Floats


def quieter() -> Rulebook:
    """Return the shipped rules with a lower threshold of hearing: the weights must separate quiet sentences from loud
    ones."""
    text = (resources.files("normalizers.rules") / "emergency.toml").read_text("utf-8")
    with TemporaryDirectory() as folder:
        (Path(folder) / "emergency.toml").write_text(_LEAST.sub(f"least = {QUIET}", text, count=1), "utf-8")
        return rulebook(Rules(Path(folder)))


def weighed(some: Iterable[Case], known: Rulebook) -> list[Weighed]:
    """Return the sentences that a word or a sound could alarm for, with the features of their alarms."""
    recorder = Recorder(*known.confidence)
    made = []
    for case in some:
        recorder.kept = []
        screened_by(known._replace(confidence=recorder), case.text, fold(case.text))
        rows = np.array(recorder.kept, np.float64).reshape(-1, len(Features._fields))
        made.append(Weighed(case.expected == "alarm", np.insert(rows, 0, 1.0, axis=1)))
    return made


def odds(some: Sequence[Weighed], weights: Floats) -> Floats:
    """Return the log odds of the surest alarm of each sentence, minus infinity without any."""
    return np.array([float((one.features @ weights).max(initial=-np.inf)) for one in some])


def fitted(some: Sequence[Weighed]) -> Floats:
    """Return the weights by which the surest alarm of each sentence says best whether it is an emergency.

    Which alarm is the surest depends on the weights, so both are found in turns (multiple-instance learning).
    """
    some = [one for one in some if len(one.features)]
    told = np.array([one.is_emergency for one in some], np.float64)
    weights = np.array([0.0, *_START])
    for _ in range(_ROUNDS):
        surest = np.array([one.features[int((one.features @ weights).argmax())] for one in some])
        weights = _newton(surest, told)
    return weights


def _newton(rows: Floats, told: Floats) -> Floats:
    weights, penalty = np.zeros(rows.shape[1]), np.full(rows.shape[1], 2 * _PENALTY)
    penalty[0] = 1e-6
    for _ in range(_STEPS):
        likely = 1.0 / (1.0 + np.exp(-(rows @ weights)))
        gradient = rows.T @ (likely - told) + penalty * weights
        curve = (rows.T * (likely * (1.0 - likely))) @ rows + np.diag(penalty)
        weights = weights - np.linalg.solve(curve, gradient)
    return weights


def curve(some: Sequence[Weighed], weights: Floats, thresholds: Sequence[float]) -> str:
    """Return how many emergencies and how many ordinary sentences are at least so sure, for each threshold."""
    sure, told = odds(some, weights), np.array([one.is_emergency for one in some])
    counted = [f"{least:+.1f}: {(sure[told] >= least).sum()}, {(sure[~told] >= least).sum()}" for least in thresholds]
    return f"{told.sum()} and {(~told).sum()}; " + "; ".join(counted)


def main() -> None:
    """Print weights and curves."""
    known = quieter()
    read = {name: [one for one in cases(path) if one.development or name not in HALVED] for name, path in READ.items()}
    of_read = {name: weighed(some, known) for name, some in read.items()}
    weights = fitted([one for some in of_read.values() for one in some])
    print({name: round(float(one), 2) for name, one in zip(("intercept", *Features._fields), weights, strict=True)})
    for name in CROSSED:
        without = fitted([one for other, some in of_read.items() if other != name for one in some])
        print(f"{name}, fitted without it: critical", curve(of_read[name], without, CRITICAL))
        print(f"{name}, fitted without it: any", curve(of_read[name], without, ALARM))
    measured = {name: weighed(cases(path), known) for name, path in MEASURED.items()}
    for name, some in measured.items():
        print(f"{name}: critical", curve(some, weights, CRITICAL))
        print(f"{name}: any", curve(some, weights, ALARM))
    every = [one for some in measured.values() for one in some]
    print("all that are only measured: critical", curve(every, weights, CRITICAL))
    print("all that are only measured: any", curve(every, weights, ALARM))


if __name__ == "__main__":
    main()
