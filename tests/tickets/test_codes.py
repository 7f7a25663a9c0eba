"""Codes of findings, as decisions look at them."""

from tickets.codes import by_kind


def test_a_kind_has_the_last_code_that_is_said_of_it() -> None:
    assert by_kind(("category.noise", "minor.subject", "minor.told", "restricted")) == {
        "category": "noise",
        "minor": "told",
    }


def test_a_word_that_the_channel_used_and_nobody_knows_hides_nothing() -> None:
    assert by_kind(("request_kind.complaint", "request_kind.unknown")) == {"request_kind": "complaint"}
