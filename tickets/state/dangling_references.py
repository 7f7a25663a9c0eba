"""Dangling references: which tickets answer messages that have not come yet.

An answer may be decided before its original: an archive is imported after a city went live, or the two come by several
accounts. Its ticket keeps the hashed thread ids that lead nowhere, for as long as it is live; when the original comes,
it is filed there, or proposed (`tickets/deciders/follow_up.py`).
"""

from collections.abc import Iterable, Iterator, Mapping

from schemas.records import Features
from tickets.assembly import call_records
from tickets.model import limits
from tickets.model.keys import names_of, scoped
from tickets.model.ticket_state import Findable, TicketState, with_more
from tickets.state.thread_index import ThreadIndex

MOST = 40
"""References that one ticket keeps, the first quarter and the newest: a mail has up to 100, and a hash by each key."""


class DanglingReferences:
    """Ids of the live tickets that wait for a message, by its scoped thread id; rebuilt from the tickets."""

    def __init__(self, tickets: Mapping[str, TicketState], threads: ThreadIndex) -> None:
        self._tickets = tickets
        self._threads = threads
        self._by_key: dict[str, tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def waiting_for(self, jurisdiction: str, features: Features) -> Iterator[tuple[str, str]]:
        """Yield by which hash, and in which live ticket, an answer to this message was filed before it."""
        for name in _own_names(features):
            for ticket_id in self._by_key.get(scoped(jurisdiction, name), ()):
                if ticket_id in self._tickets:
                    yield name, ticket_id

    def note(self, ticket: TicketState, features: Features) -> None:
        """Note the unknown references of a message that is filed in a ticket; nobody waits for the message any more."""
        city = ticket.jurisdiction
        for key in (scoped(city, name) for name in _own_names(features)):
            for ticket_id in self._by_key.pop(key, ()):
                answer = self._tickets.get(ticket_id)
                if answer is not None:
                    answer.dangling = tuple(one for one in answer.dangling if one != key)
        if call_records.is_record(features) or ticket.erased:
            return
        keys = tuple(key for name in features.threads if (key := scoped(city, name)) not in self._threads)
        if keys:
            self.remove(ticket)
            ticket.dangling = limits.ends(with_more(ticket.dangling, keys), MOST)
            self.add(ticket)

    def add(self, ticket: Findable) -> None:
        """Make a ticket findable by its references."""
        for key in ticket.dangling:
            self._by_key[key] = with_more(self._by_key.get(key, ()), (ticket.ticket_id,))

    def remove(self, ticket: Findable, keys: Iterable[str] | None = None) -> None:
        """Remove a ticket from these keys, or from all of its references."""
        for key in [*(ticket.dangling if keys is None else keys)]:
            left = tuple(one for one in self._by_key.get(key, ()) if one != ticket.ticket_id)
            if left:
                self._by_key[key] = left
            else:
                self._by_key.pop(key, None)

    def part(self, former: TicketState, features: Features) -> None:
        """Take along the references of a message that leaves a ticket."""
        keys = {scoped(former.jurisdiction, name) for name in features.threads} & {*former.dangling}
        self.remove(former, keys)
        former.dangling = tuple(one for one in former.dangling if one not in keys)


def _own_names(features: Features) -> tuple[str, ...]:
    if call_records.is_record(features):
        return ()
    return (*names_of(features), *(features.known_as or ()))
