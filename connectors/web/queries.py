"""Queries of Open311: requests by id, or by time, service and status."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.web.archive import Wanted
from connectors.web.validation import Problem, WrongError
from normalizers.web.services import OTHER
from schemas.ids import SHANGHAI

LONGEST = timedelta(days=90)
MOST_IDS = 50
MOST_REQUESTS = 1_000
_STATUSES = frozenset({"open", "closed"})


def listed(text: str) -> list[str]:
    """Return the values between commas without duplicates."""
    return list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))


def ids_of(query: Mapping[str, str]) -> list[str]:
    """Return the requested ids, which override all other filters. Raises WrongError for too many."""
    found = listed(query.get("service_request_id", ""))
    if len(found) > MOST_IDS:
        raise WrongError([Problem(400, f"more than {MOST_IDS} service_request_ids at once")])
    return found


def wanted(query: Mapping[str, str], jurisdiction: str, known: Sequence[str], now: datetime) -> Wanted:
    """Return the filter. Raises WrongError with all problems."""
    found = list(_problems(query, known))
    start, end = _day(_time(query, "start_date")), _day(_time(query, "end_date"), last=True)
    end = end or min(now, start + LONGEST if start else now)
    start = start or _day(end - LONGEST) or end - LONGEST
    if not found and not timedelta(0) <= end - start < LONGEST + timedelta(days=1):
        found.append(Problem(400, "start_date and end_date must be in this order and span 90 days at most"))
    if found:
        raise WrongError(found)
    statuses = set(listed(query.get("status", "").lower()))
    codes = listed(query.get("service_code", ""))
    return Wanted(
        jurisdiction=jurisdiction,
        start=start,
        end=end,
        codes=tuple(codes),
        closed="closed" in statuses if len(statuses) == 1 else None,
        limit=_size(query),
    )


def _problems(query: Mapping[str, str], known: Sequence[str]) -> Iterator[Problem]:
    for name in ("start_date", "end_date"):
        if query.get(name) and _time(query, name) is None:
            yield Problem(400, f"{name} must be a time with its zone, such as 2026-11-24T00:00:00+08:00")
    if not set(listed(query.get("status", "").lower())) <= _STATUSES:
        yield Problem(400, "status must be open, closed or both")
    if not set(listed(query.get("service_code", ""))) <= {*known, OTHER}:
        yield Problem(404, "service_code was not found: GET services lists them")


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name, "").strip().replace(" ", "+")  # an unescaped plus sign
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo and 1970 < time.year < 9000 else None
    except ValueError:
        return None


def _day(at: datetime | None, *, last: bool = False) -> datetime | None:
    """Return the start or end of a time's day: with shorter spans the public could search for the second."""
    if at is None:
        return None
    begin = at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin + timedelta(days=1, microseconds=-1) if last else begin


def _size(query: Mapping[str, str]) -> int:
    text = query.get("page_size", "")
    return (
        max(1, min(int(text), MOST_REQUESTS)) if text.isascii() and text.isdigit() and len(text) < 6 else MOST_REQUESTS
    )
