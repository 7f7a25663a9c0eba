"""What a seat's topics say at the end of a walk."""

from collections.abc import Iterator
from typing import TypeGuard

from schemas import topics
from schemas.records import Command, Event, Link, Message, Ticket, event
from tests.tickets.walk.desks import Seat


class Told:
    """The records of a walk, and what follows from them."""

    def __init__(self, seat: Seat) -> None:
        self.seat, self.state = seat, seat.desk.state
        self.messages = {one.message_id: one for one in reversed(seat.input) if isinstance(one, Message)}
        self.orders = [str(one.args) for one in seat.input if isinstance(one, Command)]
        self.events = seat.events()
        self.links = {one.message_id: one for one in seat.told(topics.LINK, Link)}
        self.tickets = seat.tickets()
        self.versions = {(one.ticket_id, one.version): one for one in seat.told(topics.TICKET, Ticket)}
        changes = [change for one in self.events for change in one.changes]
        self.erased = {one.ticket_id for one in changes if isinstance(one, event.Erased)}
        self.redacted = {one.ticket_id for one in changes if isinstance(one, event.Redacted)}
        self.gone = {name for one in self.events for name in self.taken_away(one)}

    def taken_away(self, decision: Event) -> Iterator[str]:
        """Yield the messages of which a city takes its own words away."""
        for change in filter(_takes_the_text, decision.changes):
            for name in (one.message_id for one in change.messages):
                if name in self.messages and self.messages[name].jurisdiction == decision.jurisdiction:
                    yield name

    def in_ticket(self, ticket_id: str) -> list[Message]:
        """Return the messages that are filed in a live ticket, in their order."""
        return [self.messages[one] for one in self.state.tickets[ticket_id].messages]

    def before_and_after(self, decision: Event) -> Iterator[tuple[Ticket | None, Ticket]]:
        """Yield the snapshots of each ticket that a decision changes, as far as both were written."""
        for one in decision.tickets:
            after = self.versions.get((one.ticket_id, one.version))
            if after is not None:
                yield self.versions.get((one.ticket_id, one.version - 1)), after


def _takes_the_text(change: event.AnyChange) -> TypeGuard[event.Erased | event.MessagesErased | event.Redacted]:
    is_erased = isinstance(change, event.Erased | event.MessagesErased)
    return is_erased or (isinstance(change, event.Redacted) and "text" in change.fields)
