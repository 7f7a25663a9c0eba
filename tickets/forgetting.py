"""How redaction and erasure alter the state: who and what is forgotten, and what stays so that it does not return."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from schemas.records import Event, event

if TYPE_CHECKING:
    from tickets.state import State


def _redacted(state: "State", decision: Event, change: event.Redacted) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.redacted = True
        for name in {one.message_id for one in change.messages} & ticket.messages.keys():
            ticket.messages[name] = replace(ticket.messages[name], stated=())


def _erased(state: "State", decision: Event, change: event.Erased) -> None:
    """Forget who and what; the ticket stays as a knot of its cluster until it leaves with it."""
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        return
    state.texts.remove(ticket)
    state.by_thread = {key: at for key, at in state.by_thread.items() if at != ticket.ticket_id}
    state.handed_over = {key: at for key, at in state.handed_over.items() if at != ticket.ticket_id}
    state.parts = {key: parts for key, parts in state.parts.items() if parts.ticket_id != ticket.ticket_id}
    state.calls = {key: call for key, call in state.calls.items() if call.told.keys().isdisjoint(ticket.messages)}
    state.near.remove(ticket.order)
    ticket.requesters = ticket.participants = ticket.contacts = ticket.text_keys = ()
    ticket.codes = ticket.proposals = ticket.by_clerk = ()
    ticket.messages = {
        name: replace(filed, codes=(), contacts=(), stated=()) for name, filed in ticket.messages.items()
    }
    ticket.erased, ticket.status, ticket.closed_at = True, "archived", decision.at
    state.note_closed(ticket)


def _messages_erased(state: "State", decision: Event, change: event.MessagesErased) -> None:
    """Let none of them be filed when it comes again, or for the first time, as a dead letter that is put back does."""
    gone = {one.message_id for one in change.messages}
    for name in gone:
        state.seen.add(name)
    state.calls = {key: call for key, call in state.calls.items() if call.told.keys().isdisjoint(gone)}


STEPS: dict[type, Callable[["State", Event, Any], None]] = {
    event.Redacted: _redacted,
    event.Erased: _erased,
    event.MessagesErased: _messages_erased,
}
