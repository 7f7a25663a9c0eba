"""Overdue (超期): what a ticket should have come to by now. A reader's question about stored times; nothing ticks."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec import UNSET

from schemas.enums import STATUSES
from schemas.records import Ticket
from schemas.records.ticket import Deadline, Due
from tickets.lifecycle import CLOSED
from tickets.sla.deadlines import Limits

WAITING: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "accept": frozenset({"received", "screened"}),
        "sign": frozenset({"dispatched", "redispatched"}),
        "resolve": frozenset(STATUSES) - CLOSED,
    }
)
"""By clock, the stages in which it waits for what it runs for. No stage marks a first contact, and nobody has to
give a ticket back (退单)."""


def overdue(ticket: Ticket, limits: Limits, now: datetime) -> Iterator[Deadline]:
    """Yield the deadlines of a ticket that ran out before `now` and wait still; not one whose clock stands (暂停)."""
    return (deadline for deadline in awaited(ticket, limits) if deadline.due_at < now)


def awaited(ticket: Ticket, limits: Limits) -> Iterator[Deadline]:
    """Yield the deadlines of what a ticket waits for in its stage; not one whose clock stands."""
    for deadline in running(ticket):
        stands = limits.pauses(deadline, ticket.status) and ticket.status_at < deadline.due_at
        if not stands and ticket.status in WAITING.get(deadline.clock, ()):
            yield deadline


def due_of(ticket: Ticket, limits: Limits) -> Due | None:
    """Return what a ticket waits for as its snapshot tells it, so that an archive of millions can be asked at once."""
    times = {f"{deadline.clock}_at": deadline.due_at for deadline in awaited(ticket, limits)}
    return Due(**times) if times else None


def running(ticket: Ticket) -> tuple[Deadline, ...]:
    """Return the deadlines of a ticket that is not closed."""
    if ticket.deadlines is UNSET or ticket.status in CLOSED or ticket.erased:
        return ()
    return ticket.deadlines
