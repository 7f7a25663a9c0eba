"""Relations: effect on state and snapshot of edges between tickets, proposals, and clerks' verdicts on them.

`Desk` shows edges and clusters itself, after the fold: an edge changes the cluster of tickets that no event names. A
proposal about the filed message is shown with the message (`tickets/snapshot/build.py`).
"""

from msgspec.structs import replace

from schemas.records import Edge, Event, Ticket, event
from schemas.records.ticket import Proposal
from tickets.model import limits
from tickets.model.ticket_state import TicketState
from tickets.reducers.base import Occasion, Reducer
from tickets.state.state import State


def _edge_added(state: State, decision: Event, change: event.EdgeAdded) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None or change.other_id not in state.tickets or _edge(ticket, change) is not None:
        return
    ticket.edges = (*ticket.edges, Edge(ticket_id=change.other_id, kind=change.kind, score=change.score))
    state.clusters.apply(change)


def _edge_removed(state: State, decision: Event, change: event.EdgeRemoved) -> None:
    ticket = state.tickets.get(change.ticket_id)
    edge = _edge(ticket, change) if ticket else None
    if ticket is None or edge is None:
        return
    ticket.edges = tuple(one for one in ticket.edges if one is not edge)
    state.separations.part(change.ticket_id, change.other_id)
    state.clusters.apply(change)
    for ticket_id in (change.ticket_id, change.other_id):  # a ticket that stayed for the cluster's sake may leave now
        if ticket_id in state.tickets:
            state.note_closed(state.tickets[ticket_id])


def _edge(ticket: TicketState, change: event.EdgeAdded | event.EdgeRemoved) -> Edge | None:
    same = (edge for edge in ticket.edges if (edge.ticket_id, edge.kind) == (change.other_id, change.kind))
    return next(same, None)


def _never_link(state: State, decision: Event, change: event.NeverLink) -> None:
    state.separations.add((change.message_id, change.ticket_id))


def _proposed(state: State, decision: Event, change: event.Proposed) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        proposal = Proposal(
            proposal_id=change.proposal_id, relation=change.relation, target=change.target, score=change.score
        )
        ticket.proposals = limits.ends((*ticket.proposals, proposal), state.policy.max_proposals)


def _judged(state: State, decision: Event, change: event.Confirmed | event.Rejected) -> None:
    ticket = state.tickets.get(change.ticket_id or "")
    if ticket is not None:
        known = ticket.proposal(change.proposal_id)
        if known is not None and isinstance(change, event.Rejected) and known.target in state.tickets:
            state.separations.part(ticket.ticket_id, known.target)
        ticket.proposals = tuple(one for one in ticket.proposals if one.proposal_id != change.proposal_id)


def _show_judged(ticket: Ticket, change: event.Confirmed | event.Rejected, occasion: Occasion) -> Ticket:
    left = tuple(one for one in ticket.proposals if one.proposal_id != change.proposal_id)
    return replace(ticket, proposals=left)


REDUCERS: dict[type, Reducer] = {
    event.EdgeAdded: Reducer(_edge_added),
    event.EdgeRemoved: Reducer(_edge_removed),
    event.NeverLink: Reducer(_never_link),
    event.Proposed: Reducer(_proposed),
    event.Confirmed: Reducer(_judged, _show_judged),
    event.Rejected: Reducer(_judged, _show_judged),
}
