"""What the console asks of others; `hotline run console` hands it in."""

from collections.abc import Sequence
from typing import Protocol

from console.trail import Act
from schemas.records import Link, Ticket
from tickets.search import Answer, Query


class Search(Protocol):
    """Searches of the masked archive. Raises UnreachableError if it does not answer."""

    async def search(self, query: Query) -> Answer:
        """Return what a search finds."""
        ...


class Tickets(Protocol):
    """Single masked tickets of the archive. Raises UnreachableError if it does not answer."""

    async def ticket(self, name: str) -> Ticket | None:
        """Return the ticket of an id or an official number (工单编号)."""
        ...

    async def links(self, ticket_id: str) -> Sequence[Link]:
        """Return why each message was filed in a ticket, oldest first."""
        ...


class Trail(Protocol):
    """The audit log."""

    async def record(self, act: Act) -> None:
        """Return when the act is recorded. Raises UnrecordedError; the act is not carried out then."""
        ...
