"""The months and days that a text names: 12月3日, 三月十二到十四号, 上周六."""

from collections.abc import Iterator
from datetime import date, timedelta

from normalizers.rules import precompiled
from normalizers.similarity.circumstances import LEAP_YEAR, SINCE
from normalizers.similarity.numbers import Mark
from normalizers.text.numerals import DIGITS, NUMERALS

_HAN = f"[{DIGITS}十]"
_HAN_DATE = precompiled.pattern(
    rf"(?<![{DIGITS}十几数个])({_HAN}{{1,2}})(?=月(?:份|{_HAN}{{1,3}}[日号到至-]))"
    rf"|(?<=月)({_HAN}{{1,3}})(?=[日号]|[到至-](?:{_HAN}{{1,2}}月)?{_HAN}{{1,3}}[日号])"
    rf"|(?<=[到至])({_HAN}{{1,3}})(?=[日号月])"
)
"""三月十二号; 三月初五 is of the other calendar, and 三个月 is how long."""

_DATE = precompiled.pattern(rf"(?<![从自到至\d.-])(\d{{1,2}})月(?:份|(\d{{1,2}})[日号]|(?![\d份]))(?!{SINCE})")
"""The month or the day of something; since when it lasts tells no two incidents apart."""

_DAYS = precompiled.pattern(
    rf"(?<![\d.-])(\d{{1,2}})月(\d{{1,2}})[日号]?[到至~-](?:(\d{{1,2}})月)?(\d{{1,2}})[日号](?!{SINCE})"
)
"""From one day to another: 3月12日到14日."""

_MOST_DAYS = 31
_WEEKDAY = precompiled.pattern(rf"(?<![每从自到至])(?:周|星期|礼拜)([一二三四五六日天])(?!{SINCE}|[到至起])")


def in_digits(text: str) -> str:
    """Return the text with its dates told in digits: 三月十二号 as 3月12号."""
    return _HAN_DATE.sub(lambda found: NUMERALS.get(found[0], found[0]), text) if "月" in text else text


def days_told(head: str) -> Iterator[Mark]:
    """Yield the days of the week, the months and the days of a head in which dates are told in digits."""
    if "周" in head or "星期" in head or "礼拜" in head:
        yield from (("weekday", day.replace("天", "日")) for day in _WEEKDAY.findall(head))
    if "月" not in head:
        return
    for month, day in _DATE.findall(head):
        yield "month", month
        if day:
            yield "day", f"{month}-{day}"
    for day in _days_between(head):
        yield "month", str(day.month)
        yield "day", f"{day.month}-{day.day}"


def _days_between(head: str) -> Iterator[date]:
    """Yield each day from the first to the last of those that are told so, of a month at most."""
    for month, day, last_month, last_day in _DAYS.findall(head):
        try:
            first = date(LEAP_YEAR, int(month), int(day))
            last = date(LEAP_YEAR, int(last_month or month), int(last_day))
        except ValueError:
            continue
        if (days := (last - first).days) in range(_MOST_DAYS):
            yield from (first + timedelta(days=each) for each in range(days + 1))
