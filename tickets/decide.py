"""`decide(state, input, policy) -> Event | None`: pure, so the same log gives the same tickets, ids and links."""

from collections.abc import Iterator

from msgspec.structs import replace

from schemas import ids
from schemas.records import Event, TicketVersion, event
from schemas.records.event_base import ErasedMessage
from tickets import flags
from tickets.commands import decide_command
from tickets.deciders import DECIDERS, follow_up, redelivery, supplement
from tickets.deciders.base import Verdict
from tickets.deciders.new import NO_RELATION
from tickets.decision_input import Incoming
from tickets.dedupe import clusters
from tickets.dedupe.reopening import reopens
from tickets.emergency import alarm_of
from tickets.erasure import redaction
from tickets.model.keys import day_key, scoped
from tickets.model.ticket_state import month_of
from tickets.policy import TicketPolicy
from tickets.routing import dispatch
from tickets.sla import clocks
from tickets.sla.deadlines import matter_of
from tickets.state.state import State

# A web form proves no identity. A sender who types another person's telephone must not learn from the answer what
# that person asked or will ask.
#
# The form's answer is a number for a new ticket, and a note that the message was added to an earlier one otherwise.
# An employer who types the telephones of all staff with one complaint would learn from the note which of them had
# complained; and the number and code of the ticket that his form opened would show him who complains later. So a
# message of a form is never filed in an existing ticket automatically, and another person's message never in a ticket
# that a form opened: a clerk gets a proposal, and the tickets are joined as those of several people are. The
# exception is a name that only the ticket's own citizen knows: the query code (查询码), for which the form gives a
# token, and the official number together with a known telephone.

_SIGNED = "token_"
"""Prefix of methods that rest on a token signed by this system."""

_BY_MATTER, _BY_ANSWER = "same_person_same_matter", "follow_up"


def would_tell(state: State, incoming: Incoming, verdict: Verdict) -> bool:
    """Return True if filing a message by this verdict would show its sender another person's words."""
    if verdict.relation not in (_BY_MATTER, _BY_ANSWER) or verdict.method.startswith(_SIGNED):
        return False
    if not incoming.proven:
        return True
    ticket = state.tickets.get(verdict.ticket_id or "")
    return verdict.relation == _BY_MATTER and ticket is not None and ticket.typed


def decide(state: State, incoming: Incoming, policy: TicketPolicy) -> Event | None:
    """Return the decision about one input; None if it was decided before (a repeat changes nothing)."""
    if scoped(incoming.jurisdiction, incoming.event_id) in state.inputs:
        return None
    if incoming.command is not None:
        return decide_command(state, incoming, incoming.command, policy)
    if redelivery.comes_again(state, incoming):
        return _kept_out(incoming, policy)
    verdict, proposals = _ask(state, incoming)
    changed, changes = _file(state, incoming, verdict)
    changes += flags.follow(state, changes, incoming, policy)
    changes += dispatch.follow(state.tickets, policy.directories, changes, incoming.features.codes)
    changes += clocks.follow(state.tickets, policy.limits, changes, incoming.at, _told(incoming))
    if (verdict.part == "complete" or verdict.afresh) and verdict.ticket_id is not None:
        edges, proposals = _ask_again(state, incoming, verdict.ticket_id)
        changes = (*changes, *edges)
    changed = clusters.versions(state.clusters, state.tickets.version_of, changed, changes)
    return Event(
        event_id=incoming.event_id,
        jurisdiction=incoming.jurisdiction,
        tickets=changed,
        at=incoming.at,
        input=incoming.ref,
        features=incoming.features,
        relation=verdict.relation,
        method=verdict.method,
        score=verdict.score,
        evidence=verdict.evidence,
        policy_version=policy.version,
        changes=(*changes, *_propose(incoming, changed, proposals)),
    )


def _kept_out(incoming: Incoming, policy: TicketPolicy) -> Event:
    """Return the decision about a repeat of something erased: it is erased as well, and the log keeps none of it."""
    gone = ErasedMessage(message_id=incoming.id, month=month_of(incoming.at))
    return Event(
        event_id=incoming.event_id,
        jurisdiction=incoming.jurisdiction,
        at=incoming.at,
        input=incoming.ref,
        relation="no_ticket",
        method=redelivery.METHOD,
        policy_version=policy.version,
        changes=(event.MessagesErased(messages=(gone,)),),
    )


def _told(incoming: Incoming) -> clocks.Told:
    return clocks.Told(matter_of(incoming.features, incoming.channel), incoming.received_at)


def _ask(state: State, incoming: Incoming) -> tuple[Verdict, list[Verdict]]:
    proposals: list[Verdict] = []
    for judge in DECIDERS.values():
        verdict = judge(state, incoming)
        if verdict is None or _names_an_erased_one(state, verdict):
            continue
        if verdict.sure and not would_tell(state, incoming, verdict):
            return verdict, [*proposals, *_beside(state, incoming, verdict, proposals)]
        proposals.append(replace(verdict, sure=False))
    raise AssertionError("the last decider is always sure")


def _beside(state: State, incoming: Incoming, verdict: Verdict, proposals: list[Verdict]) -> Iterator[Verdict]:
    """Yield the person's own tickets that it may belong to as well: named ones, else similar ones if it names none."""
    if (
        (incoming.tokens or incoming.features.ticket_nos)
        and verdict.relation not in ("part_of", "no_ticket")
        and verdict.part is None
    ):
        known = {verdict.ticket_id, *(one.ticket_id for one in proposals)}
        yield from (one for one in follow_up.also_named(state, incoming, known) if not _names_an_erased_one(state, one))
    if verdict.method == NO_RELATION and all(one.relation != "follow_up" for one in proposals):
        known = {one.ticket_id for one in proposals}
        yield from (one for one in supplement.proposals(state, incoming) if one.ticket_id not in known)


def _names_an_erased_one(state: State, verdict: Verdict) -> bool:
    ticket = state.tickets.get(verdict.ticket_id or "")
    return ticket is not None and ticket.erased


def _ask_again(state: State, incoming: Incoming, ticket_id: str) -> tuple[event.Changes, list[Verdict]]:
    """Compare a text again that is complete now; its messages stay in the ticket that its first part opened.

    Joins and proposals that exist, and those that a clerk separated or rejected, are not repeated.
    """
    proposals: list[Verdict] = []
    incoming = replace(incoming, within=ticket_id)
    for relation in ("follow_up", "same_person_same_matter", "same_matter_other_person"):
        verdict = DECIDERS[relation](state, incoming)
        other = verdict.joins or verdict.ticket_id if verdict else None
        if verdict is None or other is None or _is_settled(state, ticket_id, other):
            continue
        if verdict.sure and (relation == "follow_up" or _may_be_joined(state, incoming, ticket_id, other)):
            kind, other = ("related", other) if relation == "follow_up" else ("cluster", state.clusters.of(other))
            edge = event.EdgeAdded(ticket_id=ticket_id, other_id=other, kind=kind, score=verdict.score)
            named = follow_up.also_named(state, incoming, {other})
            return (edge,), [*proposals, *(one for one in named if not _is_settled(state, ticket_id, one.ticket_id))]
        proposals.append(replace(verdict, ticket_id=other))
    return (), proposals


def _may_be_joined(state: State, incoming: Incoming, ticket_id: str, other: str) -> bool:
    """Return True if a ticket may be joined automatically to another one's cluster.

    Not if it has other edges: it would connect their cluster with a further one. Not if any of its messages makes it
    restricted, whatever this message says.
    """
    joined = (state.tickets[one] for one in (ticket_id, other, state.clusters.of(other)))
    return (
        state.clusters.is_alone(ticket_id)
        and not state.policy.is_restricted(incoming.features.codes)
        and not any(state.policy.keeps_apart(one) for one in joined)
    )


def _is_settled(state: State, ticket_id: str, other: str | None) -> bool:
    ticket = state.tickets.get(ticket_id)
    if ticket is None or other is None or other == ticket_id:
        return True
    known = {edge.ticket_id for edge in ticket.edges} | {proposal.target for proposal in ticket.proposals}
    oldest = state.clusters.of(other)
    refused = any((one, far) in state.separations for one in (ticket_id, *ticket.messages) for far in (other, oldest))
    is_parted = refused or state.are_parted(ticket_id, oldest)
    return is_parted or other in known or oldest == state.clusters.of(ticket_id)


def _file(state: State, incoming: Incoming, verdict: Verdict) -> tuple[tuple[TicketVersion, ...], event.Changes]:
    if verdict.relation == "no_ticket":
        answered = verdict.ticket_id
        return (), (event.Noted(ticket_id=answered, message_id=incoming.id),) if answered else ()
    if verdict.ticket_id is None:
        changed, changes = _open(state, incoming, verdict)
    elif incoming.features.completes:
        return _complete(state, incoming, verdict.ticket_id)
    else:
        changed, changes = _join(state, incoming, verdict, verdict.ticket_id)
    return changed, (*changes, *_waiting(state, incoming, changed[0].ticket_id))


def _waiting(state: State, incoming: Incoming, ticket_id: str) -> event.Changes:
    """File the waiting records of a call without words, now that its ticket exists."""
    return tuple(
        event.MessageFiled(ticket_id=ticket_id, message_id=message_id) for message_id in state.calls.waiting(incoming)
    )


def _complete(state: State, incoming: Incoming, ticket_id: str) -> tuple[tuple[TicketVersion, ...], event.Changes]:
    """Record the file in the ticket that has its message; it is no new message, so a closed ticket stays closed."""
    ticket = state.tickets[ticket_id]
    changed = TicketVersion(ticket_id=ticket_id, version=ticket.version + 1)
    noted = event.Noted(ticket_id=ticket_id, message_id=incoming.id)
    return (changed,), (noted, *redaction.follow(state, incoming, ticket))


def _open(state: State, incoming: Incoming, verdict: Verdict) -> tuple[tuple[TicketVersion, ...], event.Changes]:
    ticket_id = ids.ticket_id(incoming.jurisdiction, incoming.id)
    day = ids.day_of(incoming.at)
    sequence = state.sequences.get(day_key(incoming.jurisdiction, day), 0) + 1
    opened = event.Opened(
        ticket_id=ticket_id,
        ticket_no=ids.ticket_no(incoming.jurisdiction, incoming.at, sequence),
        day=day,
        sequence=sequence,
        message_id=incoming.id,
        related=verdict.related,
        channel=incoming.channel,
        typed=not incoming.proven,
    )
    filed = event.MessageFiled(ticket_id=ticket_id, message_id=incoming.id)
    more = (*_part(ticket_id, incoming, verdict), *_edges(ticket_id, verdict), *_hand_over(state, incoming, ticket_id))
    return (TicketVersion(ticket_id=ticket_id, version=1),), (opened, filed, *more)


def _part(ticket_id: str, incoming: Incoming, verdict: Verdict) -> event.Changes:
    number = incoming.features.part_number
    if verdict.part is None or number is None:
        return ()
    complete = verdict.part == "complete"
    joined = event.PartJoined(
        ticket_id=ticket_id,
        message_id=incoming.id,
        number=number,
        complete=complete,
        sent_at=incoming.sent_at,
    )
    return (joined,)


def _edges(ticket_id: str, verdict: Verdict) -> event.Changes:
    if verdict.joins is None:
        return ()
    return (event.EdgeAdded(ticket_id=ticket_id, other_id=verdict.joins, kind="cluster", score=verdict.score),)


def _join(
    state: State, incoming: Incoming, verdict: Verdict, ticket_id: str
) -> tuple[tuple[TicketVersion, ...], event.Changes]:
    ticket = state.tickets[ticket_id]
    changes: event.Changes = (event.MessageFiled(ticket_id=ticket_id, message_id=incoming.id),)
    alarm = alarm_of(incoming.features.codes)
    if (verdict.reopens or (alarm is not None and alarm.endangers)) and reopens(
        state.dedupe, incoming.features, ticket, has_files=incoming.has_files
    ):
        changes = (event.Reopened(ticket_id=ticket_id), *changes)
    changed = TicketVersion(ticket_id=ticket_id, version=ticket.version + 1)
    more = (*_part(ticket_id, incoming, verdict), *_hand_over(state, incoming, ticket_id))
    return (changed,), (*changes, *more, *redaction.follow(state, incoming, ticket))


def _hand_over(state: State, incoming: Incoming, ticket_id: str) -> event.Changes:
    alarm = alarm_of(incoming.features.codes)
    if alarm is None:
        return ()
    told = event.HandedOver(ticket_id=ticket_id, handover_id=incoming.id, classes=alarm.classes, level=alarm.level)
    early = state.handovers.early_for(scoped(incoming.jurisdiction, incoming.id))
    if early is None:
        return (told,)
    taken = event.Acknowledged(handover_id=incoming.id, ticket_id=ticket_id, taken_at=early.at, taken_by=early.author)
    return (told, taken)


def _propose(incoming: Incoming, changed: tuple[TicketVersion, ...], proposals: list[Verdict]) -> event.Changes:
    return tuple(
        event.Proposed(
            proposal_id=f"{incoming.id}-{number}",
            ticket_id=changed[0].ticket_id,
            relation=proposal.relation,
            target=proposal.ticket_id or "",
            score=proposal.score,
        )
        for number, proposal in enumerate(proposals, 1)
        if changed
    )
