"""Codes of findings, as decisions look at them."""

from tests.rows import each_row
from tickets.codes import by_kind, is_below


def test_a_kind_has_the_last_code_that_is_said_of_it() -> None:
    assert by_kind(("category.noise", "minor.subject", "minor.told", "restricted")) == {
        "category": "noise",
        "minor": "told",
    }


def test_a_word_that_the_channel_used_and_nobody_knows_hides_nothing() -> None:
    assert by_kind(("request_kind.complaint", "request_kind.unknown")) == {"request_kind": "complaint"}


@each_row(
    ("code", "above", "is_there"),
    [
        ("1.1", "1.1", True), ("1.1.3", "1.1", True), ("1.10", "1.1", False), ("10", "1", False),
        ("1.1", "1.10", False),
        ("construction.housing", "construction", True), ("constructions", "construction", False),
        ("construction.housing", "construction.", True), ("城管/噪声", "城管", True),
        ("030401", "03", True),
        ("030401", "030", False), ("0304", "0304", True), (None, "1", False), ("", "1", False),
    ],
)  # fmt: skip
def test_a_category_is_below_another_by_the_levels_of_its_scheme(
    code: str | None, above: str, *, is_there: bool
) -> None:
    assert is_below(code, above) is is_there
