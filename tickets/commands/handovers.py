"""Hand-overs (紧急转接) of single messages: acknowledgement, dismissal as a false alarm, and its reversal."""

import re

from schemas import ids
from schemas.records import event
from tickets import emergency
from tickets.commands import args
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.lifecycle import CLOSED
from tickets.model.keys import scoped
from tickets.model.ticket_state import TicketState
from tickets.state.state import State

_HANDOVER = re.compile(ids.MESSAGE_ID)


def acknowledge(order: Order, given: args.Args) -> event.Changes:
    """Acknowledge a hand-over. The emergency desk may do so before the ticket is decided."""
    handover_id = _id_of(order)
    name = scoped(order.command.jurisdiction, handover_id)
    if order.state.handovers.is_acknowledged(name) and handover_id not in order.state.handovers:
        raise RefusalError("acknowledged", "the hand-over is acknowledged already, or was dismissed")
    ticket_id = order.state.handovers.ticket_of(handover_id)
    if ticket_id is not None:
        order.check_city(ticket_id)
    ticket = order.state.tickets.get(ticket_id or "")
    live = ticket.ticket_id if ticket is not None and not ticket.erased else None
    return (event.Acknowledged(handover_id=handover_id, ticket_id=live),)


def dismiss(order: Order, given: args.Dismiss) -> event.Changes:
    """Dismiss a false alarm (误报). Each message is judged by itself: a later one rings again.

    The protection by the rules (a minor, confidentiality) stays until a `reclassify` changes it.
    """
    handover_id = _id_of(order)
    ticket = _ticket_of(order, handover_id)
    order.check_version(ticket, given)
    if handover_id in ticket.dismissed:
        raise RefusalError("dismissed", "the hand-over was called a false alarm already")
    if emergency.alarm_of(ticket.messages[handover_id].codes) is None:
        raise RefusalError("no_alarm", "no rule took this message for an emergency: nothing rings for it")
    left = emergency.standing(ticket, but=handover_id)
    dismissed = event.HandoverDismissed(
        ticket_id=ticket.ticket_id,
        handover_id=handover_id,
        reason_code=given.reason_code,
        classes=left.classes if left else (),
        level=left.level if left else None,
    )
    return (dismissed,)


def reinstate(order: Order, given: args.Args) -> event.Changes:
    """Reverse a dismissal: it rings again, and the desk has to acknowledge it again.

    It reopens a closed ticket, as any message with a lasting danger does.
    """
    handover_id = _id_of(order)
    ticket = _ticket_of(order, handover_id)
    order.check_version(ticket, given)
    told = emergency.alarm_of(ticket.messages[handover_id].codes)
    if handover_id not in ticket.dismissed or told is None:
        raise RefusalError("not_dismissed", "nobody called this hand-over a false alarm: there is nothing to take back")
    again = event.HandoverReinstated(
        ticket_id=ticket.ticket_id, handover_id=handover_id, classes=told.classes, level=told.level
    )
    if ticket.status not in CLOSED or not told.endangers:
        return (again,)
    return (again, event.StatusSet(ticket_id=ticket.ticket_id, status="reopened"))


def position(state: State, handover_id: str | None) -> list[int]:
    """Return the position of a hand-over's message in the input: the desk reads it again."""
    if handover_id is None or not _HANDOVER.fullmatch(handover_id):
        return []
    ticket = next(state.tickets.having(handover_id), None)
    filed = ticket.messages.get(handover_id) if ticket is not None else None
    return [filed.offset] if filed is not None else []


def _id_of(order: Order) -> str:
    handover_id = order.command.handover_id
    if handover_id is None or not _HANDOVER.fullmatch(handover_id):
        raise RefusalError("arguments", f"{order.command.kind} needs the handover_id: 26 characters of a-z and 2-7")
    return handover_id


def _ticket_of(order: Order, handover_id: str) -> TicketState:
    """Return the live ticket that has the message of a hand-over now. Raises RefusalError."""
    ticket_id = order.state.handovers.ticket_of(handover_id)
    tickets = order.state.tickets
    there = tickets.get(ticket_id) if ticket_id else next(tickets.having(handover_id), None)
    if there is None or handover_id not in there.messages:
        raise RefusalError("not_filed", "no live ticket has the message of this hand-over: acknowledge it meanwhile")
    return order.named(there.ticket_id)
