"""Hand-overs (紧急转接): effect on state and snapshot of decisions about messages that alarm the emergency desk."""

from msgspec.structs import replace

from schemas.records import Event, Ticket, event
from schemas.records.ticket import HandoverState
from tickets import emergency
from tickets.emergency import Alarm
from tickets.model import limits
from tickets.model.keys import scoped
from tickets.model.ticket_state import Early, with_more
from tickets.reducers.base import Occasion, Reducer
from tickets.state.state import State


def _handed_over(state: State, decision: Event, change: event.HandedOver) -> None:
    name = scoped(decision.jurisdiction, change.handover_id)
    state.handovers.hand_over(name, change.handover_id, change.ticket_id)


def _show_handover(ticket: Ticket, change: event.HandedOver, occasion: Occasion) -> Ticket:
    return _with(ticket, HandoverState(handover_id=change.handover_id), occasion)


def _acknowledged(state: State, decision: Event, change: event.Acknowledged) -> None:
    early = Early(decision.at, decision.author) if change.ticket_id is None else None
    state.handovers.acknowledge(scoped(decision.jurisdiction, change.handover_id), change.handover_id, early)


def _show_acknowledgement(ticket: Ticket, change: event.Acknowledged, occasion: Occasion) -> Ticket:
    answered = replace(
        _alarming_known(ticket, change.handover_id),
        acknowledged_at=change.taken_at or occasion.decision.at,
        acknowledged_by=change.taken_by or occasion.decision.author,
    )
    return _with(ticket, answered, occasion)


def _dismissed(state: State, decision: Event, change: event.HandoverDismissed) -> None:
    state.handovers.dismiss(scoped(decision.jurisdiction, change.handover_id), change.handover_id)
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.dismissed = with_more(ticket.dismissed, (change.handover_id,))
        ticket.danger = emergency.endangers(ticket)


def _show_dismissal(ticket: Ticket, change: event.HandoverDismissed, occasion: Occasion) -> Ticket:
    """Return the ticket with the alarm of its other messages, and the highest of their confidences."""
    dismissed = replace(
        _alarming_known(ticket, change.handover_id),
        dismissed_at=occasion.decision.at,
        dismissed_by=occasion.decision.author,
        dismissed_reason=change.reason_code,
        reinstated_at=None,
        reinstated_by=None,
    )
    left = Alarm(change.classes, change.level) if change.level is not None else None
    return replace(_with(ticket, dismissed, occasion), **emergency.alarming(ticket.emergency, left))


def _reinstated(state: State, decision: Event, change: event.HandoverReinstated) -> None:
    """Wait for the desk again, in spite of earlier answers; what was `acknowledged` stays so."""
    state.handovers.reinstate(change.handover_id, change.ticket_id)
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.dismissed = tuple(one for one in ticket.dismissed if one != change.handover_id)
        ticket.danger = emergency.endangers(ticket)


def _show_reinstatement(ticket: Ticket, change: event.HandoverReinstated, occasion: Occasion) -> Ticket:
    """Return the ticket with its alarm; the desk's earlier answer no longer counts, as it has to come again."""
    again = HandoverState(
        handover_id=change.handover_id,
        reinstated_at=occasion.decision.at,
        reinstated_by=occasion.decision.author,
    )
    told = Alarm(change.classes, change.level)
    return replace(_with(ticket, again, occasion), **emergency.alarming_again(ticket, told))


def _alarming_known(ticket: Ticket, handover_id: str) -> HandoverState:
    known = (one for one in ticket.handovers if one.handover_id == handover_id)
    return next(known, HandoverState(handover_id=handover_id))


def _with(ticket: Ticket, state: HandoverState, occasion: Occasion) -> Ticket:
    others = (one for one in ticket.handovers if one.handover_id != state.handover_id)
    return replace(ticket, handovers=limits.ends((*others, state), occasion.policy.max_history))


REDUCERS: dict[type, Reducer] = {
    event.HandedOver: Reducer(_handed_over, _show_handover),
    event.Acknowledged: Reducer(_acknowledged, _show_acknowledgement),
    event.HandoverDismissed: Reducer(_dismissed, _show_dismissal),
    event.HandoverReinstated: Reducer(_reinstated, _show_reinstatement),
}
