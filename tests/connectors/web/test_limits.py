"""Paces, against a clock that is moved by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.web.limits import Pace, Ringing
from connectors.web.submission import Arrivals


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_an_hour_and_the_next_when_a_turn_comes_back() -> None:
    clock = Clock()
    pace = Pace(6, clock=clock)
    assert [pace.take("a") for _ in range(6)] == [0.0] * 6
    assert pace.take("a") == pytest.approx(600)
    assert pace.take("a") == pytest.approx(600), "to ask costs nothing"
    assert pace.take("b") == 0.0
    clock.now += 599
    assert pace.take("a") == pytest.approx(1)
    clock.now += 1
    assert pace.take("a") == 0.0
    assert pace.take("a") == pytest.approx(600)


def test_after_an_hour_of_rest_all_turns_are_there_again() -> None:
    clock = Clock()
    pace = Pace(3, clock=clock)
    for _ in range(3):
        pace.take("a")
    clock.now += 3600
    assert [pace.take("a") for _ in range(3)] == [0.0] * 3
    assert pace.take("a") > 0


def test_a_crowd_takes_no_more_memory_than_allowed() -> None:
    pace = Pace(1, most_names=100)
    for number in range(1000):
        pace.take(str(number))
    assert len(pace._due) == 100


def test_of_very_many_submissions_the_latest_are_known() -> None:
    arrivals, began = Arrivals(most=2), datetime(2026, 11, 25, tzinfo=UTC)
    for seconds, digest in enumerate("abc"):
        arrivals.first(digest, began + timedelta(seconds=seconds))
    later = began + timedelta(minutes=5)
    assert [arrivals.first(digest, later) for digest in "ca"] == [began + timedelta(seconds=2), later]


def test_beyond_the_pace_a_post_folds_into_the_last_that_rang() -> None:
    clock = Clock()
    ringing = Ringing(2, clock=clock)
    for message in ("a", "b"):
        assert ringing.last("x") is None
        ringing.rang("x", message)
    assert [ringing.last("x"), ringing.last("x"), ringing.last("y")] == ["b", "b", None]
    clock.now += 1800
    assert ringing.last("x") is None
    ringing.rang("x", "c")
    assert ringing.last("x") == "c"


def test_without_one_that_rang_the_next_one_rings() -> None:
    ringing = Ringing(1, clock=Clock())
    assert [ringing.last("x") for _ in range(3)] == [None] * 3, "none of them was safe"
