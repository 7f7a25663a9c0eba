"""A reply belongs to the ticket it answers, if the same person or a participant writes it; a stranger's only proposes.

The ticket is found, in this order, by a token signed by this system, the References of a mail, an official number
(工单编号) quoted by its owner, or a reply that came before the message itself. An unsigned token is only a claim. A
reply about another matter in an old thread is filed there nevertheless, and the evidence says so: a clerk separates
the two. A message that names several tickets of its sender is filed in one of them, and the others are proposed.
"""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from tickets.assembly import call_records
from tickets.codes import BY_PARTICIPANT, SAME_MAIL, SAME_NAME, TOPIC_CHANGED, is_of_participant
from tickets.deciders.base import Verdict
from tickets.decision_input import Incoming
from tickets.model.keys import names_of, texts_of
from tickets.model.ticket_state import TicketState
from tickets.state.state import State


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Return the first sure verdict, else the first doubtful one."""
    doubtful: Verdict | None = None
    for found in (way(state, incoming) for way in (_by_token, _by_references, _of_numbers, _by_answers)):
        for verdict in (_with_its_topic(state, incoming, one) for one in found):
            if verdict.sure:
                return verdict
            doubtful = doubtful or verdict
    return doubtful or _by_claim(state, incoming)


def also_named(state: State, incoming: Incoming, known: Collection[str | None]) -> Iterator[Verdict]:
    """Yield the person's own tickets that a message names beside that of its verdict, except the `known` ones."""
    named = [one for found in (_by_token, _of_numbers) for one in found(state, incoming) if one.sure]
    for ticket_id, verdict in {one.ticket_id: one for one in named}.items():
        if ticket_id not in known:
            yield replace(verdict, sure=False)


def is_same_mail(state: State, incoming: Incoming, ticket: TicketState) -> bool:
    """Return True if a mail of the ticket comes again, by any mailbox: same Message-ID, and a known text."""
    return has_its_name(state, incoming, ticket.ticket_id) and says_the_same(incoming, ticket)


def has_its_name(state: State, incoming: Incoming, ticket_id: str) -> bool:
    """Return True if a mail with this Message-ID is in the ticket."""
    names = names_of(incoming.features) if incoming.channel == "mailbox" else ()
    return any(state.threads.find(incoming.jurisdiction, name) == ticket_id for name in names)


def says_the_same(incoming: Incoming, ticket: TicketState) -> bool:
    """Return True if this very text is in the ticket."""
    return not set(texts_of(incoming.features)).isdisjoint(ticket.text_keys)


def _with_its_topic(state: State, incoming: Incoming, verdict: Verdict) -> Verdict:
    """Add to the evidence that a message has another topic; only propose another person's own matter."""
    ticket = state.tickets.get(verdict.ticket_id or "")
    if ticket is None or not verdict.sure:
        return verdict
    is_other = state.dedupe.shares_nothing(incoming.features, ticket.order)
    if (is_other or _is_secret(state, incoming, ticket)) and _is_anothers(incoming, ticket, verdict):
        return replace(verdict, score=state.policy.near.stranger_score, sure=False)
    is_same = has_its_name(state, incoming, ticket.ticket_id)
    is_equal = says_the_same(incoming, ticket)
    signs = {TOPIC_CHANGED: is_other, SAME_MAIL: is_same and is_equal, SAME_NAME: is_same and not is_equal}
    return replace(verdict, evidence=(*verdict.evidence, *(sign for sign, is_there in signs.items() if is_there)))


def _is_secret(state: State, incoming: Incoming, ticket: TicketState) -> bool:
    """Return True for a report, or a message about a child, which the first requester must not read.

    In a restricted ticket its participants continue.
    """
    is_restricted, stated = state.policy.is_restricted, incoming.features.stated
    return is_restricted(incoming.features.codes) and (ticket.is_anothers(stated) or not is_restricted(ticket.codes))


def _is_anothers(incoming: Incoming, ticket: TicketState, verdict: Verdict) -> bool:
    """Return True if the message has another name than the ticket's, or its sender is only a participant."""
    return is_of_participant(verdict.method) or ticket.is_anothers(incoming.features.stated)


def _by_token(state: State, incoming: Incoming) -> Iterator[Verdict]:
    for token in incoming.tokens:
        ticket = _live(state, incoming, state.threads.current(token))
        if ticket is not None:
            yield from _of_ticket(state, incoming, ticket.ticket_id, "token", token)


def _by_references(state: State, incoming: Incoming) -> Iterator[Verdict]:
    """Follow the References, nearest first; a call refers only to itself."""
    if call_records.is_record(incoming.features):
        return
    for key in incoming.features.threads:
        ticket_id = state.threads.find(incoming.jurisdiction, key)
        if ticket_id is not None and (incoming.id, ticket_id) not in state.separations:
            yield from _of_ticket(state, incoming, ticket_id, "references", key)


def _of_numbers(state: State, incoming: Incoming) -> Iterator[Verdict]:
    """Follow the official numbers; a participant of a ticket is not its owner."""
    for number in incoming.features.ticket_nos:
        ticket = _live(state, incoming, state.tickets.numbered(number))
        if ticket is None:
            continue
        if _shares(incoming.features.requesters, ticket.requesters):
            yield _verdict("number_of_owner", ticket.ticket_id, number)
        else:
            yield _verdict("number_of_stranger", ticket.ticket_id, number, score=state.policy.near.claim_score)


def _by_answers(state: State, incoming: Incoming) -> Iterator[Verdict]:
    """Follow replies that were decided before this message: their References name it."""
    for key, ticket_id in state.dangling.waiting_for(incoming.jurisdiction, incoming.features):
        ticket = _live(state, incoming, ticket_id)
        if ticket is None or ticket_id == incoming.within:
            continue
        if _shares(incoming.features.requesters, ticket.requesters):
            yield _verdict("answers_same_person", ticket_id, key)
        else:
            yield _verdict("answers_stranger", ticket_id, key, score=state.policy.near.stranger_score)


def _by_claim(state: State, incoming: Incoming) -> Verdict | None:
    ticket = _live(state, incoming, incoming.features.claimed)
    if ticket is None:
        return None
    return _verdict("token_forged", ticket.ticket_id, ticket.ticket_id, score=state.policy.near.claim_score)


def _live(state: State, incoming: Incoming, ticket_id: str | None) -> TicketState | None:
    """Return a live ticket of this city from which the message was not removed."""
    ticket = state.tickets.get(ticket_id) if ticket_id is not None else None
    if ticket is None or ticket.jurisdiction != incoming.jurisdiction or (incoming.id, ticket_id) in state.separations:
        return None
    return ticket


def _of_ticket(state: State, incoming: Incoming, ticket_id: str, by: str, evidence: str) -> Iterator[Verdict]:
    """Return the verdict for one ticket; None for a ticket of this person that left the memory: the new ticket
    succeeds it.
    """
    people, ticket = incoming.features.requesters, state.tickets.get(ticket_id)
    if ticket is not None and _shares(people, ticket.requesters):
        yield _verdict(f"{by}_same_person", ticket_id, evidence)
    elif ticket is not None and (_shares(people, ticket.participants) or state.may_answer(ticket_id, people)):
        yield _verdict(f"{by}{BY_PARTICIPANT}", ticket_id, evidence)
    elif not state.may_answer(ticket_id, people):
        yield _verdict(f"{by}_stranger", ticket_id, evidence, score=state.policy.near.stranger_score)


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
