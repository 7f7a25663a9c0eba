"""Paces and rooms, against a clock that is moved by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.web.limits import SMALL_BYTES, Pace, Room, neighbour
from connectors.web.submission import Arrivals
from schemas.errors import RefusedRequest


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


def test_room_is_given_back_and_words_always_have_some() -> None:
    room = Room(100_000)
    with room.held(90_000):
        with pytest.raises(RefusedRequest) as caught, room.held(80_000):
            pass
        assert caught.value.status == 503
        with room.held(SMALL_BYTES):
            pass
    with room.held(100_000):
        pass


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_subscriber_is_counted_once(host: str, counted: str) -> None:
    assert neighbour(host) == counted


def test_of_very_many_submissions_the_latest_are_known() -> None:
    arrivals, began = Arrivals(most=2), datetime(2026, 11, 25, tzinfo=UTC)
    for seconds, digest in enumerate("abc"):
        arrivals.first(digest, began + timedelta(seconds=seconds))
    later = began + timedelta(minutes=5)
    assert [arrivals.first(digest, later) for digest in "ca"] == [began + timedelta(seconds=2), later]
