"""How each kind of change alters the state; `tickets/state.py:apply` is their only caller."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from schemas.records import Edge, Event, event
from tickets.held import TicketState
from tickets.keys import day_key, scoped
from tickets.lifecycle import CLOSED

if TYPE_CHECKING:
    from tickets.state import State


def _opened(state: "State", decision: Event, change: event.Opened) -> None:
    ticket = TicketState(
        ticket_id=change.ticket_id,
        ticket_no=change.ticket_no,
        jurisdiction=decision.jurisdiction,
        order=state.opened,
    )
    state.tickets[ticket.ticket_id] = state.by_order[ticket.order] = ticket
    state.opened += 1
    people = decision.features.requesters if decision.features else ()
    for related in change.related:
        if state.may_answer(related, people):
            state.successors[related] = change.ticket_id
            state.predecessors[change.ticket_id] = related
    state.sequences[day_key(decision.jurisdiction, change.day)] = change.sequence


def _filed(state: "State", decision: Event, change: event.MessageFiled) -> None:
    ticket, features = state.tickets.get(change.ticket_id), decision.features
    if ticket is None or features is None:
        return
    _extend(ticket.requesters, features.requesters)
    _extend(ticket.participants, features.participants)
    if features.message_key:
        state.by_thread.setdefault(scoped(decision.jurisdiction, features.message_key), ticket.ticket_id)
    if features.text_key:
        _extend(ticket.text_keys, (features.text_key,))
        state.index_texts(ticket)
    _extend(ticket.codes, features.codes)
    if ticket.order not in state.near:
        is_news = decision.relation != "same_matter_other_person"
        state.near.add(ticket.order, ticket.jurisdiction, features, is_news=is_news)


def _reopened(state: "State", decision: Event, change: event.Reopened) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.status, ticket.closed_at = "reopened", None


def _status_set(state: "State", decision: Event, change: event.StatusSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        return
    ticket.status = change.status
    ticket.closed_at = decision.at if change.status in CLOSED else None
    state.note_closed(ticket)


def _edge_added(state: "State", decision: Event, change: event.EdgeAdded) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None or change.other_id not in state.tickets or _edge(ticket, change) is not None:
        return
    ticket.edges.append(Edge(ticket_id=change.other_id, kind=change.kind, score=change.score))
    state.clusters.apply(change)


def _edge_removed(state: "State", decision: Event, change: event.EdgeRemoved) -> None:
    ticket = state.tickets.get(change.ticket_id)
    edge = _edge(ticket, change) if ticket else None
    if ticket is None or edge is None:
        return
    ticket.edges.remove(edge)
    state.clusters.apply(change)
    for ticket_id in (change.ticket_id, change.other_id):  # a ticket that stayed for the cluster's sake may leave now
        if ticket_id in state.tickets:
            state.note_closed(state.tickets[ticket_id])


def _never_link(state: "State", decision: Event, change: event.NeverLink) -> None:
    state.never.add((change.message_id, change.ticket_id))


def _handed_over(state: "State", decision: Event, change: event.HandedOver) -> None:
    state.handed_over.add(change.handover_id)


def _acknowledged(state: "State", decision: Event, change: event.Acknowledged) -> None:
    state.handed_over.discard(change.handover_id)


STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.Opened: _opened,
    event.MessageFiled: _filed,
    event.Reopened: _reopened,
    event.StatusSet: _status_set,
    event.EdgeAdded: _edge_added,
    event.EdgeRemoved: _edge_removed,
    event.NeverLink: _never_link,
    event.HandedOver: _handed_over,
    event.Acknowledged: _acknowledged,
}


def _extend(known: list[str], more: Iterable[str]) -> None:
    known.extend(one for one in dict.fromkeys(more) if one not in known)


def _edge(ticket: TicketState, change: event.EdgeAdded | event.EdgeRemoved) -> Edge | None:
    same = (edge for edge in ticket.edges if (edge.ticket_id, edge.kind) == (change.other_id, change.kind))
    return next(same, None)
