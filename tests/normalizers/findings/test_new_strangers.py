"""Lists by a writer who had read nothing but which duties there are (docs/reference/quality.md): measured as a whole.

No row of `*_strangers*.tsv` is looked at, so that the next figure is worth something.
"""

import csv
from collections.abc import Callable

from benchmarks.emergency import FOLDER, SECOND_STRANGERS, cases, figures
from normalizers.base import Draft
from normalizers.enrich.acceptance import not_accepted
from normalizers.enrich.confidentiality import confidentiality
from normalizers.enrich.minors import HARMED, minors
from normalizers.text.fold import fold
from tests.rows import each_row


def rows(name: str) -> list[tuple[str, str]]:
    """Return what each text is expected to tell, and the text."""
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return [(one["expected"], one["text"]) for one in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


def refused(text: str) -> bool:
    return not_accepted(Draft(text=text), fold(text)) is not None


def harmed(text: str) -> bool:
    return HARMED in {one.kind for one in minors(None, text, fold(text))}


def about_a_minor(text: str) -> bool:
    return any(minors(None, text, fold(text)))


def to_be_kept_back(text: str) -> bool:
    return any(confidentiality(None, text, fold(text)))


@each_row(
    ("name", "found", "least", "most_wrong"),
    [
        ("acceptance_strangers.tsv", refused, 32, 4),
        ("minors_strangers_2.tsv", harmed, 48, 5),
        ("minors_strangers_2.tsv", about_a_minor, 58, 8),
        ("confidentiality_strangers_2.tsv", to_be_kept_back, 46, 3),
    ],
)
def test_what_strangers_tell_is_found_as_often_as_was_measured(
    name: str, found: Callable[[str], bool], least: int, most_wrong: int
) -> None:
    told = rows(name)
    assert sum(found(text) for expected, text in told if expected != "none") >= least
    assert sum(found(text) for expected, text in told if expected == "none") <= most_wrong


def test_the_reason_why_is_the_right_one_as_often_as_was_measured() -> None:
    told = [
        (expected, not_accepted(Draft(text=text), fold(text))) for expected, text in rows("acceptance_strangers.tsv")
    ]
    assert sum(found is not None and found.value == expected for expected, found in told) >= 27


def test_what_strangers_call_an_emergency_alarms() -> None:
    strangers = figures(cases(SECOND_STRANGERS))
    assert (strangers.emergencies, strangers.quiet) == (110, 130)
    assert strangers.seen >= 106
    assert strangers.false_alarms <= 14
