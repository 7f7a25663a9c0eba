"""Clocks of a ticket: which deadlines a decision starts, starts again, lets go on, hastens or chooses anew."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from schemas.enums import CLOCKS
from schemas.records import event
from schemas.records.ticket import Deadline
from tickets import emergency
from tickets.lifecycle import CLOSED
from tickets.model.ticket_state import Clock, TicketState
from tickets.opening import only_opened
from tickets.sla.deadlines import Limits, Matter

RESTARTED = frozenset({"resolve"})
"""Clocks that start again when a ticket is reopened (重办): it was accepted and signed before."""

OF_AN_OFFICE = frozenset({"sign", "return"})
"""Clocks of the office that has the ticket: they start again with each dispatch (派单, 改派)."""

BY_HAND = "clerk"
"""The calendar of a time that a person set: none."""

_STARTING: Mapping[str, Collection[str]] = MappingProxyType(
    {"reopened": RESTARTED, "dispatched": OF_AN_OFFICE, "redispatched": OF_AN_OFFICE}
)
"""Which clocks start again with a stage."""

_MOVING = frozenset(
    {event.Opened, event.Reopened, event.StatusSet, event.KindSet, event.CategorySet, event.HandoverDismissed,
     event.Moved}
)  # fmt: skip
"""The changes from which deadlines follow."""


class Told(NamedTuple):
    """What the message that a decision files tells: its matter, and when it was received."""

    matter: Matter
    at: datetime


def follow(
    tickets: Mapping[str, TicketState], limits: Limits, changes: event.Changes, at: datetime, told: Told
) -> event.Changes:
    """Return the deadlines that follow from the other changes of a decision; a clerk's own deadlines stay as they are.

    `at` is the log time of the decision.
    """
    if (opened := only_opened(changes)) is not None:
        return tuple(_of_new(opened, limits, told))
    made: dict[tuple[str, str], event.DeadlineSet] = {}
    said = {(one.ticket_id, one.clock) for one in changes if isinstance(one, event.DeadlineSet)}
    for change in changes:
        if type(change) not in _MOVING:
            continue
        for deadline in _after(tickets, limits, change, changes, at, told):
            made[deadline.ticket_id, deadline.clock] = deadline
    for ticket in (*_told_more(tickets, changes), *_alarming_again(tickets, changes)):
        for deadline in _hastened(ticket, limits, told, made):
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
        profile_version=deadline.profile_version,
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
    tickets: Mapping[str, TicketState],
    limits: Limits,
    change: event.AnyChange,
    changes: event.Changes,
    at: datetime,
    told: Told,
) -> Iterator[event.DeadlineSet]:
    if isinstance(change, event.Opened):
        yield from _of_new(change.ticket_id, limits, told)
        return
    if isinstance(change, event.Moved):
        yield from _calmed(tickets[change.from_ticket_id], limits, change.message_id)
        return
    ticket = tickets.get(getattr(change, "ticket_id", None) or "")
    if ticket is None:
        return
    if isinstance(change, event.Reopened):
        yield from _resumed(ticket, limits, at)
        yield from _restarted(ticket, limits, RESTARTED, min(at, max(told.at, ticket.status_at)))
    elif isinstance(change, event.StatusSet):
        yield from _resumed(ticket, limits, at)
        yield from _restarted(ticket, limits, _STARTING.get(change.status, ()), at)
    elif isinstance(change, event.HandoverDismissed):
        yield from _calmed(ticket, limits, change.handover_id)
    else:
        yield from _chosen_anew(ticket, limits, changes)


def starts_again(clock: str, status: str) -> bool:
    """Return True if a clock starts again when a ticket reaches a stage."""
    return clock in _STARTING.get(status, ())


def _of_new(ticket_id: str, limits: Limits, told: Told) -> list[event.DeadlineSet]:
    deadlines = limits.of(ticket_id.split("-", 1)[0], told.matter, told.at)
    return [as_change(ticket_id, deadline, told.at) for deadline in deadlines]


def _restarted(
    ticket: TicketState, limits: Limits, names: Collection[str], at: datetime
) -> Iterator[event.DeadlineSet]:
    """Start clocks again by the limit that they had; by the one for the matter where that is no rule of today.

    A time that a person set stays while it lies ahead. One that has passed tells nobody until when, and no limit at all
    is better than that.
    """
    matter = _matter_of(ticket)
    chosen = {one.clock: one for one in limits.of(ticket.jurisdiction, matter, at)} if names else {}
    for name in sorted(names):
        running = ticket.clocks.get(name)
        is_by_hand = running is not None and _is_by_hand(ticket, name)
        if running is not None and is_by_hand and running.calendar_version == BY_HAND and running.due_at > at:
            continue
        if running is not None and limits.is_good_on(running.policy_id, at):
            again = limits.by(running.policy_id, at)
            yield as_change(ticket.ticket_id, again, at, source="clerk" if is_by_hand else "rule")
        elif name in chosen:
            yield as_change(ticket.ticket_id, chosen[name], at)
        elif running is not None and running.due_at <= at:
            yield replace(as_change(ticket.ticket_id, as_deadline(name, running)), ended=True)


def _resumed(ticket: TicketState, limits: Limits, at: datetime) -> Iterator[event.DeadlineSet]:
    """Let clocks go on that stood in the stage that ends; in one that follows they may stand again, from then on."""
    for name, clock in ticket.clocks.items():
        moved = gone_on(ticket, limits, name, at)
        if moved is not clock:
            deadline = limits.stamped(as_deadline(name, moved))
            yield as_change(ticket.ticket_id, deadline, moved.started_at, extension=moved.extension)


def gone_on(ticket: TicketState, limits: Limits, name: str, at: datetime) -> Clock:
    """Return a clock as it goes on when the stage of its ticket ends: later, if it stood in that stage."""
    clock = ticket.clocks[name]
    deadline = as_deadline(name, clock)
    if _is_by_hand(ticket, name) or not limits.pauses(deadline, ticket.status):
        return clock
    resumed = limits.resumed(deadline, ticket.status_at, at)
    if resumed.due_at <= deadline.due_at:
        return clock
    start = limits.start_of(resumed, deadline, clock.started_at, clock.extension)
    version, provisional = resumed.calendar_version, resumed.provisional
    return Clock(resumed.due_at, clock.policy_id, version, provisional, start, clock.extension)


def _told_more(tickets: Mapping[str, TicketState], changes: event.Changes) -> Iterator[TicketState]:
    """Yield the open tickets that were there before a message came to them."""
    reopened = {one.ticket_id for one in changes if isinstance(one, event.Reopened)}
    for ticket_id in dict.fromkeys(filter(None, map(_filed_in, changes))):
        ticket = tickets.get(ticket_id)
        if ticket is not None and (ticket.status not in CLOSED or ticket_id in reopened):
            yield ticket


def _alarming_again(tickets: Mapping[str, TicketState], changes: event.Changes) -> Iterator[TicketState]:
    """Yield the tickets of a danger that a clerk had called false and does so no more: it hurries them as before."""
    for change in changes:
        if isinstance(change, event.HandoverReinstated) and (ticket := tickets.get(change.ticket_id)) is not None:
            yield ticket


def _filed_in(change: event.AnyChange) -> str | None:
    if isinstance(change, event.Moved):
        return change.to_ticket_id
    return change.ticket_id if isinstance(change, event.MessageFiled) else None


def _hastened(
    ticket: TicketState, limits: Limits, told: Told, made: Mapping[tuple[str, str], event.DeadlineSet]
) -> Iterator[event.DeadlineSet]:
    """Yield what is due earlier by what a later message tells, counted from its receipt: only a person grants time."""
    known = _matter_of(ticket)
    now = Matter(
        channel=known.channel,
        kind=known.kind or told.matter.kind,
        category=known.category or told.matter.category,
        emergency=known.emergency or told.matter.emergency,
    )
    for deadline in limits.of(ticket.jurisdiction, now, told.at) if now != known else ():
        again = made.get((ticket.ticket_id, deadline.clock))
        if again.source == "clerk" if again is not None else _is_by_hand(ticket, deadline.clock):
            continue
        running = ticket.clocks.get(deadline.clock) if again is None or again.ended else again
        if running is None or (running.policy_id != deadline.policy_id and deadline.due_at < running.due_at):
            yield as_change(ticket.ticket_id, deadline, told.at)


def _chosen_anew(ticket: TicketState, limits: Limits, changes: event.Changes) -> Iterator[event.DeadlineSet]:
    """Choose by the kind and category that a person gave, each clock from its own start."""
    kind, category = ticket.kind, ticket.category
    for change in changes:
        if isinstance(change, event.KindSet) and change.ticket_id == ticket.ticket_id:
            kind = change.kind
        if isinstance(change, event.CategorySet) and change.ticket_id == ticket.ticket_id:
            category = change.code
    matter = Matter(channel=ticket.channel, kind=kind, category=category, emergency=ticket.danger)
    chosen = {deadline.clock: (deadline, at) for deadline, at in _from_own_starts(ticket, limits, matter)}
    for name, (deadline, started_at) in chosen.items():
        there = ticket.clocks.get(name)
        stays = there is not None and (
            there.policy_id == deadline.policy_id
            or (ticket.channel is None and limits.goes_before(there.policy_id, deadline.policy_id, matter))
        )
        if not stays and not _is_by_hand(ticket, name):
            yield as_change(ticket.ticket_id, deadline, started_at)
    for name, clock in _by_rule(ticket):
        if name not in chosen and limits.is_of_others(clock.policy_id, matter):
            yield replace(as_change(ticket.ticket_id, as_deadline(name, clock)), ended=True)


def _calmed(ticket: TicketState, limits: Limits, gone: str) -> Iterator[event.DeadlineSet]:
    """Give the time back that a danger took away of which a clerk says that there was none, or that it is another's."""
    if not ticket.danger or emergency.endangers(ticket, but=gone):
        return
    matter = Matter(channel=ticket.channel, kind=ticket.kind, category=ticket.category)
    for name, clock in _by_rule(ticket):
        if not limits.is_for_danger(clock.policy_id):
            continue
        start = _before_it_was_hastened(ticket, name)
        usual = next((one for one in limits.of(ticket.jurisdiction, matter, start) if one.clock == name), None)
        if usual is not None and usual.due_at > clock.due_at:
            yield as_change(ticket.ticket_id, usual, start)


def _before_it_was_hastened(ticket: TicketState, name: str) -> datetime:
    """Return when a clock began before a later message hastened it and started it anew."""
    started_at = ticket.clocks[name].started_at
    if name in OF_AN_OFFICE:
        return started_at
    if ticket.reopened_at is not None:
        return min(started_at, ticket.reopened_at)
    return min(clock.started_at for clock in ticket.clocks.values())


def _matter_of(ticket: TicketState) -> Matter:
    return Matter(channel=ticket.channel, kind=ticket.kind, category=ticket.category, emergency=ticket.danger)


def _from_own_starts(ticket: TicketState, limits: Limits, matter: Matter) -> Iterator[tuple[Deadline, datetime]]:
    """Yield the deadline of each clock that has a limit for a matter, and when that clock began."""
    for at in sorted({start_of(ticket, clock) for clock in CLOCKS}):
        for deadline in limits.of(ticket.jurisdiction, matter, at):
            if start_of(ticket, deadline.clock) == at:
                yield deadline, at


def start_of(ticket: TicketState, clock: str) -> datetime:
    """Return when a clock of a ticket began, or would have begun if it had run."""
    if clock in ticket.clocks:
        return ticket.clocks[clock].started_at
    if clock in RESTARTED and ticket.reopened_at is not None:
        return ticket.reopened_at
    return min((one.started_at for one in ticket.clocks.values()), default=ticket.opened_at)


def start_by_name(ticket: TicketState, clock: str) -> datetime:
    """Return from when a limit counts that a person chooses: what an office owes, from when it got the ticket."""
    if clock in OF_AN_OFFICE and ticket.dispatched_at is not None:
        return ticket.dispatched_at
    return start_of(ticket, clock)


def _by_rule(ticket: TicketState) -> Iterator[tuple[str, Clock]]:
    return ((name, clock) for name, clock in ticket.clocks.items() if not _is_by_hand(ticket, name))


def _is_by_hand(ticket: TicketState, clock: str) -> bool:
    return f"deadline.{clock}" in ticket.by_clerk
