"""Ids of call records, and the citizen's number in them; without the connector, which verifies posts."""

from datetime import datetime

from normalizers.phone.draft import Told, is_number
from schemas.ids import LONGEST_ID, bounded

_DIGEST = 16


def identifier(told: Told, digest: str) -> str:
    """Return the record's id: call, revision, and the beginning of its digest.

    If a platform gives two records of a call the same revision, both are kept; a repeat has the same digest.
    """
    return f"{bounded(told.call_id)}:{told.revision}:{digest[:_DIGEST]}"


def citizen(told: Told) -> str | None:
    """Return the number of the citizen in a call, or None without one."""
    return number(told.callee if told.direction == "outbound" else told.caller)


def number(said: str) -> str | None:
    """Return a number, cut because it travels in headers; None if it is withheld."""
    return said[:LONGEST_ID] if is_number(said) else None


CALLS_MOST = 50_000
"""Limit of calls whose first report is remembered: some days of a large city."""


class FirstReports:
    """When each call was first reported: platforms report it as it happens, and again with corrections."""

    def __init__(self) -> None:
        self._times: dict[str, datetime] = {}

    def of(self, call_id: str, now: datetime) -> datetime:
        """Return the time of a call's first report, `now` for a new call; remember the last `CALLS_MOST`."""
        first = self._times.pop(call_id, now)
        self._times[call_id] = first
        if len(self._times) > CALLS_MOST:
            del self._times[next(iter(self._times))]
        return first
