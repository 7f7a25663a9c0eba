"""A reply belongs to the ticket of the message it answers, if the same person or a participant writes it."""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Follow the References nearest first; a stranger who quotes them only proposes."""
    features = incoming.features
    for key in features.threads:
        ticket_id = state.in_thread(incoming.jurisdiction, key)
        if ticket_id is None:
            continue
        ticket = state.tickets.get(ticket_id)
        if ticket is None:
            return _evicted(ticket_id, key)
        if (incoming.id, ticket_id) in state.never:
            continue
        if not set(features.requesters).isdisjoint(ticket.requesters):
            return _verdict("references_same_person", ticket_id, key)
        if not set(features.requesters).isdisjoint(ticket.participants):
            return _verdict("references_participant", ticket_id, key)
        return _verdict("references_stranger", ticket_id, key, sure=False)
    return None


def _verdict(method: str, ticket_id: str, key: str, *, sure: bool = True) -> Verdict:
    score = 1.0 if sure else 0.5
    return Verdict(relation="follow_up", method=method, ticket_id=ticket_id, score=score, evidence=(key,), sure=sure)


def _evicted(ticket_id: str, key: str) -> Verdict:
    return Verdict(relation="new", method="references_closed_long_ago", evidence=(key,), related=(ticket_id,))
