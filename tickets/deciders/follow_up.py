"""A reply belongs to the ticket it answers, if the same person or a participant writes it; a stranger only proposes.

What tells the ticket, in this order: a token that we signed, the References of a mail, an official number (工单编号)
quoted by its owner. A token that we did not sign is no more than a claim. Who uses an old thread for another matter is
filed there all the same, and the evidence says so: a clerk parts the two. Who names several of their tickets is filed
in one of them, and the others are proposed.
"""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from tickets import calls
from tickets.codes import BY_PARTICIPANT
from tickets.deciders.verdict import Verdict
from tickets.held import TicketState
from tickets.incoming import Incoming
from tickets.state import State

TOPIC_CHANGED = "topic_changed"
"""Evidence: the reply names places or objects, and shares none with its ticket."""

STRANGER, CLAIM = 0.5, 0.2
"""Scores of proposals."""


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Return the first sure answer, else the first doubtful one."""
    doubtful: Verdict | None = None
    for verdict in (_by_token(state, incoming), _by_references(state, incoming), _by_number(state, incoming)):
        if verdict is not None and verdict.sure:
            return _with_its_topic(state, incoming, verdict)
        doubtful = doubtful or verdict
    return doubtful or _by_claim(state, incoming)


def also_named(state: State, incoming: Incoming, known: Collection[str | None]) -> Iterator[Verdict]:
    """Yield the person's own tickets, but the `known` ones, whose number a message names beside what it is filed by."""
    for verdict in _of_numbers(state, incoming):
        if verdict.sure and verdict.ticket_id not in known:
            yield replace(verdict, sure=False)


def _with_its_topic(state: State, incoming: Incoming, verdict: Verdict) -> Verdict:
    """Say of what is about something else that it is; from who states another name than the ticket's, it only proposes.

    Of one telephone or mailbox that is somebody else's matter, and so is a report: it must not be read by the first.
    """
    ticket, features = state.tickets.get(verdict.ticket_id or ""), incoming.features
    if ticket is None:
        return verdict
    is_other = state.near.shares_nothing(features, ticket.order)
    if (is_other or state.policy.near.is_restricted(features.codes)) and ticket.is_anothers(features.stated):
        return replace(verdict, score=STRANGER, sure=False)
    return replace(verdict, evidence=(*verdict.evidence, TOPIC_CHANGED)) if is_other else verdict


def _by_token(state: State, incoming: Incoming) -> Verdict | None:
    token = incoming.features.token
    ticket = _live(state, incoming, state.succeeding(token) if token is not None else None)
    if ticket is None or token is None:
        return None
    return _of_ticket(state, incoming, ticket.ticket_id, "token", token)


def _by_references(state: State, incoming: Incoming) -> Verdict | None:
    """Follow the References, nearest first, to a ticket of this person; a call refers to itself alone."""
    if calls.is_record(incoming.features):
        return None
    stranger: Verdict | None = None
    for key in incoming.features.threads:
        ticket_id = state.in_thread(incoming.jurisdiction, key)
        if ticket_id is None or (incoming.id, ticket_id) in state.never:
            continue
        verdict = _of_ticket(state, incoming, ticket_id, "references", key)
        if verdict is not None and verdict.sure:
            return verdict
        stranger = stranger or verdict
    return stranger


def _by_number(state: State, incoming: Incoming) -> Verdict | None:
    """Take the first quoted number that is the person's own; who takes part in a ticket does not own it."""
    found = list(_of_numbers(state, incoming))
    return next((one for one in found if one.sure), found[0] if found else None)


def _of_numbers(state: State, incoming: Incoming) -> Iterator[Verdict]:
    for number in incoming.features.ticket_nos:
        ticket = _live(state, incoming, state.by_number.get(number))
        if ticket is None:
            continue
        if _shares(incoming.features.requesters, ticket.requesters):
            yield _verdict("number_of_owner", ticket.ticket_id, number)
        else:
            yield _verdict("number_of_stranger", ticket.ticket_id, number, score=CLAIM)


def _by_claim(state: State, incoming: Incoming) -> Verdict | None:
    ticket = _live(state, incoming, incoming.features.claimed)
    return _verdict("token_forged", ticket.ticket_id, ticket.ticket_id, score=CLAIM) if ticket is not None else None


def _live(state: State, incoming: Incoming, ticket_id: str | None) -> TicketState | None:
    """Return a live ticket of this city that the message was not taken out of."""
    ticket = state.tickets.get(ticket_id) if ticket_id is not None else None
    if ticket is None or ticket.jurisdiction != incoming.jurisdiction or (incoming.id, ticket_id) in state.never:
        return None
    return ticket


def _of_ticket(state: State, incoming: Incoming, ticket_id: str, by: str, evidence: str) -> Verdict | None:
    """Judge one ticket; None when this person's own has left the memory: whatever is opened instead succeeds it."""
    people, ticket = incoming.features.requesters, state.tickets.get(ticket_id)
    if ticket is not None and _shares(people, ticket.requesters):
        return _verdict(f"{by}_same_person", ticket_id, evidence)
    if ticket is not None and _shares(people, ticket.participants):
        return _verdict(f"{by}{BY_PARTICIPANT}", ticket_id, evidence)
    if not state.may_answer(ticket_id, people):
        return _verdict(f"{by}_stranger", ticket_id, evidence, score=STRANGER)
    return _verdict(f"{by}{BY_PARTICIPANT}", ticket_id, evidence) if ticket is not None else None


def _shares(people: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return not set(people).isdisjoint(others)


def _verdict(method: str, ticket_id: str, evidence: str, score: float = 1.0) -> Verdict:
    return Verdict(
        relation="follow_up",
        method=method,
        ticket_id=ticket_id,
        score=score,
        evidence=(evidence,),
        sure=score == 1.0,
    )
