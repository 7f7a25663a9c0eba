"""What the console asks of others; `hotline run console` hands it in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from console.desk.queue import Snapshot, Waiting
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


class Handovers(Protocol):
    """Hand-overs as somebody follows them in Kafka."""

    @property
    def snapshot(self) -> Snapshot:
        """Return the queue; empty before everything was read once."""
        ...

    @property
    def complete_at(self) -> datetime | None:
        """Return until when everything that Kafka had is in the snapshot; None before everything was read once."""
        ...


class Orders(Protocol):
    """Commands of people at the desk."""

    async def acknowledge(self, waiting: Waiting, person: str, run: str) -> None:
        """Return when the brokers hold the command; `run` names the session. Raises UnreachableError."""
        ...
