"""How each kind of change alters the state; `tickets/state/state.py:apply` is their only caller."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from normalizers.findings.coded import SURE_REPORT
from schemas.records import Edge, Event, Features, event
from schemas.records.ticket import Proposal
from tickets import emergency
from tickets.assembly import call_records
from tickets.assembly.sms_parts import PartSet, Piece, keys_of
from tickets.codes import is_of_participant
from tickets.dedupe import dangling_references
from tickets.erasure.tombstones import Forgotten, remember, remember_undated, said_by
from tickets.lifecycle import CLOSED, only_thanks
from tickets.sla.deadlines import matter_of
from tickets.snapshot import fields, limits, remaining
from tickets.state.keys import day_key, scoped
from tickets.state.ticket import Clock, Early, Filed, TicketState, month_of, with_more

if TYPE_CHECKING:
    from tickets.state.state import State


# How redaction and erasure alter the state: who and what is forgotten, and what stays so that it does not return.


def _redacted(state: "State", decision: Event, change: event.Redacted) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        if change.fields or change.spans:  # else it empties what came again
            ticket.redacted_at = decision.at
            people = (*ticket.requesters, *ticket.participants)
            known = Forgotten(ticket.ticket_id, decision.at, ticket.opened_at, of_nobody=not people)
            remember_undated(state, _keys_of(state, ticket.ticket_id), known, people=people)
        ticket.files_redacted = ticket.files_redacted or "attachments" in change.fields
        for name in {one.message_id for one in change.messages} & ticket.messages.keys():
            ticket.messages[name] = replace(ticket.messages[name], stated=(), gone=True)


def _erased(state: "State", decision: Event, change: event.Erased) -> None:
    """Forget who and what; the ticket stays as a knot of its cluster until it leaves with it."""
    _remember(state, decision, change.ticket_id)
    state.by_thread = {key: at for key, at in state.by_thread.items() if at != change.ticket_id}
    state.handed_over = {key: at for key, at in state.handed_over.items() if at != change.ticket_id}
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        _messages_erased(state, decision, change)
        return
    state.texts.remove(ticket)
    state.near.remove(ticket.order)
    dangling_references.drop(state, ticket)
    ticket.requesters = ticket.participants = ticket.contacts = ticket.text_keys = ticket.dangling = ()
    ticket.codes = ticket.proposals = ticket.by_clerk = ()
    ticket.messages = {
        name: replace(filed, codes=(), contacts=(), stated=()) for name, filed in ticket.messages.items()
    }
    ticket.erased, ticket.status, ticket.closed_at = True, "archived", decision.at
    state.note_closed(ticket)


def _remember(state: "State", decision: Event, ticket_id: str) -> None:
    """Note under what its messages would come again; of one that had left the memory `State.left` knows the people."""
    keys = _keys_of(state, ticket_id)
    ticket = state.tickets.get(ticket_id)
    people = (*ticket.requesters, *ticket.participants) if ticket is not None else ()
    texts = ticket.text_keys if ticket is not None else ()
    told_at = ticket.opened_at if ticket is not None else decision.at
    known = Forgotten(ticket_id, decision.at, told_at, ticket is not None and not people)
    own = scoped(decision.jurisdiction, ticket_id)
    said = {said_by(decision.jurisdiction, text, one) for text in texts for one in people}
    remember(state, {own} | said | keys, known, people=people, texts=texts)
    remember_undated(state, keys, known, people=people)
    if ticket is not None:
        _forget_calls(state, decision.jurisdiction, ticket.messages.keys(), known, people)


def _keys_of(state: "State", ticket_id: str) -> set[str]:
    """Return what leads to a ticket."""
    return {key for key, at in state.by_thread.items() if at == ticket_id}


def _forget_calls(
    state: "State", jurisdiction: str, gone: Collection[str], known: Forgotten, people: Iterable[str] = ()
) -> None:
    """Forget the calls of which one of these records is, and note under their names that they are erased."""
    for key, known_calls in [one for one in state.calls.items() if one[0].startswith(scoped(jurisdiction, ""))]:
        left = [call for call in known_calls if call.told.keys().isdisjoint(gone)]
        if len(left) == len(known_calls):
            continue
        for call in known_calls:
            if call not in left:
                callers = (*people, *call.callers)
                erased = replace(known, told_at=call.told_at, of_nobody=not callers)
                name = scoped(jurisdiction, call.name)
                remember(state, (name,), erased, people=callers)
                remember_undated(state, (name,), erased, people=callers)
        if left:
            state.calls[key] = left
        else:
            del state.calls[key]


def _messages_erased(state: "State", decision: Event, change: event.MessagesErased | event.Erased) -> None:
    """Let none of them be filed when it comes again, or for the first time, as a dead letter that is put back does."""
    gone = {one.message_id for one in change.messages}
    for name in gone:
        state.seen.keep(scoped(decision.jurisdiction, name))
    if gone:
        _forget_records(state, decision, gone)


def _forget_records(state: "State", decision: Event, gone: Collection[str]) -> None:
    """Forget records of calls: with the call where it has no ticket, else the later ones are still of its ticket."""
    for call in [call for known in state.calls.values() for call in known if not call.told.keys().isdisjoint(gone)]:
        if scoped(decision.jurisdiction, call.name) in state.by_thread:
            call.told = {name: filed for name, filed in call.told.items() if name not in gone}
    _forget_calls(state, decision.jurisdiction, gone, Forgotten(min(gone), decision.at, decision.at, of_nobody=True))


FORGETTING_STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.Redacted: _redacted,
    event.Erased: _erased,
    event.MessagesErased: _messages_erased,
}


# How decisions about hand-overs (紧急转接) change the state: who waits for the emergency desk, and who does not.


def _handed_over(state: "State", decision: Event, change: event.HandedOver) -> None:
    if scoped(decision.jurisdiction, change.handover_id) not in state.acknowledged:
        state.handed_over[change.handover_id] = change.ticket_id


def _acknowledged(state: "State", decision: Event, change: event.Acknowledged) -> None:
    name = _answered(state, decision, change.handover_id)
    if state.handed_over.pop(change.handover_id, None) is None and change.ticket_id is None:
        state.note_early(name, Early(decision.at, decision.author))
    else:
        state.early.pop(name, None)


def _answered(state: "State", decision: Event, handover_id: str) -> str:
    """Note that nobody waits for the desk any more; return under which name that is known in this city."""
    name = scoped(decision.jurisdiction, handover_id)
    state.acknowledged.keep(name)
    return name


def _dismissed(state: "State", decision: Event, change: event.HandoverDismissed) -> None:
    _answered(state, decision, change.handover_id)
    state.handed_over.pop(change.handover_id, None)
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.dismissed = with_more(ticket.dismissed, (change.handover_id,))
        ticket.danger = emergency.endangers(ticket)


def _reinstated(state: "State", decision: Event, change: event.HandoverReinstated) -> None:
    """Wait for the desk again, whatever it or a clerk has said until now; what was `acknowledged` is so for ever."""
    state.handed_over[change.handover_id] = change.ticket_id
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.dismissed = tuple(one for one in ticket.dismissed if one != change.handover_id)
        ticket.danger = emergency.endangers(ticket)


HAND_OVERS_STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.HandedOver: _handed_over,
    event.Acknowledged: _acknowledged,
    event.HandoverDismissed: _dismissed,
    event.HandoverReinstated: _reinstated,
}


# How the handling of a ticket alters the state: its class, who may see it, its deadlines, who has it.

CLERK = "clerk"


def _kind_set(ticket: TicketState, decision: Event, change: event.KindSet) -> None:
    ticket.kind = change.kind
    if change.source == CLERK:
        _by_clerk(ticket, "kind", *([SURE_REPORT] if change.kind == "report" else []))


def _category_set(ticket: TicketState, decision: Event, change: event.CategorySet) -> None:
    ticket.category = change.code
    if change.source == CLERK:
        _by_clerk(ticket, "category")


def _confidentiality_set(ticket: TicketState, decision: Event, change: event.ConfidentialitySet) -> None:
    ticket.confidentiality = change.level
    if change.source == CLERK:
        _by_clerk(ticket, "confidentiality", *(["confidentiality.restricted"] if change.level == "restricted" else []))


def _minor_flagged(ticket: TicketState, decision: Event, change: event.MinorFlagged) -> None:
    ticket.minor_flagged = change
    if change.source == CLERK:
        ticket.minor = change.flag
        _by_clerk(ticket, "minor", *([f"minor.{change.role}"] if change.flag else []))


def _deadline_set(ticket: TicketState, decision: Event, change: event.DeadlineSet) -> None:
    if change.ended:
        ticket.clocks.pop(change.clock, None)
    else:
        former = ticket.clocks.get(change.clock)
        started_at = change.started_at or (former.started_at if former else ticket.opened_at)
        ticket.clocks[change.clock] = Clock(
            change.due_at, change.policy_id, change.calendar_version, change.provisional, started_at, change.extension
        )
    name = f"deadline.{change.clock}"
    if change.source == CLERK:
        if not change.extension:  # more time leaves the limit the rule's
            _by_clerk(ticket, name)
    elif _begins_or_ends(change):
        ticket.by_clerk = tuple(one for one in ticket.by_clerk if one != name)


def _begins_or_ends(change: event.DeadlineSet) -> bool:
    """Say whether a clock starts anew or ends, as a person's time does when it has passed."""
    return change.started_at is not None or change.ended


def _place_set(ticket: TicketState, decision: Event, change: event.PlaceSet) -> None:
    ticket.place = change.adcode
    if change.source == CLERK:
        _by_clerk(ticket, "place")


def _returned(ticket: TicketState, decision: Event, change: event.Returned) -> None:
    give_back(ticket)


def give_back(ticket: TicketState) -> None:
    """Note that the organizer who has a ticket gave it back (退单)."""
    if ticket.organizer is not None:
        ticket.returned_by.append(ticket.organizer)
        ticket.organizer = None


def _dispatch_proposed(ticket: TicketState, decision: Event, change: event.DispatchProposed) -> None:
    ticket.proposed_dispatch = change


def _dispatched(ticket: TicketState, decision: Event, change: event.Dispatched) -> None:
    ticket.organizer = change.organizer
    ticket.first_organizer = ticket.first_organizer or change.organizer
    if decision.relation == "command":
        _by_clerk(ticket, "dispatch")


def _by_clerk(ticket: TicketState, name: str, *codes: str) -> None:
    """Note what a person said of a ticket, and the codes that say so, too."""
    ticket.by_clerk = with_more(ticket.by_clerk, (name,))
    ticket.codes = with_more(ticket.codes, codes)


def _of_a_ticket(step: Callable[[TicketState, Event, Any], None]) -> Callable[["State", Event, Any], None]:
    """Return a step that does nothing where nobody holds the ticket any more."""

    def alter(state: "State", decision: Event, change: Any) -> None:
        ticket = state.tickets.get(change.ticket_id)
        if ticket is not None:
            step(ticket, decision, change)

    return alter


HANDLING_STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.KindSet: _of_a_ticket(_kind_set),
    event.CategorySet: _of_a_ticket(_category_set),
    event.ConfidentialitySet: _of_a_ticket(_confidentiality_set),
    event.MinorFlagged: _of_a_ticket(_minor_flagged),
    event.PlaceSet: _of_a_ticket(_place_set),
    event.DeadlineSet: _of_a_ticket(_deadline_set),
    event.Dispatched: _of_a_ticket(_dispatched),
    event.Returned: _of_a_ticket(_returned),
    event.DispatchProposed: _of_a_ticket(_dispatch_proposed),
}
"""By the kind of change, as in `tickets/state/reducers.py`."""


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
    return has_words and not only_thanks(state, features, ticket)


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
    ticket.place = ticket.place or fields.place_of(features.codes)
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
    former.contacts, *matter = remaining.without(former, change.message_id)
    former.kind, former.category, former.place = matter
    former.proposals = remaining.proposals_without(former.proposals, change.message_id)
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


STEPS: dict[type, Callable[["State", Event, Any], None]] = {
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
    **HAND_OVERS_STEPS,
    **FORGETTING_STEPS,
    **HANDLING_STEPS,
}


def _edge(ticket: TicketState, change: event.EdgeAdded | event.EdgeRemoved) -> Edge | None:
    same = (edge for edge in ticket.edges if (edge.ticket_id, edge.kind) == (change.other_id, change.kind))
    return next(same, None)
