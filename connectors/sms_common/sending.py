"""What the protocols of short messages share in sending: who has a phone, and how a further piece is tried again."""

import re
from collections.abc import Callable
from typing import Any

from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from schemas.records import Party

PACE = wait_exponential(multiplier=1, max=8)
"""Between attempts to send a further piece that the other side refuses for being busy: 1, 2, 4, 8 s."""

THROTTLED_SECONDS = 30.0
"""How long an account rests when the other side takes no more."""

_ATTEMPTS = 5
_NUMBER = re.compile(r"\+?[0-9]{3,20}")


def has_phone(recipient: Party) -> bool:
    """Say whether somebody is named by a number that a short message can go to."""
    return recipient.kind == "phone" and _NUMBER.fullmatch(recipient.value) is not None


def patiently(is_busy: Callable[[Any], bool], pace: wait_base) -> AsyncRetrying:
    """Return what sends a further piece again while the other side is busy, as half a text helps nobody.

    It gives the last answer.
    """
    return AsyncRetrying(
        retry=retry_if_result(is_busy),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=pace,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
