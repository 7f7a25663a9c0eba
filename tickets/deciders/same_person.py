"""Who says the same again, on whatever channel, is heard once: the message joins the ticket it repeats."""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State

RELATION = "same_person_same_matter"


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Find a live ticket of the same requester with the very same text, else with the same matter."""
    if not incoming.features.requesters:
        return None
    return _equal(state, incoming) or _near(state, incoming)


def _equal(state: State, incoming: Incoming) -> Verdict | None:
    features = incoming.features
    if features.text_key is None:
        return None
    people = set(features.requesters)
    for ticket in state.with_text(incoming.jurisdiction, features.text_key):
        if not people.isdisjoint(ticket.requesters) and (incoming.id, ticket.ticket_id) not in state.never:
            return Verdict(
                relation=RELATION,
                method="equal_text",
                ticket_id=ticket.ticket_id,
                evidence=(features.text_key,),
            )
    return None


def _near(state: State, incoming: Incoming) -> Verdict | None:
    """Look among the tickets about the same matter, likest first, for one of the person's own."""
    people = set(incoming.features.requesters)
    for found in state.near.find(incoming.jurisdiction, incoming.features):
        if found.score < state.policy.near.same_person:
            return None
        ticket = state.by_order[found.order]
        if not people.isdisjoint(ticket.requesters) and (incoming.id, ticket.ticket_id) not in state.never:
            return Verdict(
                relation=RELATION,
                method=found.method,
                ticket_id=ticket.ticket_id,
                score=found.score,
                evidence=state.near.evidence(incoming.jurisdiction, incoming.features, found.order),
            )
    return None
