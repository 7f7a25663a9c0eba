"""What decisions about hand-overs (紧急转接) make of a ticket's snapshot: part of `tickets/amend.py`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from schemas.records import Ticket, event
from schemas.records.ticket import HandoverState
from tickets import limits, urgency
from tickets.alarms import Alarm

if TYPE_CHECKING:
    from tickets.amend import Occasion


def _handed_over(ticket: Ticket, change: event.HandedOver, occasion: "Occasion") -> Ticket:
    return _with(ticket, HandoverState(handover_id=change.handover_id), occasion)


def _acknowledged(ticket: Ticket, change: event.Acknowledged, occasion: "Occasion") -> Ticket:
    answered = replace(
        _known(ticket, change.handover_id),
        acknowledged_at=change.taken_at or occasion.decision.at,
        acknowledged_by=change.taken_by or occasion.decision.author,
    )
    return _with(ticket, answered, occasion)


def _dismissed(ticket: Ticket, change: event.HandoverDismissed, occasion: "Occasion") -> Ticket:
    """Return the ticket as its other messages alarm; of them it keeps how sure the worst of all was."""
    dismissed = replace(
        _known(ticket, change.handover_id),
        dismissed_at=occasion.decision.at,
        dismissed_by=occasion.decision.author,
        dismissed_reason=change.reason_code,
        reinstated_at=None,
        reinstated_by=None,
    )
    left = Alarm(change.classes, change.level) if change.level is not None else None
    return replace(_with(ticket, dismissed, occasion), **urgency.alarming(ticket.emergency, left))


def _reinstated(ticket: Ticket, change: event.HandoverReinstated, occasion: "Occasion") -> Ticket:
    """Return the ticket as it alarms again; what the desk had said before counts no more, as it is to come again."""
    again = HandoverState(
        handover_id=change.handover_id,
        reinstated_at=occasion.decision.at,
        reinstated_by=occasion.decision.author,
    )
    told = Alarm(change.classes, change.level)
    return replace(_with(ticket, again, occasion), **urgency.alarming_again(ticket, told))


def _known(ticket: Ticket, handover_id: str) -> HandoverState:
    known = (one for one in ticket.handovers if one.handover_id == handover_id)
    return next(known, HandoverState(handover_id=handover_id))


def _with(ticket: Ticket, state: HandoverState, occasion: "Occasion") -> Ticket:
    others = (one for one in ticket.handovers if one.handover_id != state.handover_id)
    return replace(ticket, handovers=limits.ends((*others, state), occasion.policy.max_history))


STEPS: dict[type, Callable[[Ticket, Any, Any], Ticket]] = {
    event.HandedOver: _handed_over,
    event.Acknowledged: _acknowledged,
    event.HandoverDismissed: _dismissed,
    event.HandoverReinstated: _reinstated,
}
"""By the kind of change, as in `tickets/amend.py`."""
