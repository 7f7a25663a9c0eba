"""One command in progress, and the live tickets that it may name."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from schemas.records import Command
from tickets.commands.args import Args
from tickets.commands.refusal import RefusalError
from tickets.decision_input import Earlier
from tickets.model.ticket_state import TicketState
from tickets.sla.deadlines import Limits
from tickets.state.state import State


class Order(Struct, frozen=True, kw_only=True):
    """A command and the state; `at` is its log time, `earlier` as in `Incoming`."""

    state: State
    command: Command
    at: datetime
    limits: Limits
    earlier: Mapping[str, Earlier] = MappingProxyType({})

    def ticket(self, args: Args) -> TicketState:
        """Return the command's ticket. Raises RefusalError if it does not exist for this command."""
        if self.command.ticket_id is None:
            raise RefusalError("arguments", f"{self.command.kind} needs a ticket_id")
        ticket = self.named(self.command.ticket_id)
        self.check_version(ticket, args)
        return ticket

    def check_version(self, ticket: TicketState, args: Args) -> None:
        """Raise RefusalError if the ticket has another version than the command expects."""
        if args.if_version not in (None, ticket.version):
            raise RefusalError("stale", f"the ticket is at version {ticket.version} by now: read it again")

    def named(self, ticket_id: str) -> TicketState:
        """Return a live ticket of the command's city that is not erased. Raises RefusalError."""
        ticket = self.held(ticket_id)
        if ticket.erased:
            raise RefusalError("erased", "the ticket is erased")
        return ticket

    def held(self, ticket_id: str) -> TicketState:
        """Return a live ticket of the command's city, erased or not. Raises RefusalError."""
        self.check_city(ticket_id)
        ticket = self.state.tickets.get(ticket_id)
        if ticket is None and self.state.participants.has_left(ticket_id):
            raise RefusalError("evicted", "the ticket was closed long ago and is only in the archive: open a new one")
        if ticket is None:
            raise RefusalError("unknown_ticket", "there is no such ticket in this city")
        return ticket

    def check_heard(self, ticket: TicketState) -> None:
        """Raise RefusalError if a citizen wrote after the sender of the command had read the ticket."""
        if ticket.heard_at is None:
            return
        if self.at < ticket.heard_at:
            raise RefusalError("stale", "the ticket got a further message after this was ordered: read it, order again")
        if self.command.seen_at is not None and self.command.seen_at < ticket.heard_at:
            raise RefusalError(
                "stale",
                "the ticket got a further message that may be unread: read it, then order again with if_version",
            )

    def check_city(self, ticket_id: str) -> None:
        """Raise RefusalError for a ticket of another city, whether it exists or not."""
        if not ticket_id.startswith(f"{self.command.jurisdiction}-"):
            raise RefusalError("jurisdiction", "the ticket is not of the command's jurisdiction")


# Version of the ticket that a command's sender had read, if the command has none.

LOOKED = timedelta(hours=1)
"""People may have looked at the ticket so long before: a later message of a citizen may be unread."""


def presumed(ordered: datetime, args: Mapping[str, Any]) -> datetime | None:
    """Return the time at which the sender of a command had read the ticket; None if its arguments have a version."""
    return None if args.get("if_version") is not None else ordered - LOOKED
