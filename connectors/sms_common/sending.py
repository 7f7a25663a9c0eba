"""Shared code for sending short messages: recipients with a phone, and retries of further parts."""

import re
from collections.abc import Callable
from typing import Any

from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from schemas.records import Party

PACE = wait_exponential(multiplier=1, max=8)
"""Seconds between attempts to send a further part while the other side is busy: 1, 2, 4, 8."""

THROTTLED_SECONDS = 30.0
"""Seconds that an account pauses after the other side throttled it."""

_ATTEMPTS = 5
_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def has_phone(recipient: Party) -> bool:
    """Return whether the recipient is a phone number for short messages."""
    return recipient.kind == "phone" and _NUMBER.fullmatch(recipient.value) is not None


def patiently(is_busy: Callable[[Any], bool], pace: wait_base) -> AsyncRetrying:
    """Return a retry for further parts while the other side is busy, because half a text is useless.

    It returns the last answer.
    """
    return AsyncRetrying(
        retry=retry_if_result(is_busy),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=pace,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
