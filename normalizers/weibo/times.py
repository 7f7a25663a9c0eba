"""The forms of created_at: the interfaces' English one, whatever locale we run in, and those of the public pages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from normalizers.parse.times import believed
from schemas import ids

_FIRST = datetime(2009, 8, 14, tzinfo=UTC)
"""Weibo's first day."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ENGLISH = re.compile(
    r"(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) (\d{1,2}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2}):?(\d{2}) (\d{4})", re.ASCII
)
_NUMBER = re.compile(r"\d{10}(?:\d{3})?", re.ASCII)
_AGO = re.compile(r"(\d{1,3})\s*(秒|分钟|小时)前", re.ASCII)
_CLOCK = re.compile(r"(今天|昨天|前天)\s*(\d{1,2}):(\d{2})", re.ASCII)
_DATE = re.compile(r"(?:(\d{4})-)?(\d{1,2})-(\d{1,2})(?:\s+(\d{1,2}):(\d{2})(?::\d{2})?)?", re.ASCII)

_DAYS = {"今天": 0, "昨天": 1, "前天": 2}
_UNITS = {"秒": timedelta(seconds=1), "分钟": timedelta(minutes=1), "小时": timedelta(hours=1)}


def moment(text: str, recorded: datetime) -> datetime | None:
    """Return the time in UTC, None if it is unreadable or impossible.

    Relative times (刚刚, 5分钟前, 昨天 12:01) count from `recorded`, the time of intake.
    """
    written = text.strip()
    if not written:
        return None
    for read in (_english, _number, _iso, _relative, _dated):
        try:
            at = read(written, recorded)
        except (ValueError, OverflowError):
            continue
        if at is not None:
            return believed(at, _FIRST, recorded)
    return None


def _english(text: str, _: datetime) -> datetime | None:
    """Read `Tue May 31 17:46:55 +0800 2011`."""
    found = _ENGLISH.fullmatch(text)
    if found is None or found[1] not in _MONTHS:
        return None
    month, offset = _MONTHS.index(found[1]) + 1, timedelta(hours=int(found[7]), minutes=int(found[8]))
    day, hour, minute, second = map(int, found.group(2, 3, 4, 5))
    local = datetime(int(found[9]), month, day, hour, minute, second, tzinfo=UTC)
    return local - offset if found[6] == "+" else local + offset


def _number(text: str, _: datetime) -> datetime | None:
    return datetime.fromtimestamp(int(text) / 10 ** (len(text) - 10), UTC) if _NUMBER.fullmatch(text) else None


def _iso(text: str, _: datetime) -> datetime | None:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=ids.SHANGHAI)).astimezone(UTC)


def _relative(text: str, recorded: datetime) -> datetime | None:
    if text == "刚刚":
        return recorded
    if ago := _AGO.fullmatch(text):
        return recorded - int(ago[1]) * _UNITS[ago[2]]
    if (clock := _CLOCK.fullmatch(text)) is None:
        return None
    day = recorded.astimezone(ids.SHANGHAI) - timedelta(days=_DAYS[clock[1]])
    return day.replace(hour=int(clock[2]), minute=int(clock[3]), second=0, microsecond=0).astimezone(UTC)


def _dated(text: str, recorded: datetime) -> datetime | None:
    """Read `11-24`, `11-24 10:05` and `2018-4-19`, in Chinese time; without a year it is the last such day."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(each) if each else 0 for each in found.groups())
    now = recorded.astimezone(ids.SHANGHAI)
    at: Callable[[int], datetime] = lambda in_year: datetime(in_year, month, day, hour, minute, tzinfo=ids.SHANGHAI)  # noqa: E731 - the same day of two years
    if year:
        return at(year).astimezone(UTC)
    this = at(now.year)
    return (this if this <= now else at(now.year - 1)).astimezone(UTC)
