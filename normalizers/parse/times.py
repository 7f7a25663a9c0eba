"""Times as other systems write them in their exports and records."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo

from dateutil import parser

from schemas import ids

_UNIX = re.compile(r"1[0-9]{9}(?:[0-9]{3})?")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_CHINESE_UNITS = {ord(unit): mark for unit, mark in zip("年月日时点分秒", "-- ::: ", strict=True)}
_DEFAULT = datetime(1970, 1, 1)
_ZONES = {"CST": ids.SHANGHAI}
"""As Java writes a time here: Wed Nov 25 09:00:00 CST 2026."""

_NO_TIME = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
"""What dateutil raises: beside its own error, what its arithmetic does of digits without end and of numbers missing."""

_MOST_OF_A_TIME = 100
"""Characters: for a million digits dateutil takes over a minute, and no system writes so long a time."""


def written(text: str, zone: tzinfo) -> datetime | None:
    """Return a time in UTC, None for what nobody can read; one without an offset is in `zone`."""
    try:
        time = _read(text.strip())
        return (time if time.tzinfo is not None else time.replace(tzinfo=zone)).astimezone(UTC)
    except _NO_TIME:
        return None


def _read(text: str) -> datetime:
    """Read a time as exports and platforms write it.

    RFC 3339, 2019/2/14 9:05, 20190214090500, 2026年11月24日 9时12分, 12/27/2016, Unix time in seconds or milliseconds.
    """
    if _UNIX.fullmatch(text):  # first: some of them are days of the year 1795 as well
        return datetime.fromtimestamp(int(text) / 10 ** (len(text) - 10), UTC)
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    if len(text) > _MOST_OF_A_TIME or not _YEAR.search(text):
        raise ValueError("no time, or one without a year")
    time: datetime = parser.parse(text.translate(_CHINESE_UNITS).strip(" -:"), default=_DEFAULT, tzinfos=_ZONES)
    return time


# The other side's clock: a time before its channel's first day, or a day ahead of us, is a fault of it.

_AHEAD = timedelta(days=1)


def believed(at: datetime | None, first: datetime, recorded: datetime) -> datetime | None:
    """Return the time that the other side tells; None for one that it cannot be, as we `recorded` the message then."""
    return at if at is not None and first <= at <= recorded + _AHEAD else None
