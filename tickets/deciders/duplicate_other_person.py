"""Another person with the same matter gets an own ticket, with an edge to the oldest of its cluster.

Each citizen is answered; the office in charge sees the tickets together. Restricted tickets (reports, minors,
self-harm) are only proposed, and so is a ticket that names another district: two districts are two incidents. A
ticket without a place, building or district connects no two clusters that have one: the oldest tickets of the cluster
are compared as well. Two tickets without a common place are only proposed to each other.
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
    """Choose the most similar ticket; between the two thresholds a clerk decides."""
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
    """Return True if a clerk separated the message from these tickets, or its ticket from their cluster."""
    if any((incoming.id, other) in state.separations for other in (ticket_id, oldest)):
        return True
    return incoming.within is not None and state.are_parted(incoming.within, oldest)


def _could_be_anywhere(state: State, incoming: Incoming, found: Found) -> bool:
    """Return True if the two share no place: two persons have no power, each in their own flat.

    A long copied text is one matter all the same, as it is passed around.
    """
    if found.method == COPIED and len(incoming.features.grams) >= GRAMS:
        return False
    return state.dedupe.may_be_elsewhere(incoming.features, found.order)


def _is_other(state: State, incoming: Incoming, ticket: TicketState, cluster: str) -> bool:
    """Return True if the cluster names another thing or place of the kind, even if the most similar ticket does not."""
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
