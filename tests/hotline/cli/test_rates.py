"""No line of `hotline rates` tells of fewer citizens than it may, not even by what is missing from the sum."""

import pytest

from hotline.cli.rates import lines_of
from tests.tickets.test_rates import asked

HAPPY = asked((True, True, True))


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ({"a": 12, "b": 10}, {"a": 12, "b": 10, "all": 22}),
        ({"a": 12, "b": 6, "c": 5}, {"a": 12, "few": 11, "all": 23}),
        ({"a": 12, "b": 10, "c": 1}, {"a": 12, "few": 11, "all": 23}),
        ({"a": 12, "b": 1}, {"all": 13}),
        ({"all": 12}, {"all": 12}),
        ({"a": 5, "b": 4}, {}),
        ({}, {}),
    ],
)
def test_small_groups_hide_among_others(sizes: dict[str, int], shown: dict[str, int]) -> None:
    lines = lines_of({name: [HAPPY] * size for name, size in sizes.items()}, least=10)
    assert {name: one.asked for name, one in lines.items()} == shown
