"""Relations between tickets and messages: a person's decision about what rules decided or left open."""

from schemas.records import event
from schemas.records.ticket import Proposal
from tickets.commands import args, move
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.dedupe.clusters import CONNECTING
from tickets.model.ticket_state import TicketState
from tickets.state.state import State


def merge(order: Order, given: args.Merge) -> event.Changes:
    """并单: an edge on each side; the messages stay where they were filed, each citizen is still answered."""
    ticket, other = order.ticket(given), order.named(given.into)
    if ticket is other:
        raise RefusalError("self_merge", "a ticket cannot be merged with itself")
    if other.ticket_id in _merged_with(order.state, ticket):
        raise RefusalError("merge_cycle", "the two tickets are merged already, perhaps through others")
    return _checked(order, _both("merged", ticket, other))


def unmerge(order: Order, given: args.Unmerge) -> event.Changes:
    """Remove every edge between two tickets, or a wrongly filed message from its ticket.

    The other ticket may be erased: the edge has its id and nothing more.
    """
    if given.message_id is not None and given.ticket_id is None:
        return move.move(order, args.Move(message_id=given.message_id, if_version=given.if_version))
    if given.ticket_id is None or given.message_id is not None:
        raise RefusalError("arguments", "unmerge needs the other ticket_id, or a message_id")
    ticket, other = order.ticket(given), order.held(given.ticket_id)
    changes = tuple(
        event.EdgeRemoved(ticket_id=one.ticket_id, other_id=edge.ticket_id, kind=edge.kind)
        for one, far in ((ticket, other), (other, ticket))
        for edge in one.edges
        if edge.ticket_id == far.ticket_id and edge.kind in CONNECTING
    )
    if not changes:
        raise RefusalError("not_merged", "no edge joins these two tickets: see the ticket's edges")
    return _checked(order, changes)


def confirm_proposal(order: Order, given: args.Judge) -> event.Changes:
    """Accept: the two tickets are joined; another person's reply to a ticket is merged with it."""
    ticket, proposal = _proposed(order, given)
    confirmed = event.Confirmed(proposal_id=proposal.proposal_id, ticket_id=ticket.ticket_id)
    if not proposal.target.startswith(f"{order.command.jurisdiction}-"):
        return (confirmed,)  # a proposed code, not a ticket: other commands carry it out
    other = order.named(proposal.target)
    if other.ticket_id in _merged_with(order.state, ticket):
        return (confirmed,)
    if proposal.relation == "same_matter_other_person":
        edge = event.EdgeAdded(
            ticket_id=ticket.ticket_id, other_id=other.ticket_id, kind="cluster", score=proposal.score
        )
        return _checked(order, (confirmed, edge))
    return _checked(order, (confirmed, *_both("merged", ticket, other)))


def reject_proposal(order: Order, given: args.Judge) -> event.Changes:
    """Reject, permanently and for both tickets (`tickets/reducers/relations.py`)."""
    ticket, proposal = _proposed(order, given)
    rejected = event.Rejected(proposal_id=proposal.proposal_id, ticket_id=ticket.ticket_id)
    message_id = proposal.proposal_id.partition("-")[0]
    return (rejected, event.NeverLink(message_id=message_id, ticket_id=proposal.target))


def _proposed(order: Order, given: args.Judge) -> tuple[TicketState, Proposal]:
    ticket = order.ticket(given)
    proposal = ticket.proposal(given.proposal_id)
    if proposal is None:
        raise RefusalError("unknown_proposal", "the ticket has no such open proposal")
    return ticket, proposal


def _both(kind: str, ticket: TicketState, other: TicketState) -> event.Changes:
    return tuple(
        event.EdgeAdded(ticket_id=one.ticket_id, other_id=far.ticket_id, kind=kind, score=1.0)
        for one, far in ((ticket, other), (other, ticket))
    )


def _merged_with(state: State, ticket: TicketState) -> set[str]:
    reached, waiting = {ticket.ticket_id}, [ticket.ticket_id]
    while waiting:
        edges = state.tickets[waiting.pop()].edges
        more = {edge.ticket_id for edge in edges if edge.kind == "merged" and edge.ticket_id in state.tickets} - reached
        reached |= more
        waiting += more
    return reached


def _checked(order: Order, changes: event.Changes) -> event.Changes:
    """Refuse a change of more tickets than one transaction can hold."""
    limit = order.state.policy.max_cluster_moves
    if len(order.state.clusters.after(changes)) > limit:
        raise RefusalError("too_many", f"more than {limit} tickets would change their cluster at once: ask an operator")
    return changes
