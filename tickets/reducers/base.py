"""Reducer: the effect of one kind of change on the state, and its effect on the ticket's snapshot."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from schemas.records import Command, Event, Message, Ticket
from tickets.policy import TicketPolicy
from tickets.state.state import State


class Occasion(Struct, frozen=True):
    """The decision that changes a snapshot, the input it answers, and the policy.

    `earlier` are the messages that the input refers to. `ticket_of` returns the snapshot of a ticket before the
    decision, `is_redacted` if something was blacked out of it.
    """

    decision: Event
    record: Message | Command | None
    policy: TicketPolicy
    ticket_of: Callable[[str], Ticket]
    earlier: Sequence[Message] = ()
    is_redacted: bool = False

    def argument(self, name: str) -> Any:
        """Return the command's argument that is not in the event: text for people stays out of the event log."""
        return self.record.args.get(name) if isinstance(self.record, Command) else None

    def office(self, code: str | None) -> str | None:
        """Return the name of an office (承办单位) by the city's directory."""
        return self.policy.directories.name_of(self.decision.jurisdiction, code)


class Reducer(NamedTuple):
    """Both effects of one kind of change; None if it has no such effect."""

    on_state: Callable[[State, Event, Any], None] | None = None
    on_snapshot: Callable[[Ticket, Any, Occasion], Ticket] | None = None
