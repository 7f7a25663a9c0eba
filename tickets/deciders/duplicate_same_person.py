"""A person's repeat, on any channel, joins the ticket that it repeats.

Two persons may share a telephone or a mailbox: a sender with another name than the ticket's is only proposed. So is
the very same text days later, if its words then mean another day: 昨晚又停电了.
"""

from datetime import timedelta

from msgspec.structs import replace

from schemas.records import Features
from tickets.codes import SAME_NAME, is_alarm, is_elsewhere
from tickets.deciders.base import Verdict
from tickets.deciders.follow_up import has_its_name
from tickets.deciders.supplement import names_nothing
from tickets.decision_input import Incoming
from tickets.dedupe.index import Found
from tickets.model.keys import texts_of
from tickets.model.ticket_state import TicketState
from tickets.state.state import State

RELATION = "same_person_same_matter"


def judge(state: State, incoming: Incoming) -> Verdict | None:
    """Find a live ticket of the same requester with the very same text, else with the same matter."""
    return _equal(state, incoming) or _near(state, incoming)


def _equal(state: State, incoming: Incoming) -> Verdict | None:
    features, other = incoming.features, None
    city, people = incoming.jurisdiction, frozenset(features.requesters)
    found = [(key, ticket) for key in texts_of(features) for ticket in state.saying(city, key, people)]
    for key, ticket in found:
        if ticket.ticket_id != incoming.within and (incoming.id, ticket.ticket_id) not in state.separations:
            verdict = Verdict(
                relation=RELATION,
                method="equal_text",
                ticket_id=ticket.ticket_id,
                evidence=(key,),
                sure=not (
                    ticket.is_anothers(features.stated)
                    or _is_of_another_day(state, incoming, ticket)
                    or _may_mean_another(state, incoming, ticket)
                ),
            )
            if verdict.sure:
                return verdict
            other = other or verdict
    return other


def _near(state: State, incoming: Incoming) -> Verdict | None:
    """Search the tickets about the same matter, most similar first, for one of the person's own.

    A number or address that one of two messages quotes, and that the other was sent from or quotes too, is a claim:
    it only proposes.
    """
    policy = state.policy.near
    claimed: Verdict | None = None
    for found in state.dedupe.find(incoming.jurisdiction, incoming.features):
        ticket = state.tickets.in_order(found.order)
        if found.score < policy.link or ticket.ticket_id == incoming.within:
            continue
        if (incoming.id, ticket.ticket_id) in state.separations:
            continue
        own = not set(incoming.features.requesters).isdisjoint(ticket.requesters)
        if found.score >= policy.same_person and own and not is_elsewhere(incoming.features.codes, ticket.place):
            is_same = has_its_name(state, incoming, ticket.ticket_id)
            verdict = _verdict(found, ticket.ticket_id, (*found.evidence, *((SAME_NAME,) if is_same else ())))
            if not ticket.is_anothers(incoming.features.stated):
                return verdict
            claimed = claimed or replace(verdict, sure=False)
        contacts = _shared_contacts(incoming.features, ticket)
        if contacts and claimed is None:
            claimed = replace(_verdict(found, ticket.ticket_id, tuple(sorted(contacts))), method="contact", sure=False)
    return claimed


def _is_of_another_day(state: State, incoming: Incoming, ticket: TicketState) -> bool:
    """Return True if the same words refer to another day: only this gives one text other marks.

    The time of arrival says nothing about a message that comes long after it was sent: an archive brings two nights
    in one minute.
    """
    is_later = _since(incoming, ticket) > state.policy.near.one_day
    return is_later and state.dedupe.has_other_marks(incoming.features, ticket.order)


def _may_mean_another(state: State, incoming: Incoming, ticket: TicketState) -> bool:
    """Return True if words that name nothing (还没解决) may refer to another matter than the first time.

    An alarm is raised in any ticket, and blacked-out text must not be shown again.
    """
    if not names_nothing(incoming.features, state.policy.near) or is_alarm(incoming.features.codes) or ticket.redacted:
        return False
    if _since(incoming, ticket) > state.policy.near.at_once:
        return True
    own = state.own(incoming.jurisdiction, incoming.features)
    return not all(state.dedupe.names_nothing(one.order) for one in own if one.order > ticket.order)


def _since(incoming: Incoming, ticket: TicketState) -> timedelta:
    return max(incoming.at - ticket.opened_at, incoming.at - incoming.received_at)


def _shared_contacts(features: Features, ticket: TicketState) -> set[str]:
    """Return the contacts that prove the same person, without those from which both were sent."""
    if not features.contacts and not ticket.contacts:
        return set()
    both = {*features.requesters, *features.contacts} & {*ticket.requesters, *ticket.contacts}
    return both - (set(features.requesters) & set(ticket.requesters))


def _verdict(found: Found, ticket_id: str, evidence: tuple[str, ...]) -> Verdict:
    return Verdict(
        relation=RELATION,
        method=found.method,
        ticket_id=ticket_id,
        score=found.score,
        evidence=evidence,
    )
