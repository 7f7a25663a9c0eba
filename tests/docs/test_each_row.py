"""A test of many rows runs each of them, and fails with every one that is wrong."""

from collections.abc import Callable

import pytest

from tests.rows import each_row


def test_each_row_is_run_and_the_wrong_ones_are_named() -> None:
    seen: list[tuple[int, str]] = []

    @each_row(("number", "word"), [(1, "a"), pytest.param(2, "b", id="second"), (3, "c")])
    def check(number: int, word: str) -> None:
        seen.append((number, word))
        assert number < 2, word

    with pytest.raises(BaseExceptionGroup, match="2 of 3 rows") as told:
        check()
    assert seen == [(1, "a"), (2, "b"), (3, "c")]
    assert [one.__notes__ for one in told.value.exceptions] == [["in the row 1: second"], ["in the row 2: 3, 'c'"]]


@pytest.mark.parametrize("fails", [AssertionError, KeyError, pytest.fail.Exception])
def test_one_wrong_row_is_raised_as_it_is(fails: Callable[[str], BaseException]) -> None:
    @each_row("word", ["a", "b"], ids=["first", "last"])
    def check(word: str) -> None:
        if word == "b":
            raise fails("wrong")

    with pytest.raises(fails) as told:
        check()
    assert told.value.__notes__ == ["in the row 1: last"]


@each_row("one", [1, 2])
@each_row("other", [10, 20])
def test_rows_stand_over_rows_and_beside_fixtures(one: int, other: int, request: pytest.FixtureRequest) -> None:
    assert (one, other) in {(1, 10), (1, 20), (2, 10), (2, 20)}
    assert request.node.name == "test_rows_stand_over_rows_and_beside_fixtures"


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows of word"):
        each_row("word", [])
