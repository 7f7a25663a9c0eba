"""No line of `hotline rates` tells of fewer citizens than it may, not even by what is missing from the sum."""

from hotline.cli.rates import lines_of
from tests.rows import each_row
from tests.tickets.test_rates import asked

HAPPY = asked((True, True, True))
SILENT = asked((True, True, None))


def test_an_office_of_which_few_said_whether_they_are_satisfied_hides_among_others() -> None:
    lines = lines_of({"a": [HAPPY] * 12, "b": [SILENT] * 11 + [HAPPY], "c": [HAPPY] * 11}, least=10)
    assert {name: one.asked for name, one in lines.items()} == {"a": 12, "few": 23, "all": 35}
    (alone,) = lines_of({"a": [SILENT] * 12 + [HAPPY]}, least=10).values()
    assert (alone.resolution, alone.satisfaction) == (1.0, None)


@each_row(
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
