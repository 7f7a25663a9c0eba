"""Messages as the normalizers make them of what somebody says, and a desk that decides about them in order."""

import json
from collections.abc import Iterable
from datetime import timedelta

from msgspec import UNSET

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Position
from schemas.records import Event, Message, Ticket, raw_message
from schemas.records.dispatch import DispatchProposal
from tests.tickets.build import START
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

CITY = "210100"

ONE, OTHER = SENDERS = ("13900000001", "13900000002")
"""Two people."""


def said(
    number: int, title: str, text: str = "", *, sender: str | dict[str, str] = "", jurisdiction: str = CITY, **more: str
) -> Message:
    """Return the message with this number; another person says each unless `sender` is given."""
    record = {"id": str(number), "title": title, "text": text or title, "sender": sender or f"1390000{number:04d}"}
    at = START + timedelta(minutes=number)
    raw = raw_message(
        channel="record",
        channel_kind="letter",
        account="city",
        jurisdiction=jurisdiction,
        identifier=str(number),
        value=json.dumps(record | more, ensure_ascii=False).encode(),
        content_type="application/json",
        time=at,
        recorded=at,
    )
    return normalize(raw, Policy()).message


def decided(messages: Iterable[Message], policy: TicketPolicy | None = None) -> tuple[Desk, list[Event]]:
    """Return the desk after these messages, and its decisions."""
    desk = Desk(State(policy or TicketPolicy()))
    return desk, take(desk, messages)


def relation(first: str, second: str, *senders: str) -> str:
    """Return what an empty city makes of the second of two texts without titles."""
    messages = [said(n, "", text, sender=senders[n]) for n, text in enumerate((first, second))]
    return decided(messages)[1][1].relation


def take(desk: Desk, messages: Iterable[Message]) -> list[Event]:
    """Let the desk take these messages after all it took before; none of them may be a repeat."""
    decisions = []
    for message in messages:
        offset = desk.state.inputs.last_offset(topics.MESSAGE, 0) + 1
        decision = desk.take(message, Position(topics.MESSAGE, 0, offset))
        assert decision is not None
        decisions.append(decision)
    return decisions


def ticket_of(desk: Desk, decision: Event) -> Ticket:
    """Return the ticket in which a decision filed its message."""
    return desk.ticket(decision.tickets[0].ticket_id)


def dispatch_proposed(ticket: Ticket) -> DispatchProposal:
    """Return to whom it is proposed that a ticket goes."""
    assert ticket.dispatch_proposal is not UNSET
    return ticket.dispatch_proposal
