"""What says again what was blacked out: a later record of a call, a part or a mail that comes again, a late file,
an SMS under another id that was sent before.

It is filed in its ticket without a word, and the archive empties it as it did the message before.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from schemas.records import event
from schemas.records.given import ErasedMessage
from tickets import calls, parts
from tickets.forgotten import OF_ONE_DAY, TIMED
from tickets.held import TicketState, month_of
from tickets.keys import names_of, texts_of

if TYPE_CHECKING:
    from tickets.incoming import Incoming
    from tickets.state import State


def follow(state: "State", incoming: "Incoming", ticket: TicketState) -> event.Changes:
    """Return what lets the archive empty a message that joins a redacted ticket; nothing for one that is news."""
    if not ticket.redacted or not _says_it_again(state, incoming, ticket):
        return ()
    gone = (ErasedMessage(message_id=incoming.id, month=month_of(incoming.at)),)
    if ticket.files_redacted:
        return (event.MessagesErased(messages=gone),)
    return (event.Redacted(ticket_id=ticket.ticket_id, fields=(), messages=gone),)


def _says_it_again(state: "State", incoming: "Incoming", ticket: TicketState) -> bool:
    features = incoming.features
    if features.completes:
        return ticket.files_redacted
    if calls.is_record(features):
        known = calls.records_of(state, incoming.jurisdiction, features, incoming.at)
        return _is_any_gone(ticket, known.told if known is not None else ticket.messages)
    if features.part_key is None:
        is_again = _is_the_same_mail(state, incoming, ticket) or _was_sent_before(incoming, ticket)
        return is_again and _is_any_gone(ticket, ticket.messages)
    known_parts = parts.set_of(state, incoming.jurisdiction, features, incoming.sent_at)
    piece = known_parts.pieces.get(features.part_number or 0) if known_parts is not None else None
    return piece is not None and _is_any_gone(ticket, (piece.message_id,))


def _was_sent_before(incoming: "Incoming", ticket: TicketState) -> bool:
    """Say whether a text of the ticket was sent before it was blacked out: what is said since is news."""
    at, sent_at = ticket.redacted_at, incoming.sent_at
    if at is None or incoming.channel not in TIMED or set(texts_of(incoming.features)).isdisjoint(ticket.text_keys):
        return False
    return sent_at <= at and abs(sent_at - ticket.opened_at) <= OF_ONE_DAY


def _is_the_same_mail(state: "State", incoming: "Incoming", ticket: TicketState) -> bool:
    """Say whether a mail of the ticket is delivered again: its name and a text that is there."""
    if incoming.channel != "mailbox" or set(texts_of(incoming.features)).isdisjoint(ticket.text_keys):
        return False
    names = names_of(incoming.features)
    return any(state.in_thread(incoming.jurisdiction, name) == ticket.ticket_id for name in names)


def _is_any_gone(ticket: TicketState, names: Iterable[str]) -> bool:
    return any(name in ticket.messages and ticket.messages[name].gone for name in names)
