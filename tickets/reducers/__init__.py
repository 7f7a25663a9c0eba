"""Reducers: one file for each family of events, with the effects on state and snapshot side by side.

decision --+--> snapshot_after --> ticket as others read it   (before the fold, for each ticket that it changes)
+--> apply ----------> state                       (the only function that changes it)
"""

from collections.abc import Iterable

from schemas.records import Event, Ticket, event
from tickets.policy import TicketPolicy
from tickets.reducers import erasure, handling, handovers, messages, relations
from tickets.reducers.base import Occasion, Reducer
from tickets.reducers.messages import open_snapshot
from tickets.state.state import State

REDUCERS: dict[type, Reducer] = {
    **messages.REDUCERS,
    **relations.REDUCERS,
    **handling.REDUCERS,
    **handovers.REDUCERS,
    **erasure.REDUCERS,
}
"""By the kind of change; a kind that is missing changes neither."""


def fold(events: Iterable[Event], policy: TicketPolicy) -> State:
    """Return the state after `events`, oldest first."""
    state = State(policy)
    for one in events:
        apply(state, one)
    return state


def apply(state: State, decision: Event) -> None:
    """Fold one decision into the state; the only function that changes it."""
    state.tickets.tidy()
    state.inputs.apply(decision)
    state.audit = decision.audit or state.audit
    state.calls.apply(decision)  # before the changes: they ask which call a record is of
    for change in decision.changes:
        reducer = REDUCERS.get(type(change))
        if reducer is not None and reducer.on_state is not None:
            reducer.on_state(state, decision, change)
    for changed in decision.tickets:
        ticket = state.tickets.get(changed.ticket_id)
        if ticket is not None:
            ticket.version = changed.version
    state.evict(decision.at, [changed.ticket_id for changed in decision.tickets])


def amend(ticket: Ticket, change: event.AnyChange, occasion: Occasion) -> Ticket:
    """Return the ticket after one change; most changes leave its snapshot alone."""
    reducer = REDUCERS.get(type(change))
    return ticket if reducer is None or reducer.on_snapshot is None else reducer.on_snapshot(ticket, change, occasion)


def snapshot_after(ticket_id: str, occasion: Occasion) -> Ticket:
    """Return a ticket after a decision that opens or changes it."""
    changes = occasion.decision.changes
    opened = next((one for one in changes if isinstance(one, event.Opened) and one.ticket_id == ticket_id), None)
    ticket = occasion.ticket_of(ticket_id) if opened is None else open_snapshot(opened, occasion)
    for change in changes:
        # a move names two tickets, and neither as `ticket_id`
        if isinstance(change, event.Moved) or getattr(change, "ticket_id", None) == ticket_id:
            ticket = amend(ticket, change, occasion)
    return ticket
