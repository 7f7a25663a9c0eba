"""Another person with the same matter gets a ticket of their own, and an edge to the oldest of its cluster.

Each citizen is answered; whoever handles the matter sees them together. What is restricted (reports, minors,
self-harm) is only proposed, and so is what names another district: two districts are two incidents.
"""

from itertools import islice

from tickets import location
from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State

_MEMBERS = 8
"""So many of a cluster are asked, the oldest first: a mass incident costs no more than any other."""


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Take the likest ticket; between the two thresholds a clerk decides."""
    policy = state.policy.near
    for found in state.near.find(incoming.jurisdiction, incoming.features):
        if found.score < policy.propose:
            return None
        ticket = state.in_order(found.order)
        if ticket.ticket_id == incoming.within:
            continue
        oldest = state.clusters.of(ticket.ticket_id)
        if (incoming.id, ticket.ticket_id) in state.never or (incoming.id, oldest) in state.never:
            continue
        codes = incoming.features.codes
        sure = found.score >= policy.link and not policy.is_restricted((*codes, *ticket.codes_that_stand()))
        sure = sure and not location.is_elsewhere(codes, ticket.place) and not _is_other(state, incoming, oldest)
        return Verdict(
            relation="same_matter_other_person",
            method=found.method,
            ticket_id=None if sure else oldest,
            joins=oldest if sure else None,
            score=found.score,
            evidence=(ticket.ticket_id, *found.evidence),
            sure=sure,
        )
    return None


def _is_other(state: State, incoming: Incoming, cluster: str) -> bool:
    """Say whether the cluster knows of another thing of the kind, though the likest ticket in it may tell of none."""
    if not incoming.features.doors:
        return False
    members = islice(state.clusters.members(cluster), _MEMBERS)
    orders = [state.tickets[one].order for one in members]
    return any(state.near.has_other_marks(incoming.features, order) for order in orders)
