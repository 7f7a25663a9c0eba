"""Erasure: effect on state and snapshot of redaction and erasure, and the tombstones against repeats."""

from msgspec.structs import replace

from schemas.records import Event, Ticket, event
from tickets.erasure import blackout
from tickets.model.keys import scoped
from tickets.reducers.base import Occasion, Reducer
from tickets.state.state import State
from tickets.state.tombstones import Forgotten, said_by


def _redacted(state: State, decision: Event, change: event.Redacted) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        if change.fields or change.spans:  # else it empties what came again
            ticket.redacted_at = decision.at
            people = (*ticket.requesters, *ticket.participants)
            known = Forgotten(ticket.ticket_id, decision.at, ticket.opened_at, of_nobody=not people)
            state.tombstones.bury_undated(state.threads.keys_of(ticket.ticket_id), known, people=people)
        ticket.files_redacted = ticket.files_redacted or "attachments" in change.fields
        for name in {one.message_id for one in change.messages} & ticket.messages.keys():
            ticket.messages[name] = replace(ticket.messages[name], stated=(), gone=True)


def _show_redaction(ticket: Ticket, change: event.Redacted, occasion: Occasion) -> Ticket:
    return blackout.redacted(ticket, change, occasion.policy.query_key, occasion.policy.rules)


def _erased(state: State, decision: Event, change: event.Erased) -> None:
    """Forget people and texts; the ticket stays as a node of its cluster until it leaves with it."""
    _bury(state, decision, change.ticket_id)
    state.threads.forget(change.ticket_id)
    state.handovers.forget(change.ticket_id)
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        _messages_erased(state, decision, change)
        return
    state.texts.remove(ticket)
    state.dedupe.remove(ticket.order)
    state.dangling.remove(ticket)
    ticket.requesters = ticket.participants = ticket.contacts = ticket.text_keys = ticket.dangling = ()
    ticket.codes = ticket.proposals = ticket.by_clerk = ()
    ticket.messages = {
        name: replace(filed, codes=(), contacts=(), stated=()) for name, filed in ticket.messages.items()
    }
    ticket.erased, ticket.status, ticket.closed_at = True, "archived", decision.at
    state.note_closed(ticket)


def _show_erasure(ticket: Ticket, change: event.Erased, occasion: Occasion) -> Ticket:
    return blackout.erased(replace(ticket, updated_at=occasion.decision.at))


def _bury(state: State, decision: Event, ticket_id: str) -> None:
    """Record the keys of repeats of its messages.

    If the ticket left the memory before, `Participants` knows its people.
    """
    keys = state.threads.keys_of(ticket_id)
    ticket = state.tickets.get(ticket_id)
    people = (*ticket.requesters, *ticket.participants) if ticket is not None else ()
    texts = ticket.text_keys if ticket is not None else ()
    told_at = ticket.opened_at if ticket is not None else decision.at
    known = Forgotten(ticket_id, decision.at, told_at, ticket is not None and not people)
    own = scoped(decision.jurisdiction, ticket_id)
    said = {said_by(decision.jurisdiction, text, one) for text in texts for one in people}
    state.tombstones.bury({own} | said | keys, known, people=people, texts=texts)
    state.tombstones.bury_undated(keys, known, people=people)
    if ticket is not None:
        state.calls.erase(decision.jurisdiction, ticket.messages.keys(), known, people)


def _messages_erased(state: State, decision: Event, change: event.MessagesErased | event.Erased) -> None:
    """Prevent all of them from being filed, if repeated or first filed later, as a replayed dead letter is."""
    gone = {one.message_id for one in change.messages}
    for name in gone:
        state.inputs.shut_out(decision.jurisdiction, name)
    if gone:
        known = Forgotten(min(gone), decision.at, decision.at, of_nobody=True)
        state.calls.erase_records(decision.jurisdiction, gone, known)


REDUCERS: dict[type, Reducer] = {
    event.Redacted: Reducer(_redacted, _show_redaction),
    event.Erased: Reducer(_erased, _show_erasure),
    event.MessagesErased: Reducer(_messages_erased),
}
