"""Working days (工作日): weekdays less holidays, plus the weekend days worked in exchange (调休)."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count
from typing import Any

import msgspec
from msgspec import Struct

from schemas.errors import MisconfiguredError

_DAY = timedelta(days=1)
_SATURDAY = 5


class Year(Struct, frozen=True, forbid_unknown_fields=True):
    """What a year has other than Monday to Friday."""

    off: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()


class Calendar(Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar by its id; a year without a table counts Monday to Friday less `every_year`, and is provisional."""

    id: str
    version: str
    years: Mapping[int, Year]
    extends: str | None = None
    every_year: frozenset[str] = frozenset()
    """Holidays of one date (`10-01`): a table of its year stands for them."""

    def knows(self, year: int) -> bool:
        """Return True if the year's holidays are published."""
        return year in self.years

    def is_working(self, day: date) -> bool:
        """Return True if offices work on a day."""
        if (year := self.years.get(day.year)) is None:
            return day.weekday() < _SATURDAY and f"{day:%m-%d}" not in self.every_year
        return day in year.working or (day.weekday() < _SATURDAY and day not in year.off)

    def working_day(self, start: date, number: int) -> date:
        """Return the `number`-th working day (1 or more) counted from the day after `start`.

        Raises ValueError for a number below 1.
        """
        if number < 1:
            raise ValueError("working days are counted from 1")
        for ahead in count(1):
            if self.is_working(start + ahead * _DAY):
                number -= 1
                if number == 0:
                    return start + ahead * _DAY
        raise AssertionError("count never ends")

    def working_days(self, after: date, until: date) -> int:
        """Return how many working days lie after one day, up to and with another; 0 when there is none."""
        return sum(self.is_working(after + ahead * _DAY) for ahead in range(1, (until - after).days + 1))

    def days_before(self, until: date, number: int) -> date:
        """Return the day after which `number` working days (1 or more) lie, up to and with `until`."""
        for back in count():
            number -= self.is_working(until - back * _DAY)
            if number == 0:
                return until - (back + 1) * _DAY
        raise AssertionError("count never ends")


_LEAP_YEAR = 2024


def calendars(tables: Mapping[str, Any]) -> dict[str, Calendar]:
    """Return the calendars of these files by id, those that extend another with its days as well.

    Raises MisconfiguredError for a file that is no calendar, or that extends what is not there.
    """
    read = {name: _calendar(name, table) for name, table in tables.items()}
    return {name: _whole(calendar, read) for name, calendar in read.items()}


def _calendar(name: str, table: Any) -> Calendar:
    try:
        calendar = msgspec.convert(table, Calendar, strict=False)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"The calendar {name}.toml cannot be used: {error}.") from error
    if calendar.id != name:
        raise MisconfiguredError(f"The calendar {name}.toml has the id {calendar.id}: file name and id must be equal.")
    if wrong := sorted(day for day in calendar.every_year if not _is_a_date(day)):
        raise MisconfiguredError(
            f"The calendar {name}.toml has {wrong[0]!r} in every_year: write month and day, 10-01."
        )
    for number, year in calendar.years.items():
        strays = [day for day in sorted(year.off | year.working) if day.year != number]
        if strays:
            raise MisconfiguredError(f"The calendar {name}.toml has {strays[0]} under {number}: move it to its year.")
        both = sorted(year.off & year.working)
        if both:
            raise MisconfiguredError(f"The calendar {name}.toml has {both[0]} both off and working: keep one.")
    return calendar


def _is_a_date(day: str) -> bool:
    try:
        return f"{date.fromisoformat(f'{_LEAP_YEAR}-{day}'):%m-%d}" == day
    except ValueError:
        return False


def _whole(calendar: Calendar, read: Mapping[str, Calendar]) -> Calendar:
    if calendar.extends is None:
        return calendar
    base = read.get(calendar.extends)
    if base is None or base.extends is not None:
        raise MisconfiguredError(
            f"The calendar {calendar.id}.toml extends {calendar.extends}: name one that exists and extends no other."
        )
    strays = sorted(set(calendar.years) - set(base.years))
    if strays:
        raise MisconfiguredError(
            f"The calendar {calendar.id}.toml has days of {strays[0]}, which {base.id}.toml does not have "
            "yet: add the year there first."
        )
    years = dict(base.years) | {number: _overlaid(base.years[number], year) for number, year in calendar.years.items()}
    return Calendar(
        id=calendar.id,
        version=f"{base.version}+{calendar.version}",
        years=years,
        extends=base.id,
        every_year=base.every_year | calendar.every_year,
    )


def _overlaid(under: Year, over: Year) -> Year:
    return Year(off=(under.off - over.working) | over.off, working=(under.working - over.off) | over.working)
