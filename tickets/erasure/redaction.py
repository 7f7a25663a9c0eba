"""What says again what was blacked out: a later record of a call, a part or a mail that comes again, a late file,
an SMS under another id that was sent before.

It is filed in its ticket without a word, and the archive empties it as it did the message before. What is new and says
some of those words again is heard in the ticket, and emptied in the archive as well.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from schemas.records import Event, Message, Ticket, event
from schemas.records.event_base import ErasedMessage
from tickets.assembly import call_records
from tickets.codes import AFTER_REDACTION
from tickets.deciders import redelivery
from tickets.deciders.follow_up import is_same_mail
from tickets.deciders.redelivery import OF_ONE_DAY, TIMED
from tickets.decision_input import Incoming
from tickets.erasure import blackout
from tickets.model.keys import texts_of
from tickets.model.ticket_state import TicketState, month_of
from tickets.snapshot import build
from tickets.state.state import State

_FILING = (event.MessageFiled, event.Noted)


def follow(state: State, incoming: Incoming, ticket: TicketState) -> event.Changes:
    """Return what lets the archive empty a message that joins a redacted ticket; nothing for one that is news."""
    if not ticket.redacted or not _says_it_again(state, incoming, ticket):
        return ()
    gone = (ErasedMessage(message_id=incoming.id, month=month_of(incoming.at)),)
    if ticket.files_redacted:
        return (event.MessagesErased(messages=gone),)
    return (event.Redacted(ticket_id=ticket.ticket_id, fields=(), messages=gone),)


def with_emptied(
    state: State, decision: Event, messages: Sequence[Message], ticket_of: Callable[[str], Ticket]
) -> Event:
    """Return a decision that lets the archive empty what says again that was blacked out of the ticket it comes to.

    Not what the ticket tells no word of, a record of a call or the very words of a text that was emptied: nobody else
    would have what its writer says.
    """
    filed = next(_filed(decision), None)
    held = state.tickets.get(filed[0]) if filed is not None else None
    if filed is None or held is None or not held.redacted or _is_settled(decision):
        return decision
    ticket, key = ticket_of(held.ticket_id), state.policy.query_key
    (message,) = (one for one in messages if one.message_id == filed[1])
    black = partial(blackout.black_again, ticket=ticket, key=key, rules=state.policy.rules)
    is_shown = build.says_more(decision) or (black(message.text) or "") in ticket.text
    if not is_shown or all(black(words) == words for words in _words_of(message)):
        return decision
    gone = (ErasedMessage(message_id=message.message_id, month=month_of(message.ingested_at)),)
    emptied = event.Redacted(ticket_id=ticket.ticket_id, fields=(), messages=gone)
    return replace(decision, changes=(*decision.changes, emptied))


def _filed(decision: Event) -> Iterator[tuple[str, str]]:
    """Yield in which ticket a decision files or notes its message, or one that a clerk moves."""
    for change in decision.changes:
        if isinstance(change, event.Moved):
            yield change.to_ticket_id, change.message_id
        elif isinstance(change, _FILING) and change.message_id == decision.input.message_id:
            yield change.ticket_id, change.message_id


def _is_settled(decision: Event) -> bool:
    emptied = any(isinstance(one, event.Redacted | event.MessagesErased) for one in decision.changes)
    return emptied or decision.method == AFTER_REDACTION


def _words_of(message: Message) -> Iterator[str]:
    """Yield all that a message says; who sent it, and to whom, is none of it."""
    files = (word for file in message.attachments for word in (file.name, file.id))
    found = (one.value for one in message.findings)
    said = (message.title, message.text, message.quoted, message.signature)
    yield from filter(None, (*said, *files, *found, *message.extra.values()))


def _says_it_again(state: State, incoming: Incoming, ticket: TicketState) -> bool:
    features = incoming.features
    if features.completes:
        return ticket.files_redacted
    if call_records.is_record(features):
        own = state.calls.ticket_of(incoming.jurisdiction, features, incoming.id, incoming.at)
        own = own or redelivery.redacted_ticket(state, incoming)
        if own is None or own.ticket_id != ticket.ticket_id:
            return False  # another call about the matter: nobody has heard it yet
        known = state.calls.records_of(incoming.jurisdiction, features, incoming.at)
        return _is_any_gone(ticket, known.told if known is not None else ticket.messages)
    if features.part_key is None:
        is_again = is_same_mail(state, incoming, ticket) or _was_sent_before(incoming, ticket)
        return is_again and _is_any_gone(ticket, ticket.messages)
    city, sent_at, is_rare = incoming.jurisdiction, incoming.sent_at, incoming.has_rare_reference
    known_parts = state.parts.set_of(city, features, sent_at, is_rare=is_rare)
    piece = known_parts.pieces.get(features.part_number or 0) if known_parts is not None else None
    return piece is not None and _is_any_gone(ticket, (piece.message_id,))


def _was_sent_before(incoming: Incoming, ticket: TicketState) -> bool:
    """Return True if a text of the ticket was sent before it was blacked out: what is said since is news."""
    at, sent_at = ticket.redacted_at, incoming.sent_at
    if at is None or incoming.channel not in TIMED or set(texts_of(incoming.features)).isdisjoint(ticket.text_keys):
        return False
    return sent_at <= at and abs(sent_at - ticket.opened_at) <= OF_ONE_DAY


def _is_any_gone(ticket: TicketState, names: Iterable[str]) -> bool:
    return any(name in ticket.messages and ticket.messages[name].gone for name in names)
