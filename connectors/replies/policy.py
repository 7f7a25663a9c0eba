"""Decides about an open receipt: send, wait, or withhold. Pure."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from connectors.replies.ledger import Ledger, Open
from connectors.replies.settings import AnswerSettings

Withheld = Literal["erased", "confidential", "too_old", "recipient_limit", "not_configured"]


class Turn(NamedTuple):
    """Decision: at most one field is set; without any the receipt is sent."""

    wait_until: datetime | None = None
    withheld: Withheld | None = None


SEND = Turn()


def turn(entry: Open, ledger: Ledger, settings: AnswerSettings | None, now: datetime, beginning: int = 0) -> Turn:
    """Decide about one receipt while `beginning` others of the account begin.

    An emergency does not wait for the account's turn; the limits of a recipient apply to all.
    """
    outbox = entry.outbox
    if entry.withdrawn:
        return Turn(withheld=entry.withdrawn)
    if settings is None or not settings.enabled:
        return Turn(withheld="not_configured")
    if now - outbox.received_at > timedelta(hours=settings.max_age_hours):
        return Turn(withheld="too_old")
    if ledger.sent_to(outbox.recipient, now) >= settings.per_recipient_a_day:
        return Turn(withheld="recipient_limit")
    at = ledger.next_turn(outbox.account, settings.per_minute, now, beginning)
    return Turn(wait_until=at) if at > now and not outbox.urgent else SEND
