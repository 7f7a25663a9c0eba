"""Effect of redaction and erasure on the state: what is forgotten, and what stays so that it does not return."""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from schemas.records import Event, event
from tickets.dedupe import dangling_references
from tickets.erasure.tombstones import Forgotten, remember, remember_undated, said_by
from tickets.model.keys import scoped

if TYPE_CHECKING:
    from tickets.state.state import State


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


REDUCERS: dict[type, Callable[["State", Event, Any], None]] = {
    event.Redacted: _redacted,
    event.Erased: _erased,
    event.MessagesErased: _messages_erased,
}
