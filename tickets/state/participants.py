"""Participants: which tickets left the memory, and who took part in them."""

from collections.abc import Iterable

from tickets.model.keys import part
from tickets.model.ticket_state import TicketState
from tickets.state.seen import Runs, Seen


class Participants:
    """Digests of tickets that left and of the people in them, 16 bytes each, kept for ever.

    Of an erased ticket the tombstones keep people and texts here as well, under a name of their own.
    """

    def __init__(self, digests: Runs = b"") -> None:
        self._known = Seen(digests)

    def __len__(self) -> int:
        return len(self._known)

    def has_left(self, ticket_id: str) -> bool:
        """Return True if a ticket left the memory."""
        return ticket_id in self._known

    def has(self, name: str, person: str) -> bool:
        """Return True if this person took part in the ticket of this name, or said this text in it."""
        return part(name, person) in self._known

    def note_leaving(self, ticket: TicketState) -> None:
        """Remember a ticket that leaves the memory, and the people in it."""
        self._known.add(ticket.ticket_id)
        for person in dict.fromkeys((*ticket.requesters, *ticket.participants)):
            self._known.add(part(ticket.ticket_id, person))

    def note(self, name: str, people: Iterable[str]) -> None:
        """Remember people, or texts, under a name."""
        for one in people:
            self._known.add(part(name, one))

    def dump(self) -> list[bytes]:
        """Return the argument of the constructor, for a checkpoint."""
        return self._known.dump()
