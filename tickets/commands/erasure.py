"""Personal data goes: single spans and fields (redact), or all of a ticket (forget). The event says so and names none.

What was written before stays in the topics until their retention or compaction takes it: docs/how-to/commands.md.
"""

from collections.abc import Iterable

from schemas.records import event
from schemas.records.given import ErasedMessage
from tickets.commands import args
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.held import TicketState

FIELDS = frozenset({"title", "text", "summary", "requester", "location", "attachments", "result"})
"""Fields of a ticket that can be blacked out as a whole."""


def redact(order: Order, given: args.Redact) -> event.Changes:
    """Black out fields and spans of a ticket, and let the archive empty its messages."""
    ticket = order.ticket(given)
    if not set(given.fields) <= FIELDS or not (given.fields or given.spans):
        raise RefusalError("arguments", f"redact takes spans, and fields out of {', '.join(sorted(FIELDS))}")
    if given.spans and given.if_version is None:
        raise RefusalError("arguments", "spans need if_version: they count in the text of one version")
    if any(not 0 <= start < end for start, end in given.spans):
        raise RefusalError("arguments", "a span is [start, end) with start before end")
    names = _all_of(ticket) if given.message_ids is None else given.message_ids
    if not set(names) <= set(_all_of(ticket)):
        raise RefusalError("not_filed", "a message is not filed in this ticket: see its links")
    redacted = event.Redacted(
        ticket_id=ticket.ticket_id, fields=given.fields, spans=given.spans, messages=_named(ticket, names)
    )
    return (redacted,)


def forget(order: Order, given: args.Forget) -> event.Changes:
    """Erase a ticket whole; one that left the memory long ago as well."""
    ticket_id = order.command.ticket_id
    if ticket_id is not None and ticket_id not in order.state.tickets and ticket_id in order.state.left:
        order.check_city(ticket_id)
        if not given.message_ids:
            raise RefusalError("arguments", "the ticket is only in the archive: name its messages in message_ids")
        messages = tuple(ErasedMessage(message_id=one) for one in given.message_ids)
        return (event.Erased(ticket_id=ticket_id, messages=messages),)
    ticket = order.ticket(given)
    return (event.Erased(ticket_id=ticket.ticket_id, messages=_named(ticket, _all_of(ticket))),)


def _all_of(ticket: TicketState) -> list[str]:
    return [*ticket.messages, *ticket.noted]


def _named(ticket: TicketState, names: Iterable[str]) -> tuple[ErasedMessage, ...]:
    there = {**ticket.messages, **ticket.noted}
    return tuple(ErasedMessage(message_id=one, month=there[one].month) for one in names)
