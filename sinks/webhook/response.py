"""Verdict on the answer of a subscriber's endpoint; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import NamedTuple

from schemas.errors import MisconfiguredError

GONE = 410

AWAY = frozenset({401, 403, 404, 405, 407, 429, 502, 503, 504})
"""Temporary faults that concern no single delivery: a login, a path, a proxy, load."""

LATER = frozenset({408, 409, 425})
"""This delivery was not accepted now. An endpoint that has it already answers 2xx."""


class Outcome(Enum):
    """What to do with a delivery after one attempt."""

    DELIVERED = "delivered"
    LATER = "later"
    """The endpoint works and did not accept this one: try it again, and let the others go on."""
    AWAY = "away"
    """The endpoint accepts nothing at the moment: all wait."""
    REFUSED = "refused"
    """It will never accept this one."""


class Answer(NamedTuple):
    """Result of one attempt; `told` is the HTTP status or the failure."""

    outcome: Outcome
    told: str
    milliseconds: int | None = None
    retry_after: float | None = None


def judge(subscriber: str, status: int, headers: Mapping[str, str], milliseconds: int, now: datetime) -> Answer:
    """Return the verdict by status. Raises MisconfiguredError if the subscriber says that it is gone for good (410)."""
    if status == GONE:
        raise MisconfiguredError(
            f"Subscriber {subscriber} answers 410 (gone): remove `sinks.webhook.{subscriber}`, or correct its url."
        )
    return Answer(_outcome(status), str(status), milliseconds, _seconds(headers.get("retry-after"), now))


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status in AWAY or status < 400:  # a redirect is not followed: it could lead anywhere
        return Outcome.AWAY
    return Outcome.LATER if status in LATER or status >= 500 else Outcome.REFUSED


def _seconds(text: str | None, now: datetime) -> float | None:
    """Parse Retry-After: seconds, or a date; None for anything else."""
    if text is None:
        return None
    if (stripped := text.strip()).isdecimal():
        return float(stripped)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of twenty digits
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
