"""Dangling references: which tickets answer messages that have not come yet.

An answer may be decided before its original: an archive is imported after a city went live, or the two come by several
accounts. Its ticket keeps the hashed thread ids that lead nowhere, for as long as it is live; when the original comes,
it is filed there, or proposed (`tickets/deciders/follow_up.py`).
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.records import Features
from tickets.assembly import call_records
from tickets.model import limits
from tickets.model.keys import names_of, scoped
from tickets.model.ticket_state import Findable, TicketState, with_more

if TYPE_CHECKING:
    from tickets.state.state import State


MOST = 40
"""References that one ticket keeps, the first quarter and the newest: a mail has up to 100, and a hash by each key."""


def waiting_for(state: "State", jurisdiction: str, features: Features) -> Iterator[tuple[str, str]]:
    """Yield by which hash, and in which live ticket, an answer to this message was filed before it."""
    for name in _own_names(features):
        for ticket_id in state.dangling.get(scoped(jurisdiction, name), ()):
            if ticket_id in state.tickets:
                yield name, ticket_id


def note(state: "State", ticket: TicketState, features: Features) -> None:
    """Note what a message that is filed in a ticket refers to and nobody knows; it is awaited itself no more."""
    city = ticket.jurisdiction
    for key in (scoped(city, name) for name in _own_names(features)):
        for ticket_id in state.dangling.pop(key, ()):
            answer = state.tickets.get(ticket_id)
            if answer is not None:
                answer.dangling = tuple(one for one in answer.dangling if one != key)
    if call_records.is_record(features) or ticket.erased:
        return
    keys = tuple(key for name in features.threads if (key := scoped(city, name)) not in state.by_thread)
    if keys:
        drop(state, ticket)
        ticket.dangling = limits.ends(with_more(ticket.dangling, keys), MOST)
        add(state, ticket)


def add(state: "State", ticket: Findable) -> None:
    """Let what a ticket refers to be found."""
    for key in ticket.dangling:
        state.dangling[key] = with_more(state.dangling.get(key, ()), (ticket.ticket_id,))


def drop(state: "State", ticket: Findable, keys: Iterable[str] | None = None) -> None:
    """Let these keys, or all that a ticket refers to, be awaited by it no more."""
    for key in [*(ticket.dangling if keys is None else keys)]:
        left = tuple(one for one in state.dangling.get(key, ()) if one != ticket.ticket_id)
        if left:
            state.dangling[key] = left
        else:
            state.dangling.pop(key, None)


def part(state: "State", former: TicketState, features: Features) -> None:
    """Let a message that leaves a ticket take its references along."""
    keys = {scoped(former.jurisdiction, name) for name in features.threads} & {*former.dangling}
    drop(state, former, keys)
    former.dangling = tuple(one for one in former.dangling if one not in keys)


def _own_names(features: Features) -> tuple[str, ...]:
    if call_records.is_record(features):
        return ()
    return (*names_of(features), *(features.known_as or ()))
