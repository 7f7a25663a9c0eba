"""A reply belongs to the ticket of the message it answers, if the same person or a participant writes it."""

from tickets.deciders.verdict import Verdict
from tickets.incoming import Incoming
from tickets.state import State


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Follow the References, nearest first, to a ticket of this person; a stranger who quotes one only proposes."""
    stranger: Verdict | None = None
    for key in incoming.features.threads:
        ticket_id = state.in_thread(incoming.jurisdiction, key)
        if ticket_id is None or (incoming.id, ticket_id) in state.never:
            continue
        verdict = _of_ticket(state, incoming, ticket_id, key)
        if verdict is not None and verdict.sure:
            return verdict
        stranger = stranger or verdict
    return stranger


def _of_ticket(state: State, incoming: Incoming, ticket_id: str, key: str) -> Verdict | None:
    """Judge one ticket; None when this person's own has left the memory: whatever is opened instead succeeds it."""
    people, ticket = incoming.features.requesters, state.tickets.get(ticket_id)
    if ticket is not None and not set(people).isdisjoint(ticket.requesters):
        return _verdict("references_same_person", ticket_id, key)
    if ticket is not None and not set(people).isdisjoint(ticket.participants):
        return _verdict("references_participant", ticket_id, key)
    if not state.may_answer(ticket_id, people):
        return _verdict("references_stranger", ticket_id, key, sure=False)
    return _verdict("references_participant", ticket_id, key) if ticket is not None else None


def _verdict(method: str, ticket_id: str, key: str, *, sure: bool = True) -> Verdict:
    score = 1.0 if sure else 0.5
    return Verdict(relation="follow_up", method=method, ticket_id=ticket_id, score=score, evidence=(key,), sure=sure)
