"""Moves a message from a wrong ticket to another one, or to the ticket that it would have had."""

from collections import Counter
from collections.abc import Iterable, Sequence

from schemas import ids
from schemas.records import Features, event
from tickets.assembly.call_records import is_record
from tickets.commands import args
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.lifecycle import CLOSED
from tickets.model.keys import day_key
from tickets.model.ticket_state import TicketState


def move(order: Order, given: args.Move) -> event.Changes:
    """File a message of this ticket elsewhere, and never here again."""
    ticket = order.ticket(given)
    _check_movable(order, ticket, given.message_id)
    if given.to is None:
        opened = _opened(order, given.message_id)
        return (opened, *_moved(order, ticket, opened.ticket_id, given.message_id))
    other = order.named(given.to)
    if other is ticket:
        raise RefusalError("self_move", "the message is in this ticket already")
    reopened = (event.Reopened(ticket_id=other.ticket_id),) if other.status in CLOSED else ()
    return (*reopened, *_moved(order, ticket, other.ticket_id, given.message_id))


def positions(ticket: TicketState) -> list[int]:
    """Return the positions of a ticket's messages in the input: a move reads them all."""
    return [filed.offset for filed in ticket.messages.values()]


def _check_movable(order: Order, ticket: TicketState, message_id: str) -> None:
    if message_id not in ticket.messages:
        raise RefusalError("not_filed", "the message is not filed in this ticket: see its links")
    if message_id == next(iter(ticket.messages)):
        raise RefusalError("first_message", "the message opened this ticket: move the others, or merge the tickets")
    if ticket.redacted:
        raise RefusalError("redacted", "the ticket is redacted, so it cannot be written anew without this message")
    if any(one not in order.earlier for one in ticket.messages):
        raise RefusalError("gone", "a message of the ticket is older than what the input topic keeps")
    if any(order.earlier[one].features.part_key for one in ticket.messages):
        raise RefusalError("part", "the ticket holds parts of a long message, which belong together")


def _moved(order: Order, ticket: TicketState, to: str, message_id: str) -> event.Changes:
    left = [order.earlier[one].features for one in ticket.messages if one != message_id]
    moved = event.Moved(
        message_id=message_id,
        from_ticket_id=ticket.ticket_id,
        to_ticket_id=to,
        link_version=ticket.messages[message_id].link_version + 1,
        left_requesters=_all(_among(one.requesters, ticket.requesters) for one in left),
        left_participants=_all((*one.participants, *_others(one.requesters, ticket.requesters)) for one in left),
        left_text_keys=_left_texts(ticket, order.earlier[message_id].features, left),
    )
    return (moved, event.NeverLink(message_id=message_id, ticket_id=ticket.ticket_id))


def _left_texts(ticket: TicketState, gone: Features, left: Sequence[Features]) -> tuple[str, ...]:
    """Return the texts that stay in the ticket; a message with one of them is a repeat.

    A later record of the same call may have corrected an earlier one, which is then not shown. If a record of a call
    is moved, the combined text of the remaining ones is unknown.
    """
    worded = Counter(one.message_key for one in left if is_record(one) and one.message_class == "person")
    said = [one.text_key for one in left if one.text_key and (not is_record(one) or worded[one.message_key] == 1)]
    stay = () if is_record(gone) else (key for key in ticket.text_keys if key != gone.text_key)
    return tuple(dict.fromkeys((*stay, *said)))


def _among(people: tuple[str, ...], owners: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for one in people if one in owners)


def _others(people: tuple[str, ...], owners: tuple[str, ...]) -> tuple[str, ...]:
    """Return the senders that replied as participants; the move does not make them owners."""
    return tuple(one for one in people if one not in owners)


def _all(keys: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for some in keys for key in some))


def _opened(order: Order, message_id: str) -> event.Opened:
    city = order.command.jurisdiction
    ticket_id = ids.ticket_id(city, message_id)
    day = ids.day_of(order.at)
    sequence = order.state.sequences.get(day_key(city, day), 0) + 1
    return event.Opened(
        ticket_id=ticket_id,
        ticket_no=ids.ticket_no(city, order.at, sequence),
        day=day,
        sequence=sequence,
        message_id=message_id,
        channel=order.earlier[message_id].channel,
        typed=not order.earlier[message_id].proven,
    )
