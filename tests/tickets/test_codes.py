"""Codes of findings, as decisions look at them."""

from tickets.codes import by_kind, shared


def test_a_kind_has_the_last_code_that_is_said_of_it() -> None:
    assert by_kind(("category.noise", "minor.subject", "minor.told", "restricted")) == {
        "category": "noise",
        "minor": "told",
    }


def test_tickets_with_the_same_codes_have_one_tuple_of_them() -> None:
    one, other = (tuple(f"category.{name}" for name in ("noise", "light")) for _ in range(2))
    assert one is not other
    assert shared(one) is shared(other)
    assert shared(one) == one
