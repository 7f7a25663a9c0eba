"""Dates of a workbook that may be numbers: Excel keeps both alike, and gives a column the format of its neighbour."""

from datetime import datetime, timedelta


class DatedDay(datetime):
    """A day, and the whole number that stands for it in the workbook."""

    number: int


class DatedSpan(timedelta):
    """A number of days as hours, and the number itself."""

    number: int


def dated(value: datetime | timedelta, number: float) -> datetime | timedelta:
    """Return a date or a span that also tells the whole number that it was; one with a part of a day is no number."""
    if number != int(number):
        return value
    found: DatedDay | DatedSpan
    if isinstance(value, datetime):
        found = DatedDay.combine(value.date(), value.timetz())
    else:
        found = DatedSpan(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    found.number = int(number)
    return found
