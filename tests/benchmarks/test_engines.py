"""The judge of the engines' outputs sees what is lost, doubled or misjudged, and the job keeps what it promises."""

import pytest

from benchmarks.engines.bare import judged
from benchmarks.engines.job import CITIES, PARTITIONS, Judged, understood, write
from benchmarks.engines.run import judge
from schemas import ids
from schemas.codec import encode

LINES = [
    b'{"id": "%d", "city": "%s", "text": "%s"}' % (number, city.encode(), text.encode())
    for number, (city, text) in enumerate(
        (city, text) for city in CITIES[:2] for text in ("路灯ＡＢＣ", "路灯ABC", "积水")
    )
]


def outputs() -> list[bytes]:
    seen: set[tuple[str, int]] = set()
    return [write(judged(line, seen)) for line in LINES]


def renewed(value: bytes) -> bytes:
    """Return an output that calls its text new."""
    one = understood(value)
    return encode(Judged(one.id, one.city, one.text, one.fingerprint, new=True))


def test_a_city_says_a_thing_for_the_first_time_once() -> None:
    assert [b'"new":true' in value for value in outputs()] == [True, False, True] * 2
    assert judge(outputs(), len(LINES)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        (lambda values: values[1:], (1, 0, 1)),
        (lambda values: [*values, values[0]], (0, 1, 0)),
        (lambda values: [values[0], renewed(values[1]), *values[2:]], (0, 0, 1)),
    ],
    ids=["one without output", "one with two", "a repeat taken for new"],
)
def test_the_judge_sees_it(spoilt, found: tuple[int, int, int]) -> None:
    assert judge(spoilt(outputs()), len(LINES)) == found


def test_each_city_has_the_partition_in_which_its_outputs_are_restored() -> None:
    assert [ids.partition_of(city, PARTITIONS) for city in CITIES] == list(range(PARTITIONS))
