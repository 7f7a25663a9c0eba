"""What is heard of those who ask not to be named, or for confidence: recall first, since a leak cannot be undone.

`confidentiality_cases.tsv` has seven lists, each written before the rules that hear it: docs/reference/quality.md has
the figures of both moments.
"""

from pathlib import Path

import pytest

from normalizers.enrich.confidentiality import ANONYMOUS, confidentiality
from normalizers.text.fold import fold

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent / "confidentiality_cases.tsv").read_text("utf-8").splitlines()[1:]
]
ASKED = [(expected, text) for _, expected, text in ROWS if expected != "none"]


def heard(text: str) -> str:
    kinds = {finding.kind for finding in confidentiality(None, text, fold(text))}
    return "withheld" if ANONYMOUS in kinds else "confidential" if kinds else "none"


def test_who_asks_for_confidence_or_not_to_be_named_is_heard() -> None:
    assert len(ASKED) > 100
    assert sum(heard(text) != "none" for _, text in ASKED) >= 0.95 * len(ASKED)


def test_who_asks_not_to_be_named_is_not_named() -> None:
    withheld = [text for expected, text in ASKED if expected == "withheld"]
    assert sum(heard(text) == "withheld" for text in withheld) >= 0.92 * len(withheld)


@pytest.mark.parametrize("text", [text for _, expected, text in ROWS if expected == "none"])
def test_openness_of_others_and_secrets_of_others_are_no_wish(text: str) -> None:
    assert heard(text) == "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("能不能告诉我是谁投诉的我,我要当面说清楚", "none"),
        ("请问怎么匿名举报黑作坊", "none"),
        ("能不能不要告诉老板是我反映的", "withheld"),
        ("求你们匿名处理", "withheld"),
    ],
)
def test_a_question_who_it_was_and_how_to_report_are_no_wish(text: str, expected: str) -> None:
    assert heard(text) == expected


def test_a_long_run_of_cues_takes_no_longer_than_its_length() -> None:
    assert heard("不要把我的电话" * 20_000) == "withheld"
