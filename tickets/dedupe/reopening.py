"""Reopening: which message opens a closed ticket again.

Every message does, except mere thanks, and except one that adds nothing to a ticket that was not accepted.
An alarm always does.
"""

from schemas.records import Features
from tickets.codes import by_kind, is_alarm
from tickets.dedupe.index import DedupeIndex
from tickets.lifecycle import CLOSED
from tickets.model.keys import texts_of
from tickets.model.ticket_state import TicketState


def reopens(near: DedupeIndex, features: Features, ticket: TicketState, *, has_files: bool) -> bool:
    """Return True if a message that is filed in a ticket opens it again; `has_files` if it has attachments."""
    if ticket.status not in CLOSED:
        return False
    if is_alarm(features.codes):
        return True
    if only_thanks(near, features, ticket):
        return False
    return ticket.status != "not_accepted" or _adds(near, features, ticket, has_files=has_files)


def only_thanks(near: DedupeIndex, features: Features, ticket: TicketState) -> bool:
    """Return True if a message only gives thanks, and names nothing that its ticket lacks."""
    is_praise = by_kind(features.codes).get("request_kind") == "praise"
    return is_praise and not is_alarm(features.codes) and near.knows_matter(features, ticket.order)


def _adds(near: DedupeIndex, features: Features, ticket: TicketState, *, has_files: bool) -> bool:
    """Return True if the text is new to the ticket, and brings a name, an object or a file that it lacks."""
    if not set(texts_of(features)).isdisjoint(ticket.text_keys):
        return False
    return has_files or not (features.grams and near.knows_all(features, ticket.order))
