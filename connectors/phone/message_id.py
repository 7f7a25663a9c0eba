"""Ids of call records, and the citizen's number in them; without the connector, which verifies posts."""

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
