"""Which message opens a closed ticket again: any but mere thanks, and but what adds nothing to one not accepted.

Whatever alarms opens it always.
"""

from typing import TYPE_CHECKING

from schemas.records import Features
from tickets.codes import by_kind, is_alarm
from tickets.held import TicketState
from tickets.incoming import Incoming
from tickets.keys import texts_of
from tickets.lifecycle import CLOSED

if TYPE_CHECKING:
    from tickets.state import State


def reopens(state: "State", incoming: Incoming, ticket: TicketState) -> bool:
    """Say whether a message that is filed in a ticket opens it again."""
    if ticket.status not in CLOSED:
        return False
    if is_alarm(incoming.features.codes):
        return True
    if only_thanks(state, incoming.features, ticket):
        return False
    return ticket.status != "not_accepted" or _adds(state, incoming, ticket)


def only_thanks(state: "State", features: Features, ticket: TicketState) -> bool:
    """Say whether a message only gives thanks, and names nothing that its ticket has not."""
    is_praise = by_kind(features.codes).get("request_kind") == "praise"
    return is_praise and not is_alarm(features.codes) and state.near.knows_matter(features, ticket.order)


def _adds(state: "State", incoming: Incoming, ticket: TicketState) -> bool:
    """Say whether the ticket has not been told this: another text, with a name, an object or a file of its own."""
    features = incoming.features
    if not set(texts_of(features)).isdisjoint(ticket.text_keys):
        return False
    has_words = bool(features.grams)
    return incoming.has_files or not (has_words and state.near.knows_all(features, ticket.order))
