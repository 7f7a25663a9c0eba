"""How many emergencies are seen and how many ordinary messages alarm: `python -m benchmarks.emergency [DATA]`.

The sentences of `tests/normalizers/findings/emergency_cases.tsv`, split by their hash: rules are made on three fifths
(development) and only measured on the others (held out), and so is `emergency_fresh.tsv`, the same in other words.
`emergency_told.tsv` and `emergency_resolved.tsv` are for development alone. `emergency_indirect.tsv`,
`emergency_unseen.tsv`, `emergency_strangers.tsv`, `emergency_more_strangers.tsv`, `emergency_hidden.tsv`,
`emergency_vivid.tsv` and `emergency_strangers_2.tsv` are only measured.
DATA is a folder of real messages.
"""

import csv
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from normalizers.enrich.emergency import screen
from normalizers.text.fold import fold
from schemas.records import Emergency

FOLDER = Path(__file__).parents[1] / "tests/normalizers/findings"
CASES = FOLDER / "emergency_cases.tsv"
INDIRECT = FOLDER / "emergency_indirect.tsv"
"""Emergencies told without the words that name them, written after the rules: never tuned on."""

FRESH = FOLDER / "emergency_fresh.tsv"
"""Situations told by what is seen (a person, where, in which danger), written before the rules of version 2026.3."""

TOLD = FOLDER / "emergency_told.tsv"
"""As citizens tell it, in three lists written one after the other: the rules of version 2026.4 were made on them."""

UNSEEN = FOLDER / "emergency_unseen.tsv"
"""A fourth such list, written when those rules were done: never tuned on."""

STRANGERS = FOLDER / "emergency_strangers.tsv"
"""As a hotline gets them, by somebody who knew neither rules nor sentences: only measured, and read by nobody."""

MORE_STRANGERS = FOLDER / "emergency_more_strangers.tsv"
"""The same by another writer, who had read nothing at all; a third of it hidden in long messages."""

HIDDEN = FOLDER / "emergency_hidden.tsv"
"""Clauses of a complaint that goes on from comma to comma, and short calls: only measured, and not to be read."""

VIVID = FOLDER / "emergency_vivid.tsv"
"""By a fourth writer who had read nothing: a third short, a third plain, a third in letters as vivid as those of others
that tell of no emergency. Only measured, and not to be read.
"""

SECOND_STRANGERS = FOLDER / "emergency_strangers_2.tsv"
"""By a fifth, who had read only which kinds of danger there are: only measured, and not to be read."""

RESOLVED = FOLDER / "emergency_resolved.tsv"
"""Praise after a rescue, smoke of ordinary sources and lost things, beside dangers told in the same words.

Written before the rules of version 2026.13, which were made on it.
"""

THIRD_STRANGERS = FOLDER / "emergency_strangers_3.tsv"
"""By a sixth writer: praise, smoke, lost things, news and drills, beside emergencies. Measured once, then read."""

DEVELOPMENT = 154
"""Of 256: a text whose SHA-256 begins with a smaller byte may be looked at while rules are made."""

MESSAGES = {
    "messages/category_dev.jsonl": ("subject", "body"),
    "messages/duplicates_dev.jsonl": ("subject", "body"),
    "tickets/hotline_tickets.jsonl": ("title", "body"),
}
"""Real ordinary messages, and the fields that hold their words."""


class Case(NamedTuple):
    """A sentence: `alarm`, `mentioned` (past or denied) or `none`, and the classes of which one must be found."""

    expected: str
    classes: frozenset[str]
    text: str

    @property
    def development(self) -> bool:
        """Say on which side of the split it lies."""
        return hashlib.sha256(self.text.encode()).digest()[0] < DEVELOPMENT


class Figures(NamedTuple):
    """What a set of cases gave."""

    emergencies: int
    seen: int
    classed: int
    quiet: int
    false_alarms: int
    told: int
    kept: int

    @property
    def recall(self) -> float:
        """Return the share of emergencies that alarm."""
        return self.seen / self.emergencies

    @property
    def precision(self) -> float:
        """Return the share of alarms that are emergencies."""
        return self.seen / (self.seen + self.false_alarms)


def cases(path: Path = CASES) -> list[Case]:
    """Return the measured sentences of a file."""
    rows = csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Case(row["expected"], frozenset(row["classes"].split("/")), row["text"]) for row in rows]


def figures(some: Iterable[Case]) -> Figures:
    """Screen the cases and count."""
    found = [(case, screened(case.text)) for case in some]
    alarms = [(case, one) for case, one in found if one is not None and one.level != "mentioned"]
    seen = [(case, one) for case, one in alarms if case.expected == "alarm"]
    told = [one for case, one in found if case.expected == "mentioned"]
    emergencies = sum(case.expected == "alarm" for case, _ in found)
    return Figures(
        emergencies=emergencies,
        seen=len(seen),
        classed=sum(not case.classes.isdisjoint(one.classes) for case, one in seen),
        quiet=len(found) - emergencies,
        false_alarms=len(alarms) - len(seen),
        told=len(told),
        kept=sum(one is not None for one in told),
    )


def screened(text: str) -> Emergency | None:
    """Return what is seen in a text."""
    return screen(text, fold(text))


def messages(folder: Path) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the real messages of each file."""
    for name, (title, body) in MESSAGES.items():
        rows = map(json.loads, (folder / name).read_text("utf-8").splitlines())
        yield name, [f"{row[title]}\n{row[body]}" for row in rows]


def levels(texts: Iterable[str]) -> tuple[int, int]:
    """Return how many texts alarm, and how many are told of at level `mentioned`."""
    found = [one.level for one in map(screened, texts) if one is not None]
    return len(found) - found.count("mentioned"), found.count("mentioned")


def main() -> None:
    """Print the table of docs/reference/quality.md."""
    every = cases()
    sides = {"development": [c for c in every if c.development], "held out": [c for c in every if not c.development]}
    fresh = cases(FRESH)
    sides |= {"all": every, "fresh, development": [one for one in fresh if one.development]}
    sides |= {"fresh, held out": [one for one in fresh if not one.development], "indirect": cases(INDIRECT)}
    sides |= {"told": cases(TOLD), "unseen": cases(UNSEEN), "strangers": cases(STRANGERS)}
    sides |= {
        "more strangers": cases(MORE_STRANGERS),
        "hidden": cases(HIDDEN),
        "vivid": cases(VIVID),
        "second": cases(SECOND_STRANGERS),
        "resolved": cases(RESOLVED),
        "third": cases(THIRD_STRANGERS),
    }
    for name, some in sides.items():
        made = figures(some)
        print(
            f"{name:<18} emergencies {made.seen}/{made.emergencies} recall {made.recall:.3f} precision "
            f"{made.precision:.3f} right class {made.classed} false alarms {made.false_alarms}/{made.quiet} "
            f"past or denied still told {made.kept}/{made.told}"
        )
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HOTLINE_DATA", "/work/shared/data"))
    for name, texts in messages(folder) if folder.is_dir() else ():
        alarms, mentioned = levels(texts)
        print(f"{name:<32} {len(texts):>5} alarms {alarms} ({alarms / len(texts):.1%}) mentioned {mentioned}")


if __name__ == "__main__":
    main()
