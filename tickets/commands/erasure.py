"""Erasure of personal data: single spans and fields (redact), a whole ticket, or a message without a ticket (forget).

The event records it and names nobody.

Earlier records stay in the topics until their retention or compaction: docs/how-to/commands.md.
"""

import re
from collections.abc import Iterable

from schemas import ids
from schemas.records import event
from schemas.records.event_base import ErasedMessage
from tickets.commands import args
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.model.ticket_state import TicketState

FIELDS = frozenset({"title", "text", "summary", "requester", "location", "attachments", "result"})
"""Fields of a ticket that can be blacked out as a whole."""

MOST_ERASED = 50_000
"""Most messages in one event, of about 63 bytes each."""

MOST_ALONE = 10
"""Messages without a ticket that are erased together."""

_MESSAGE = re.compile(ids.MESSAGE_ID)
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


def redact(order: Order, given: args.Redact) -> event.Changes:
    """Black out fields and spans of a ticket, and have the archive empty its messages."""
    ticket = order.ticket(given)
    if not set(given.fields) <= FIELDS or not (given.fields or given.spans):
        raise RefusalError("arguments", f"redact takes spans, and fields out of {', '.join(sorted(FIELDS))}")
    if given.spans and given.if_version is None:
        raise RefusalError("arguments", "spans need if_version: they count in the text of one version")
    if any(not 0 <= start < end for start, end in given.spans):
        raise RefusalError("arguments", "a span is [start, end) with start before end")
    order.check_heard(ticket)
    names = _all_of(ticket) if given.message_ids is None else given.message_ids
    if not set(names) <= set(_all_of(ticket)):
        raise RefusalError("not_filed", "a message is not filed in this ticket: see its links")
    redacted = event.Redacted(
        ticket_id=ticket.ticket_id, fields=given.fields, spans=given.spans, messages=_named(ticket, names)
    )
    return (redacted,)


def forget(order: Order, given: args.Forget) -> event.Changes:
    """Erase a whole ticket, also one that left the memory long ago; or messages that no ticket has."""
    ticket_id = order.command.ticket_id
    if ticket_id is None and given.message_ids:
        return (_alone(order, given),)
    if ticket_id is not None and ticket_id not in order.state.tickets and order.state.participants.has_left(ticket_id):
        order.check_city(ticket_id)
        if not given.message_ids:
            raise RefusalError("arguments", "the ticket is only in the archive: name its messages in message_ids")
        _check_no_ticket_has(order, given.message_ids)
        messages = tuple(ErasedMessage(message_id=one) for one in given.message_ids)
        return (event.Erased(ticket_id=ticket_id, messages=_bounded(messages)),)
    ticket = order.ticket(given)
    order.check_heard(ticket)
    return (event.Erased(ticket_id=ticket.ticket_id, messages=_bounded(_named(ticket, _all_of(ticket)))),)


def _alone(order: Order, given: args.Forget) -> event.MessagesErased:
    """Erase messages by their ids: an auto-reply, a bounce, a dead letter."""
    names = tuple(dict.fromkeys(given.message_ids))
    if len(names) > MOST_ALONE or not all(map(_MESSAGE.fullmatch, names)):
        raise RefusalError("arguments", f"without a ticket forget takes the ids of up to {MOST_ALONE} messages")
    if given.month is not None and not _MONTH.fullmatch(given.month):
        raise RefusalError("arguments", "a month is written as 2026-11")
    _check_no_ticket_has(order, names)
    return event.MessagesErased(messages=tuple(ErasedMessage(message_id=name, month=given.month) for name in names))


def _check_no_ticket_has(order: Order, names: Iterable[str]) -> None:
    if not all(ticket.erased for ticket in order.state.tickets.having(*names)):
        raise RefusalError("filed", "a ticket has this message: erase that ticket (see `hotline explain`)")


def _bounded(messages: tuple[ErasedMessage, ...]) -> tuple[ErasedMessage, ...]:
    if len(messages) > MOST_ERASED:
        raise RefusalError("too_many", f"one event names {MOST_ERASED} messages at most, and the ticket has more")
    return messages


def _all_of(ticket: TicketState) -> list[str]:
    return [*ticket.messages, *ticket.noted]


def _named(ticket: TicketState, names: Iterable[str]) -> tuple[ErasedMessage, ...]:
    there = {**ticket.messages, **ticket.noted}
    return tuple(ErasedMessage(message_id=one, month=there[one].month) for one in names)
