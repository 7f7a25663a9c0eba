"""A desk with tickets, and commands given to it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from schemas.codec import decode, encode
from schemas.records import Command, Event, Message, Ticket, event
from tests.tickets.build import CITY, START, message, position
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import Snapshot, State

POLICY = TicketPolicy()


class Office:
    """Takes messages and commands in turn, as assign does, and keeps the decisions."""

    def __init__(self, messages: Iterable[Message] = (), policy: TicketPolicy = POLICY) -> None:
        self.desk = Desk(State(policy))
        self.decisions: list[Event] = []
        self.input: list[Message | Command] = []
        self.tickets = [self.take(one).tickets[0].ticket_id for one in messages]

    def take(self, record: Message | Command, appended_at: datetime | None = None) -> Event:
        earlier = [self.input[offset] for offset in self.desk.looks_back(record)]
        looked_back = [one for one in earlier if isinstance(one, Message)]
        decision = self.desk.take(record, position(self._next()), looked_back, appended_at)
        assert decision is not None
        self.input.append(record)
        self.decisions.append(decision)
        return decision

    def order(self, kind: str, ticket_id: str | None = None, /, *, city: str = CITY, **fields: Any) -> Event:
        """Give a command; `fields` with a name of Command are its own, all others its arguments."""
        number = self._next()
        own = {
            name: fields.pop(name)
            for name in ("handover_id", "author", "reason", "command_id", "at", "seen_at")
            if name in fields
        }
        given: dict[str, Any] = {"command_id": f"c{number}", "author": "clerk-7", "at": START + timedelta(hours=number)}
        return self.take(Command(jurisdiction=city, ticket_id=ticket_id, kind=kind, args=fields, **(given | own)))

    def ticket(self, ticket_id: str) -> Ticket:
        return self.desk.ticket(ticket_id)

    def _next(self) -> int:
        return len(self.decisions)


def office(count: int = 1) -> tuple[Office, list[str]]:
    """Return an office with `count` tickets of as many people."""
    messages = [message(n, f"第{n}件事", sender=f"138001380{n:02d}") for n in range(count)]
    made = Office(messages)
    made.desk.flush()
    return made, made.tickets


def refusal(decision: Event) -> str | None:
    """Return the code of a refusal, None when the command was carried out."""
    refused = [change for change in decision.changes if isinstance(change, event.CommandRefused)]
    assert not refused or (decision.method == "refused" and not decision.tickets and len(decision.changes) == 1)
    return refused[0].code if refused else None


def same(at_office: Office) -> None:
    """The log alone gives this state, and so does a checkpoint after it was written and read."""
    rebuilt = fold(at_office.decisions, POLICY)
    rebuilt.bodies = at_office.desk.state.bodies
    stored = decode(encode(rebuilt.dump()), Snapshot)
    assert rebuilt.dump() == at_office.desk.state.dump() == State(POLICY, stored).dump()
