"""What is not accepted (不予受理), and what only sounds like it: `acceptance_cases.tsv`, our own sentences.

It has two lists, each written before the rules that hear it: docs/reference/quality.md has the figures of both moments.
"""

from pathlib import Path

import pytest

from normalizers.draft import Draft
from normalizers.findings.acceptance import MOST_LETTERS, not_accepted
from normalizers.text import fold

CASES = Path(__file__).parent / "acceptance_cases.tsv"
ROWS = [line.split("\t") for line in CASES.read_text("utf-8").splitlines()[1:]]


def heard(text: str) -> str:
    found = not_accepted(Draft(text=text), fold(text))
    return found.value if found else "none"


def test_the_reason_is_heard() -> None:
    told = [(expected, text) for _, expected, text in ROWS if expected != "none"]
    assert len(told) >= 70
    assert sum(heard(text) == expected for expected, text in told) >= 0.95 * len(told)


@pytest.mark.parametrize("text", [text for _, expected, text in ROWS if expected == "none"])
def test_who_asks_the_way_or_tells_of_a_street_is_taken(text: str) -> None:
    assert heard(text) == "none"


@pytest.mark.parametrize("text", ["哈哈哈", "测试测试", "你好，在吗", "1 1 1", "hello hello"])
def test_nothing_that_is_said_more_than_once_is_nothing(text: str) -> None:
    assert heard(text) == "no_request_content"


def test_a_long_text_that_begins_with_nothing_is_read() -> None:
    assert heard("测试" * MOST_LETTERS + "路灯坏了") == "none"
    assert heard("测试路灯") == "none"
