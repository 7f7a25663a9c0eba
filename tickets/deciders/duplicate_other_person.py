"""Another person with the same matter gets a ticket of their own, and an edge to the oldest of its cluster.

Each citizen is answered; the office that handles the matter sees them together. What is restricted (reports, minors,
self-harm) is only proposed, and so is what names another district: two districts are two incidents. What names no
place, building or district brings two that do into no cluster: the oldest of its tickets are asked as well. Where two
have nothing in common that tells where it is, the one is only proposed to the other.
"""

from itertools import islice

from tickets.codes import is_elsewhere, place_of
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.dedupe.index import Found
from tickets.dedupe.similarity import COPIED
from tickets.dedupe.sketch import GRAMS
from tickets.model.ticket_state import TicketState
from tickets.state.state import State


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Take the likest ticket; between the two thresholds a clerk decides."""
    policy = state.policy.near
    is_short = incoming.features.untitled is True and len(incoming.features.grams) < GRAMS
    least = policy.least_to_propose(is_short=is_short)
    for found in state.dedupe.find(incoming.jurisdiction, incoming.features):
        if found.score < least:
            return None
        ticket = state.tickets.in_order(found.order)
        if ticket.ticket_id == incoming.within:
            continue
        oldest = state.clusters.of(ticket.ticket_id)
        if _are_parted(state, incoming, ticket.ticket_id, oldest):
            continue
        codes = incoming.features.codes
        sure = (
            found.score >= policy.link
            and not state.policy.is_restricted(codes)
            and not any(state.policy.keeps_apart(one) for one in (ticket, state.tickets[oldest]))
            and not _could_be_anywhere(state, incoming, found)
            and not is_elsewhere(codes, ticket.place)
            and not _is_other(state, incoming, ticket, oldest)
        )
        named = ticket.ticket_id if state.tickets[oldest].erased else oldest
        return Verdict(
            relation="same_matter_other_person",
            method=found.method,
            ticket_id=None if sure else named,
            joins=oldest if sure else None,
            score=found.score,
            evidence=(ticket.ticket_id, *found.evidence),
            sure=sure,
        )
    return None


def _are_parted(state: State, incoming: Incoming, ticket_id: str, oldest: str) -> bool:
    """Return True if a clerk keeps the message from these, or the ticket that has it already from their cluster."""
    if any((incoming.id, other) in state.separations for other in (ticket_id, oldest)):
        return True
    return incoming.within is not None and state.are_parted(incoming.within, oldest)


def _could_be_anywhere(state: State, incoming: Incoming, found: Found) -> bool:
    """Return True if the two share no place: two persons have no power, each in their own flat.

    A long text that was copied is one matter all the same, as it is passed around.
    """
    if found.method == COPIED and len(incoming.features.grams) >= GRAMS:
        return False
    return state.dedupe.may_be_elsewhere(incoming.features, found.order)


def _is_other(state: State, incoming: Incoming, ticket: TicketState, cluster: str) -> bool:
    """Return True if the cluster knows of another thing or place of the kind; its likest ticket may tell of none."""
    features, near = incoming.features, state.dedupe
    by_place = bool(features.places) and not near.names_any(features.places, ticket.order)
    by_district = ticket.place is None and place_of(features.codes) is not None
    if not (features.doors or by_place or by_district):
        return False
    oldest = islice(state.clusters.members(cluster), state.policy.near.max_members)
    members = map(state.tickets.__getitem__, oldest)
    return any(
        near.has_other_marks(features, one.order)
        or (by_place and near.has_other_places(features, one.order))
        or (by_district and is_elsewhere(features.codes, one.place))
        for one in members
    )
