"""Times as Chinese exports write them; what nobody can read stays as it is."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from normalizers import record
from schemas import ids

_EXCEL_EPOCH = datetime(1899, 12, 30)
_EXCEL_DAYS = (20_000, 80_000)
"""Days since 1899-12-30 from 1954 to 2119: a number in between is Excel's own way to write a date."""

_HALF = re.compile(
    r"(上午|下午|早上|凌晨|中午|晚上|夜里|深夜|半夜|傍晚|AM|PM)\s*(\d{1,2})(?=\s*[:时点])", re.IGNORECASE
)
_AFTERNOON = frozenset({"下午", "晚上", "夜里", "深夜", "半夜", "傍晚", "中午", "pm"})
_NIGHT = frozenset({"晚上", "夜里", "深夜", "半夜"})
_SMALL_HOURS = 6
_MIDNIGHT = re.compile(r"(?:晚上|夜里|深夜|半夜)\s*12(?=\s*[:时点])")
"""The end of the day that stands before it."""

_WEEKDAY = re.compile(r"[（(]?(?:星期|周)[一二三四五六日天][)）]?")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:[ T]?(\d{2}):?(\d{2}):?(\d{2})?)?")


def readable(cell: Any) -> str:
    """Return a time that the normalizer can read, with Beijing's offset where none is said; else the cell's text."""
    if isinstance(cell, datetime):
        return _local(cell).isoformat()
    if isinstance(cell, date):
        return _local(datetime(cell.year, cell.month, cell.day)).isoformat()
    serial = _serial(cell)
    if serial is not None:
        return _local(serial).isoformat()
    text = str(cell).strip()
    narrow = text.replace("：", ":")
    found = next((found for found in (_compact(narrow), _spoken(narrow)) if _can_be_read(found)), None)
    return _next_day(found) if found and _MIDNIGHT.search(narrow) else found or text


def _next_day(found: str) -> str:
    time = record.time_of({"received_at": found})
    return (time + timedelta(days=1)).isoformat() if time else found


def _local(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=ids.SHANGHAI)


def _serial(cell: Any) -> datetime | None:
    try:
        days = float(cell)
    except (TypeError, ValueError):
        return None
    if not _EXCEL_DAYS[0] <= days < _EXCEL_DAYS[1]:
        return None
    return _EXCEL_EPOCH + timedelta(seconds=round(days * 86_400))


def _compact(text: str) -> str:
    """Read 20240102, 20240102 0905 and 20240102090500."""
    found = _COMPACT.fullmatch(text)
    if found is None:
        return ""
    year, month, day, hour, minute, second = found.groups()
    return f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:{second or '00'}+08:00"


def _spoken(text: str) -> str:
    """Read 2024年1月2日 星期二 下午3点05分, and dates with dots."""
    text = _HALF.sub(_hour, _WEEKDAY.sub(" ", text))
    return re.sub(r"^((?:19|20)\d{2})[.．](\d{1,2})[.．](\d{1,2})", r"\1-\2-\3", text)


def _hour(found: re.Match[str]) -> str:
    half, hour = found[1].lower(), int(found[2])
    if half in _NIGHT and hour < _SMALL_HOURS:
        return f" {hour:02}"
    if half in _AFTERNOON and hour < 12 and not (half == "中午" and hour > 9):
        hour += 12
    elif (half in ("上午", "凌晨", "am") or half in _NIGHT) and hour == 12:
        hour = 0
    return f" {hour:02}"


def _can_be_read(text: str) -> bool:
    return bool(text) and record.time_of({"received_at": text}) is not None
