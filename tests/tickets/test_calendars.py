"""Working days against chinesecalendar, day by day, and against the vectors of the rules."""

from collections import Counter
from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import MisconfiguredError
from tests.rows import each_row
from tickets import policies
from tickets.sla.calendar import Calendar, calendars

FIRST, LAST = date(2019, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


@pytest.fixture(scope="module")
def cn() -> Calendar:
    return calendars(policies.read("calendars"))["cn"]


def test_every_day_from_2019_to_2026_is_what_chinesecalendar_says(cn: Calendar) -> None:
    assert [day for day in DAYS if cn.is_working(day) != chinese_calendar.is_workday(day)] == []


@each_row(
    ("start", "number", "due"),
    [
        ("2026-02-11", 5, "2026-02-25"),
        ("2026-02-11", 15, "2026-03-10"),
        ("2026-02-24", 5, "2026-03-02"),
        ("2026-04-30", 5, "2026-05-11"),
        ("2026-09-16", 5, "2026-09-22"),
        ("2026-09-18", 5, "2026-09-24"),
        ("2026-09-28", 5, "2026-10-10"),
        ("2026-09-30", 5, "2026-10-13"),
    ],
)
def test_the_vectors_of_the_rules(cn: Calendar, start: str, number: int, due: str) -> None:
    assert cn.working_day(date.fromisoformat(start), number) == date.fromisoformat(due)


def test_the_weekend_days_that_are_worked_in_2026(cn: Calendar) -> None:
    days = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
    assert sorted(map(str, cn.years[2026].working)) == days


@given(st.sampled_from(DAYS[:-60]), st.integers(1, 30))
def test_the_nth_working_day_has_n_working_days_before_it(start: date, number: int) -> None:
    cn = calendars(policies.read("calendars"))["cn"]
    due = cn.working_day(start, number)
    between = [start + timedelta(days=ahead) for ahead in range(1, (due - start).days + 1)]
    assert sum(map(chinese_calendar.is_workday, between)) == number == cn.working_days(start, due)
    assert chinese_calendar.is_workday(due)


@each_row(("number", "undefined"), [(1, 1), (2, 2), (5, 7), (10, 14), (15, 21)])
def test_at_the_end_of_2026_the_calendar_knows_no_more(cn: Calendar, number: int, undefined: int) -> None:
    dues = Counter(cn.working_day(day, number).year for day in DAYS if day.year == 2026)
    assert dues[2027] == undefined
    assert not cn.knows(2027)


def test_a_holiday_of_one_date_is_none_to_work_on_in_a_year_that_nobody_has_published(cn: Calendar) -> None:
    days = [date(2029, month, day) for month, day in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))]
    assert not any(map(cn.is_working, days))
    assert cn.is_working(date(2029, 10, 4))
    assert cn.working_day(date(2026, 12, 31), 1) == date(2027, 1, 4)
    assert not cn.knows(2029)


def test_a_citys_own_holiday_of_one_date_joins_the_states() -> None:
    own = {"id": "xz", "version": "1", "extends": "cn", "years": {}, "every_year": ["03-28"]}
    both = calendars(policies.read("calendars") | {"xz": own})
    assert both["cn"].is_working(date(2028, 3, 28))
    assert not both["xz"].is_working(date(2028, 3, 28))
    assert not both["xz"].is_working(date(2029, 10, 1))


def test_a_citys_own_days_lie_over_the_states() -> None:
    own = {"id": "gx", "version": "1", "extends": "cn", "years": {"2026": {"off": [date(2026, 4, 20)]}}}
    both = calendars(policies.read("calendars") | {"gx": own})
    assert both["cn"].is_working(date(2026, 4, 20))
    assert not both["gx"].is_working(date(2026, 4, 20))
    assert not both["gx"].is_working(date(2026, 10, 1))
    assert both["gx"].version == f"{both['cn'].version}+1"


@each_row(
    ("table", "says"),
    [
        ({"id": "x", "version": "1"}, "missing required field"),
        ({"id": "y", "version": "1", "years": {}}, "has the id y"),
        ({"id": "x", "version": "1", "years": {"2026": {"off": [date(2025, 1, 1)]}}}, "2025-01-01 under 2026"),
        (
            {"id": "x", "version": "1", "years": {"2026": {"off": [date(2026, 1, 1)], "working": [date(2026, 1, 1)]}}},
            "both off and working",
        ),
        ({"id": "x", "version": "1", "years": {}, "extends": "moon"}, "extends moon"),
        (
            {"id": "x", "version": "1", "years": {"2031": {}}, "extends": "cn"},
            "days of 2031, which cn.toml does not have yet",
        ),
        ({"id": "x", "version": "1", "years": {}, "holidays": []}, "unknown field"),
        ({"id": "x", "version": "1", "years": {}, "every_year": ["1-1"]}, "'1-1' in every_year"),
        ({"id": "x", "version": "1", "years": {}, "every_year": ["02-30"]}, "'02-30' in every_year"),
    ],
)
def test_a_calendar_that_cannot_be_used_is_named(table: dict[str, object], says: str) -> None:
    with pytest.raises(MisconfiguredError, match=says):
        calendars(policies.read("calendars") | {"x": table})
