"""How redaction and erasure alter the state: who and what is forgotten, and what stays so that it does not return."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from schemas.records import Event, event
from tickets.forgotten import Forgotten, remember, said_by
from tickets.keys import scoped

if TYPE_CHECKING:
    from tickets.calls import CallRecords
    from tickets.held import TicketState
    from tickets.state import State


def _redacted(state: "State", decision: Event, change: event.Redacted) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        if change.fields or change.spans:  # else it empties what came again
            ticket.redacted_at = decision.at
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
    state.calls = {key: call for key, call in state.calls.items() if not _is_of(ticket, call)}
    state.near.remove(ticket.order)
    ticket.requesters = ticket.participants = ticket.contacts = ticket.text_keys = ()
    ticket.codes = ticket.proposals = ticket.by_clerk = ()
    ticket.messages = {
        name: replace(filed, codes=(), contacts=(), stated=()) for name, filed in ticket.messages.items()
    }
    ticket.erased, ticket.status, ticket.closed_at = True, "archived", decision.at
    state.note_closed(ticket)


def _remember(state: "State", decision: Event, ticket_id: str) -> None:
    """Note under what its messages would come again; of one that had left the memory `State.left` knows the people."""
    keys = {key for key, at in state.by_thread.items() if at == ticket_id}
    ticket = state.tickets.get(ticket_id)
    people = (*ticket.requesters, *ticket.participants) if ticket is not None else ()
    texts = ticket.text_keys if ticket is not None else ()
    told_at = ticket.opened_at if ticket is not None else decision.at
    known = Forgotten(ticket_id, decision.at, told_at, ticket is not None and not people)
    own = scoped(decision.jurisdiction, ticket_id)
    said = {said_by(decision.jurisdiction, text, one) for text in texts for one in people}
    told = {key for key in keys & state.calls.keys() if ticket is None or _is_of(ticket, state.calls[key])}
    remember(state, {own} | said | keys - told, known, people=people, texts=texts)
    _remember_calls(state, told, known, people)


def _is_of(ticket: "TicketState", call: "CallRecords") -> bool:
    """Say whether a call's records are in this ticket: another call may have its id by now."""
    return not call.told.keys().isdisjoint(ticket.messages)


def _remember_calls(state: "State", keys: Iterable[str], known: Forgotten, people: Iterable[str] = ()) -> None:
    for key in sorted(keys):
        call = state.calls[key]
        callers = (*people, *call.people)
        known = replace(known, told_at=call.told_at, of_nobody=not callers, began=call.began, ended=call.ended)
        remember(state, (key,), known, people=callers)


def _messages_erased(state: "State", decision: Event, change: event.MessagesErased | event.Erased) -> None:
    """Let none of them be filed when it comes again, or for the first time, as a dead letter that is put back does."""
    gone = {one.message_id for one in change.messages}
    for name in gone:
        state.seen.keep(scoped(decision.jurisdiction, name))
    calls = {key: call for key, call in state.calls.items() if key.startswith(scoped(decision.jurisdiction, ""))}
    for key, call in calls.items():
        for name in sorted(gone & call.told.keys())[:1]:
            _remember_calls(state, (key,), Forgotten(name, decision.at, decision.at, of_nobody=True))
            del state.calls[key]


STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.Redacted: _redacted,
    event.Erased: _erased,
    event.MessagesErased: _messages_erased,
}
