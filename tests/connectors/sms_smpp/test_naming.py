"""Names: the same content within ten minutes is the same message; what waits to come again keeps its first name."""

from datetime import UTC, datetime, timedelta, timezone

from connectors.sms_smpp.naming import Arrivals, identifier

AT = datetime(2026, 11, 24, 1, 10, tzinfo=UTC)


def test_a_step_is_ten_minutes_of_the_clock_in_any_zone() -> None:
    assert identifier(b"x", AT) == identifier(b"x", AT + timedelta(minutes=9, seconds=59))
    assert identifier(b"x", AT) != identifier(b"x", AT + timedelta(minutes=10))
    assert identifier(b"x", AT) == identifier(b"x", AT.astimezone(timezone(timedelta(hours=8))))
    assert identifier(b"x", AT) != identifier(b"y", AT)


def test_a_name_is_for_ever() -> None:
    assert identifier(b"x", AT) == "956f1fcf6a6594f4adb9aa06bb8b181ae084c42604040256d3af65493345c7de"


def test_only_what_was_not_acknowledged_is_remembered_and_only_for_a_step() -> None:
    arrivals = Arrivals()
    assert arrivals.first(b"x", AT) == AT
    arrivals.unanswered(b"x", AT)
    later = AT + timedelta(minutes=9)
    assert arrivals.first(b"x", later) == AT
    assert arrivals.first(b"y", later) == later
    far = AT + timedelta(minutes=10)
    assert arrivals.first(b"x", far) == far
    arrivals.answered(b"x")
    assert arrivals.first(b"x", later) == later


def test_a_message_that_never_comes_through_begins_anew_after_a_step() -> None:
    arrivals = Arrivals()
    arrivals.unanswered(b"x", AT)
    far = AT + timedelta(minutes=11)
    arrivals.unanswered(b"x", arrivals.first(b"x", far))
    assert arrivals.first(b"x", far + timedelta(minutes=5)) == far


def test_the_memory_is_bounded() -> None:
    arrivals = Arrivals(most=2)
    for each in (b"1", b"2", b"3"):
        arrivals.unanswered(each, AT)
    later = AT + timedelta(minutes=1)
    assert [arrivals.first(each, later) for each in (b"1", b"2", b"3")] == [later, AT, AT]
