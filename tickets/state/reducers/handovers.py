"""Effect of decisions about hand-overs (紧急转接) on the state: which tickets wait for the emergency desk."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from schemas.records import Event, event
from tickets import emergency
from tickets.model.keys import scoped
from tickets.model.ticket_state import Early, with_more

if TYPE_CHECKING:
    from tickets.state.state import State


def _handed_over(state: "State", decision: Event, change: event.HandedOver) -> None:
    if scoped(decision.jurisdiction, change.handover_id) not in state.acknowledged:
        state.handed_over[change.handover_id] = change.ticket_id


def _acknowledged(state: "State", decision: Event, change: event.Acknowledged) -> None:
    name = _answered(state, decision, change.handover_id)
    if state.handed_over.pop(change.handover_id, None) is None and change.ticket_id is None:
        state.note_early(name, Early(decision.at, decision.author))
    else:
        state.early.pop(name, None)


def _answered(state: "State", decision: Event, handover_id: str) -> str:
    """Note that nobody waits for the desk any more; return under which name that is known in this city."""
    name = scoped(decision.jurisdiction, handover_id)
    state.acknowledged.keep(name)
    return name


def _dismissed(state: "State", decision: Event, change: event.HandoverDismissed) -> None:
    _answered(state, decision, change.handover_id)
    state.handed_over.pop(change.handover_id, None)
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.dismissed = with_more(ticket.dismissed, (change.handover_id,))
        ticket.danger = emergency.endangers(ticket)


def _reinstated(state: "State", decision: Event, change: event.HandoverReinstated) -> None:
    """Wait for the desk again, whatever it or a clerk has said until now; what was `acknowledged` is so for ever."""
    state.handed_over[change.handover_id] = change.ticket_id
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.dismissed = tuple(one for one in ticket.dismissed if one != change.handover_id)
        ticket.danger = emergency.endangers(ticket)


REDUCERS: dict[type, Callable[["State", Event, Any], None]] = {
    event.HandedOver: _handed_over,
    event.Acknowledged: _acknowledged,
    event.HandoverDismissed: _dismissed,
    event.HandoverReinstated: _reinstated,
}
