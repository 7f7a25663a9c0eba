"""Judges what a subscriber's endpoint answered; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import NamedTuple

from schemas.errors import MisconfiguredError

GONE = 410

AWAY = frozenset({401, 403, 404, 405, 407, 429, 502, 503, 504})
"""Says nothing about the one delivery: a login, a path, a proxy, a load. It is the same for all, and will be mended."""

LATER = frozenset({408, 409, 425})
"""This delivery was not taken now. Whoever has it already answers 2xx."""


class Outcome(Enum):
    """What to do with a delivery after one attempt."""

    DELIVERED = "delivered"
    LATER = "later"
    """The endpoint is there and did not take this one: try it again, let the others go on."""
    AWAY = "away"
    """The endpoint takes nothing just now: all wait."""
    REFUSED = "refused"
    """It will never take this one."""


class Answer(NamedTuple):
    """What came of one attempt; `told` is the HTTP status, or what was in the way."""

    outcome: Outcome
    told: str
    milliseconds: int | None = None
    retry_after: float | None = None


def judge(subscriber: str, status: int, headers: Mapping[str, str], milliseconds: int, now: datetime) -> Answer:
    """Sort an answer by its status. Raises MisconfiguredError when the subscriber says that it is gone for good."""
    if status == GONE:
        raise MisconfiguredError(
            f"Subscriber {subscriber} answers 410, it is gone: remove `sinks.webhook.{subscriber}`, or correct its url."
        )
    return Answer(_outcome(status), str(status), milliseconds, _seconds(headers.get("retry-after"), now))


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if status in AWAY or status < 400:  # a redirect is not followed: it could lead anywhere
        return Outcome.AWAY
    return Outcome.LATER if status in LATER or status >= 500 else Outcome.REFUSED


def _seconds(text: str | None, now: datetime) -> float | None:
    """Read Retry-After: seconds, or a date; None for what is neither."""
    if text is None:
        return None
    if (stripped := text.strip()).isdecimal():
        return float(stripped)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of twenty digits
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
