"""Effect of messages and relations on the state: tickets opened, parts joined, clusters, moves, proposals."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from schemas.records import Edge, Event, Features, event
from schemas.records.ticket import Proposal
from tickets import emergency
from tickets.assembly import call_records
from tickets.assembly.sms_parts import PartSet, Piece, keys_of
from tickets.codes import is_of_participant, place_of
from tickets.dedupe import dangling_references
from tickets.dedupe.reopening import only_thanks
from tickets.lifecycle import CLOSED
from tickets.model import limits
from tickets.model.keys import day_key, scoped
from tickets.model.ticket_state import Filed, TicketState, month_of, proposals_without, with_more
from tickets.sla.deadlines import matter_of
from tickets.state.reducers.handling import give_back

if TYPE_CHECKING:
    from tickets.state.state import State


def _opened(state: "State", decision: Event, change: event.Opened) -> None:
    ticket = TicketState(
        ticket_id=change.ticket_id,
        ticket_no=change.ticket_no,
        jurisdiction=decision.jurisdiction,
        order=state.opened,
        opened_at=decision.at,
        status_at=decision.at,
        call=_call_of(state, decision, decision.features, change.message_id),
        typed=change.typed,
        channel=change.channel,
    )
    state.tickets[ticket.ticket_id], state.by_order[ticket.order] = ticket, ticket.ticket_id
    state.by_number[ticket.ticket_no] = ticket.ticket_id
    state.opened += 1
    people = decision.features.requesters if decision.features else ()
    for related in change.related:
        if state.may_answer(related, people):
            state.successors[related] = change.ticket_id
            state.predecessors[change.ticket_id] = related
    state.sequences[day_key(decision.jurisdiction, change.day)] = change.sequence


def _call_of(state: "State", decision: Event, features: Features | None, message_id: str) -> str | None:
    """Return the name of a record's call; None for a message of another kind."""
    if features is None or not call_records.is_record(features):
        return None
    known = call_records.holding(state, decision.jurisdiction, features, message_id)
    return (
        known.name if known is not None else call_records.call_of(state, decision.jurisdiction, features, decision.at)
    )


def _filed(state: "State", decision: Event, change: event.MessageFiled) -> None:
    ticket, features = state.tickets.get(change.ticket_id), decision.features
    if ticket is None:
        return
    if change.message_id != decision.input.message_id and decision.input.message_id is not None:
        _file_waiting(state, decision, ticket, change.message_id)
        return
    filed = Filed(decision.input.offset, 1, month_of(decision.at))
    if features is not None and ticket.messages and _is_news(state, ticket, features):
        ticket.heard_at = _readable_from(decision)
    ticket.messages[change.message_id] = _with_features(filed, features) if features is not None else filed
    if features is None:
        return
    completes = any(isinstance(one, event.PartJoined) and one.complete for one in decision.changes)
    if features.part_key is not None and not completes:
        # a text that is not complete is compared with none
        ticket.requesters = with_more(ticket.requesters, features.requesters)
        state.texts.add(ticket)
        ticket.codes = with_more(ticket.codes, features.codes)
    else:
        _take_features(state, decision, ticket, features, change.message_id)


def _readable_from(decision: Event) -> datetime:
    """Return before when nobody can have read what a decision files: while it waited it stood in no ticket."""
    appended_at = decision.input.appended_at
    return decision.at if appended_at is UNSET else max(decision.at, appended_at)


def _is_news(state: "State", ticket: TicketState, features: Features) -> bool:
    """Say whether an office has to read a message before it closes its ticket: no thanks, no record without words."""
    has_words = features.text_key is not None or not call_records.is_record(features)
    return has_words and not only_thanks(state.near, features, ticket)


def _with_features(filed: Filed, features: Features) -> Filed:
    return replace(filed, codes=features.codes, contacts=features.contacts, stated=features.stated)


def _file_waiting(state: "State", decision: Event, ticket: TicketState, message_id: str) -> None:
    """File a record of a call that came before its ticket: its link said that it had none."""
    known = call_records.holding(state, decision.jurisdiction, decision.features or Features(), message_id)
    if known is not None:
        filed = known.told[message_id]
        ticket.messages[message_id] = Filed(filed.offset, call_records.LINKED_LATER, filed.month)


def _part_joined(state: "State", decision: Event, change: event.PartJoined) -> None:
    ticket, features = state.tickets.get(change.ticket_id), decision.features
    if ticket is None or features is None or features.part_key is None or features.part_total is None:
        return
    key, *older = keys_of(decision.jurisdiction, features)
    found = [known for each in (key, *older) if (known := state.parts.pop(each, None)) is not None]
    known = found[0] if found else None
    if known is None or known.ticket_id != ticket.ticket_id:
        known = PartSet(
            ticket_id=ticket.ticket_id,
            total=features.part_total,
            sent_at=change.sent_at or decision.at,
            joined_at=decision.at,
        )
    known.joined_at = decision.at
    known.pieces[change.number] = Piece(change.message_id, features.part_digest)
    state.parts[key] = known  # as the newest, see State.evict


def _noted(state: "State", decision: Event, change: event.Noted) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.noted[change.message_id] = Filed(decision.input.offset, 1, month_of(decision.at))


def _names_of(features: Features) -> tuple[str, ...]:
    """Return the hashes of the thread ids by which a later message may call this one."""
    return (*((features.message_key,) if features.message_key else ()), *(features.known_as or ()))


def _take_features(
    state: "State", decision: Event, ticket: TicketState, features: Features, message_id: str, *, is_moved: bool = False
) -> None:
    if is_of_participant(decision.method):
        ticket.participants = with_more(ticket.participants, features.requesters)
    else:
        ticket.requesters = with_more(ticket.requesters, features.requesters)
    ticket.contacts = with_more(ticket.contacts, features.contacts)
    ticket.participants = with_more(ticket.participants, features.participants)
    matter = matter_of(features)
    ticket.kind = ticket.kind or matter.kind
    ticket.category = ticket.category or matter.category
    ticket.place = ticket.place or place_of(features.codes)
    ticket.danger = ticket.danger or matter.emergency
    call = _call_of(state, decision, features, message_id)
    if call is not None:
        takes_over = is_moved or decision.relation != "part_of"  # its former ticket has left, or was parted from it
        call_records.lead(state, decision.jurisdiction, call, ticket.ticket_id, takes_over=takes_over)
    elif not call_records.is_record(features):
        for name in _names_of(features):
            key = scoped(decision.jurisdiction, name)
            state.by_thread[key] = ticket.ticket_id if is_moved else state.by_thread.get(key, ticket.ticket_id)
    dangling_references.note(state, ticket, features)
    if features.text_key:
        ticket.text_keys = with_more(ticket.text_keys, (features.text_key,))
    state.texts.add(ticket)
    ticket.codes = with_more(ticket.codes, features.codes)
    if _tells_more(decision, ticket, features, call):
        state.near.remove(ticket.order)
        state.near.add(ticket.order, ticket.jurisdiction, features, is_news=False)
    if ticket.order not in state.near and not ticket.erased:
        is_news = decision.relation != "same_matter_other_person"
        state.near.add(ticket.order, ticket.jurisdiction, features, is_news=is_news)
    elif decision.relation == "same_person_same_matter":
        state.near.note(ticket.order, features)


def _tells_more(decision: Event, ticket: TicketState, features: Features, call: str | None) -> bool:
    """Say whether this is a later record of the call that opened the ticket: then its words are the ticket's now."""
    is_worded = call is not None and features.message_class == "person"
    return is_worded and decision.relation == "part_of" and ticket.call == call and not ticket.erased


def _reopened(state: "State", decision: Event, change: event.Reopened) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.status, ticket.status_at, ticket.closed_at = "reopened", decision.at, None
        ticket.reopened_at, ticket.resolved = decision.at, False


def _status_set(state: "State", decision: Event, change: event.StatusSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        return
    if change.status == "returned":
        give_back(ticket)
    closed_at = max(decision.at, ticket.status_at, ticket.heard_at or ticket.opened_at)
    ticket.status, ticket.status_at = change.status, decision.at
    ticket.closed_at = closed_at if change.status in CLOSED else None  # an order of long ago lets nothing leave at once
    ticket.resolved = change.status == "resolved" or ticket.resolved
    if change.status == "reopened":
        ticket.reopened_at, ticket.resolved = decision.at, False
    elif change.status in ("dispatched", "redispatched"):
        ticket.dispatched_at = decision.at
    state.note_closed(ticket)


def _edge_added(state: "State", decision: Event, change: event.EdgeAdded) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None or change.other_id not in state.tickets or _edge(ticket, change) is not None:
        return
    ticket.edges = (*ticket.edges, Edge(ticket_id=change.other_id, kind=change.kind, score=change.score))
    state.clusters.apply(change)


def _edge_removed(state: "State", decision: Event, change: event.EdgeRemoved) -> None:
    ticket = state.tickets.get(change.ticket_id)
    edge = _edge(ticket, change) if ticket else None
    if ticket is None or edge is None:
        return
    ticket.edges = tuple(one for one in ticket.edges if one is not edge)
    state.keep_apart(change.ticket_id, change.other_id)
    state.clusters.apply(change)
    for ticket_id in (change.ticket_id, change.other_id):  # a ticket that stayed for the cluster's sake may leave now
        if ticket_id in state.tickets:
            state.note_closed(state.tickets[ticket_id])


def _never_link(state: "State", decision: Event, change: event.NeverLink) -> None:
    state.never.add((change.message_id, change.ticket_id))


def _moved(state: "State", decision: Event, change: event.Moved) -> None:
    """Part a message from one ticket and file it in another, which this decision may have opened."""
    former, ticket = state.tickets.get(change.from_ticket_id), state.tickets.get(change.to_ticket_id)
    if former is None or ticket is None or decision.features is None:
        return
    filed = former.messages.get(change.message_id)
    if filed is None:
        return
    former.codes = former.codes_without(change.message_id)
    former.contacts, *matter = former.without(change.message_id)
    former.kind, former.category, former.place = matter
    former.proposals = proposals_without(former.proposals, change.message_id)
    del former.messages[change.message_id]
    dangling_references.part(state, former, decision.features)
    is_false = change.message_id in former.dismissed
    former.dismissed = tuple(one for one in former.dismissed if one != change.message_id)
    former.danger = emergency.endangers(former)
    filed = replace(filed, link_version=change.link_version)
    ticket.messages[change.message_id] = _with_features(filed, decision.features)
    state.texts.remove(former)
    former.requesters, former.participants = change.left_requesters, change.left_participants
    former.text_keys = change.left_text_keys
    state.texts.add(former)
    _take_features(state, decision, ticket, decision.features, change.message_id, is_moved=True)
    if is_false:
        ticket.dismissed = with_more(ticket.dismissed, (change.message_id,))
        ticket.danger = emergency.endangers(ticket)
    state.never.discard((change.message_id, ticket.ticket_id))
    state.keep_apart(former.ticket_id, ticket.ticket_id)
    if change.message_id in state.handed_over:
        state.handed_over[change.message_id] = ticket.ticket_id
    ticket.heard_at = _readable_from(decision)


def _proposed(state: "State", decision: Event, change: event.Proposed) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        proposal = Proposal(
            proposal_id=change.proposal_id, relation=change.relation, target=change.target, score=change.score
        )
        ticket.proposals = limits.ends((*ticket.proposals, proposal), state.policy.max_proposals)


def _judged(state: "State", decision: Event, change: event.Confirmed | event.Rejected) -> None:
    ticket = state.tickets.get(change.ticket_id or "")
    if ticket is not None:
        known = ticket.proposal(change.proposal_id)
        if known is not None and isinstance(change, event.Rejected) and known.target in state.tickets:
            state.keep_apart(ticket.ticket_id, known.target)
        ticket.proposals = tuple(one for one in ticket.proposals if one.proposal_id != change.proposal_id)


def _edge(ticket: TicketState, change: event.EdgeAdded | event.EdgeRemoved) -> Edge | None:
    same = (edge for edge in ticket.edges if (edge.ticket_id, edge.kind) == (change.other_id, change.kind))
    return next(same, None)


REDUCERS: dict[type, Callable[["State", Event, Any], None]] = {
    event.Opened: _opened,
    event.MessageFiled: _filed,
    event.PartJoined: _part_joined,
    event.Reopened: _reopened,
    event.StatusSet: _status_set,
    event.EdgeAdded: _edge_added,
    event.EdgeRemoved: _edge_removed,
    event.NeverLink: _never_link,
    event.Moved: _moved,
    event.Noted: _noted,
    event.Proposed: _proposed,
    event.Confirmed: _judged,
    event.Rejected: _judged,
}
