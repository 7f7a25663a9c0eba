"""Clocks of a ticket: which deadlines a decision starts, starts again, lets go on or chooses anew (domain.md B4)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from schemas.records import event
from schemas.records.ticket import Deadline
from tickets.deadlines import Limits, Matter
from tickets.held import Clock, TicketState
from tickets.state import State

RESTARTED = frozenset({"resolve"})
"""Clocks that start again when a ticket is reopened (重办): it was accepted and signed before."""

_MOVING = frozenset({event.Opened, event.Reopened, event.StatusSet, event.KindSet, event.CategorySet})
"""The changes from which deadlines follow."""


class Opening(NamedTuple):
    """What is known of the message that opens a ticket: its matter, and when it was received."""

    matter: Matter
    at: datetime


def follow(state: State, limits: Limits, changes: event.Changes, at: datetime, opening: Opening) -> event.Changes:
    """Return the deadlines that follow from the other changes of a decision; a clerk's own deadlines stay as they are.

    `at` is the log time of the decision.
    """
    made: dict[tuple[str, str], event.DeadlineSet] = {}
    said = {(one.ticket_id, one.clock) for one in changes if isinstance(one, event.DeadlineSet)}
    for change in changes:
        if type(change) not in _MOVING:
            continue
        for deadline in _after(state, limits, change, changes, at, opening):
            made[deadline.ticket_id, deadline.clock] = deadline
    return tuple(deadline for key, deadline in made.items() if key not in said)


def as_change(
    ticket_id: str, deadline: Deadline, started_at: datetime | None = None, source: str = "rule", extension: int = 0
) -> event.DeadlineSet:
    """Return a deadline as a change; without `started_at` the clock that runs keeps its start."""
    return event.DeadlineSet(
        ticket_id=ticket_id,
        clock=deadline.clock,
        due_at=deadline.due_at,
        policy_id=deadline.policy_id,
        calendar_version=deadline.calendar_version,
        provisional=deadline.provisional,
        started_at=started_at,
        extension=extension,
        source=source,
    )


def as_deadline(name: str, clock: Clock) -> Deadline:
    """Return a running clock as the deadline that the limits reckon with."""
    return Deadline(
        clock=name,
        due_at=clock.due_at,
        policy_id=clock.policy_id,
        calendar_version=clock.calendar_version,
        provisional=clock.provisional,
    )


def _after(
    state: State, limits: Limits, change: event.AnyChange, changes: event.Changes, at: datetime, opening: Opening
) -> Iterator[event.DeadlineSet]:
    if isinstance(change, event.Opened):
        city = change.ticket_id.split("-", 1)[0]
        yield from _started(change.ticket_id, limits.of(city, opening.matter, opening.at), opening.at)
        return
    ticket = state.tickets.get(getattr(change, "ticket_id", None) or "")
    if ticket is None:
        return
    if isinstance(change, event.Reopened) or (isinstance(change, event.StatusSet) and change.status == "reopened"):
        yield from _restarted(ticket, limits, at)
    elif isinstance(change, event.StatusSet):
        yield from _resumed(ticket, limits, change.status, at)
    else:
        yield from _chosen_anew(ticket, limits, changes)


def _started(ticket_id: str, deadlines: Iterable[Deadline], at: datetime) -> Iterator[event.DeadlineSet]:
    return (as_change(ticket_id, deadline, at) for deadline in deadlines)


def _restarted(ticket: TicketState, limits: Limits, at: datetime) -> Iterator[event.DeadlineSet]:
    for name, clock in _by_rule(ticket):
        if name in RESTARTED and limits.knows(clock.policy_id):
            yield as_change(ticket.ticket_id, limits.by(clock.policy_id, at), at)


def _resumed(ticket: TicketState, limits: Limits, following: str, at: datetime) -> Iterator[event.DeadlineSet]:
    for name, clock in _by_rule(ticket):
        deadline = as_deadline(name, clock)
        if limits.pauses(deadline, ticket.status) and not limits.pauses(deadline, following):
            resumed = limits.resumed(deadline, ticket.status_at, at)
            yield as_change(ticket.ticket_id, resumed, extension=clock.extension)


def _chosen_anew(ticket: TicketState, limits: Limits, changes: event.Changes) -> Iterator[event.DeadlineSet]:
    """Choose by the kind and category that a person gave, from the time at which the clocks began."""
    kind, category = ticket.kind, ticket.category
    for change in changes:
        if isinstance(change, event.KindSet) and change.ticket_id == ticket.ticket_id:
            kind = change.kind
        if isinstance(change, event.CategorySet) and change.ticket_id == ticket.ticket_id:
            category = change.code
    started_at = min((clock.started_at for clock in ticket.clocks.values()), default=ticket.opened_at)
    matter = Matter(kind=kind, category=category, emergency=ticket.danger)
    set_by_clerk = {name for name in ticket.clocks if f"deadline.{name}" in ticket.by_clerk}
    for deadline in limits.of(ticket.jurisdiction, matter, started_at):
        there = ticket.clocks.get(deadline.clock)
        if deadline.clock not in set_by_clerk and (there is None or there.policy_id != deadline.policy_id):
            yield as_change(ticket.ticket_id, deadline, started_at)


def _by_rule(ticket: TicketState) -> Iterator[tuple[str, Clock]]:
    return ((name, clock) for name, clock in ticket.clocks.items() if f"deadline.{name}" not in ticket.by_clerk)
