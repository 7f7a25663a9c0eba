"""The desk of one partition: it takes inputs in order, decides, folds, and says what is to be written."""

from collections.abc import Iterator

from msgspec.structs import replace

from schemas.envelope import VERSION
from schemas.records import Command, Event, Message, Ticket, event
from schemas.wire import Outbound, Position, decode, encode
from tickets import outputs, snapshot
from tickets.decide import decide
from tickets.incoming import Incoming
from tickets.state import State, apply


class Desk:
    """State and the snapshots of one chunk; no I/O. `streams/assign.py` and `hotline try` sit at the same desk.

    Of a ticket that changes more than once in a chunk only the last snapshot is written: the highest version wins.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.repeats = 0
        self._events: list[Event] = []
        self._changed: dict[str, tuple[Ticket, Event]] = {}

    def take(self, record: Message | Command, position: Position) -> Event | None:
        """Decide about one input; None for a repeat or an input at or before the last decided position."""
        if position.offset <= self.state.decided(position.topic, position.partition):
            return None
        incoming = _incoming(record, position)
        decision = decide(self.state, incoming, self.state.policy)
        if decision is None:
            self.repeats += 1
            return None
        changed = list(self._snapshots(decision, record))
        apply(self.state, decision)
        self._events.append(decision)
        self._changed.update((ticket.ticket_id, (ticket, decision)) for ticket in changed)
        return decision

    def ticket(self, ticket_id: str) -> Ticket:
        """Return a live ticket as it stands."""
        held = self._changed.get(ticket_id)
        return held[0] if held else decode(self.state.bodies[ticket_id], Ticket)

    def flush(self) -> list[Outbound]:
        """Return what the chunk's decisions write, and start the next chunk."""
        records = [record for decision in self._events for record in outputs.of_event(decision)]
        for ticket, decision in self._changed.values():
            value = encode(ticket)
            self.state.bodies[ticket.ticket_id] = value
            records += outputs.of_ticket(ticket, value, decision)
        self._events, self._changed = [], {}
        return records

    def _snapshots(self, decision: Event, record: Message | Command) -> Iterator[Ticket]:
        for version in decision.tickets:
            ticket = self._after(decision, record, version.ticket_id)
            yield replace(ticket, version=version.version, schema_version=VERSION)

    def _after(self, decision: Event, record: Message | Command, ticket_id: str) -> Ticket:
        policy = self.state.policy
        ticket: Ticket | None = None
        for change in decision.changes:
            if getattr(change, "ticket_id", None) != ticket_id:
                continue
            if isinstance(change, event.Opened) and isinstance(record, Message):
                return snapshot.open_ticket(record, decision, change, policy)
            if isinstance(change, event.MessageFiled) and isinstance(record, Message):
                ticket = snapshot.file_message(self.ticket(ticket_id), record, decision, policy)
            if isinstance(change, event.StatusSet):
                ticket = snapshot.set_status(ticket or self.ticket(ticket_id), decision, change)
        return ticket or self.ticket(ticket_id)


def _incoming(record: Message | Command, position: Position) -> Incoming:
    if isinstance(record, Message):
        return Incoming.of_message(record, position)
    return Incoming.of_command(record, position)
