"""What the emergency desk sees: hand-overs that wait, worst and oldest first, and those that were answered. Pure.

::

    hotline.handover.v1 ──► hand_over ─┐
                                       ├─► snapshot: waiting, answered, refused
    hotline.event.v1 ────► decide ─────┘

A hand-over goes only when the event log answers it. Texts of answered ones are dropped at once, and memory is bounded:
beyond `MOST_WHOLE` open ones the mildest lose their text, and `is_cut` says so.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from schemas.codec import decode
from schemas.errors import SchemaError
from schemas.records import Event, Handover, event
from tickets.open_handovers import MARKS, WINDOW, Name, OpenHandovers, Urgent, weight

MOST_WHOLE = 2_000
"""Open hand-overs whose text is kept: at 2 KB each a few megabytes."""

MOST_ANSWERED, MOST_REFUSED, MOST_TICKETS = 500, 1_000, 20_000

INTERESTING = (*MARKS, b'"handed_over"', b'"command_refused"')
"""The tags of the changes that the desk reads; other events are passed over without being parsed."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A hand-over that waits. `beside` are others of the same address, which its acknowledgement answers as well."""

    urgent: Urgent
    handover: Handover | None
    """None if its text is not here: its record has not come yet, or the queue is cut."""
    ticket_id: str | None = None
    beside: tuple[Handover, ...] = ()

    @property
    def name(self) -> Name:
        """Return its city and id."""
        return self.urgent.name


class Answered(Struct, frozen=True, kw_only=True):
    """A hand-over that was acknowledged, or dismissed for a reason (误报), without its text."""

    name: Name
    level: str
    classes: tuple[str, ...]
    location: str | None
    since: datetime
    at: datetime
    by: str
    reason_code: str | None = None
    ticket_id: str | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """The queue at a moment: `answered` has the newest first, `refused` the codes of refusals by command."""

    waiting: tuple[Waiting, ...] = ()
    answered: tuple[Answered, ...] = ()
    refused: Mapping[str, str] = {}
    is_cut: bool = False

    def of(self, cities: tuple[str, ...]) -> "Snapshot":
        """Return the part that people of these cities may see."""
        return Snapshot(
            waiting=tuple(one for one in self.waiting if one.urgent.jurisdiction in cities),
            answered=tuple(one for one in self.answered if one.name[0] in cities),
            refused=self.refused,
            is_cut=self.is_cut,
        )

    def find(self, handover_id: str, cities: tuple[str, ...]) -> Waiting | None:
        """Return a hand-over that waits, if people of these cities may see it."""
        found = (one for one in self.waiting if one.urgent.handover_id == handover_id)
        return next((one for one in found if one.urgent.jurisdiction in cities), None)


class Queue:
    """Folds records into a snapshot; not for several threads at once."""

    def __init__(self) -> None:
        self._open = OpenHandovers()
        self._whole: dict[Name, Handover] = {}
        self._tickets: OrderedDict[Name, str] = OrderedDict()
        self._answered: OrderedDict[Name, Answered] = OrderedDict()
        self._refused: OrderedDict[str, str] = OrderedDict()
        self.is_cut = False

    @property
    def oldest(self) -> datetime | None:
        """Return since when the oldest open one waits."""
        return self._open.oldest

    @property
    def needs_reading(self) -> bool:
        """Return whether texts were dropped that there is room for now: the topics have to be read anew."""
        return self.is_cut and len(self._whole) < MOST_WHOLE // 2

    def hand_over(self, value: bytes, timestamp: int) -> None:
        """Take a record of `hotline.handover.v1`; one that cannot be read is a stranger's and no emergency."""
        try:
            urgent, whole = decode(value, Urgent), decode(value, Handover)
        except SchemaError:
            return
        self._open.hand_over(urgent, timestamp)
        is_new = urgent.name in self._open and urgent.name not in self._whole
        if is_new or urgent.reinstated_at is not None:  # the event that reinstates it may be read later
            self._keep(urgent.name, whole)

    def decide(self, value: bytes, timestamp: int) -> None:
        """Take a record of `hotline.event.v1`."""
        if not any(mark in value for mark in INTERESTING):
            return
        decision = decode(value, Event)
        asked = {one.name: one for one in self._open.waiting()} if _answers(decision) else {}
        for name in self._open.decide(decision, timestamp):
            self._close(name, asked.get(name), decision)
        for change in decision.changes:
            if isinstance(change, event.HandedOver | event.HandoverReinstated):
                name = (decision.jurisdiction, change.handover_id)
                self._tickets[name] = change.ticket_id  # it may be read before its hand-over
                _shorten(self._tickets, MOST_TICKETS)
                if isinstance(change, event.HandoverReinstated):
                    self._answered.pop(name, None)
            elif isinstance(change, event.CommandRefused):
                self._refused[change.command_id] = change.code
                _shorten(self._refused, MOST_REFUSED)

    def snapshot(self, now: datetime) -> Snapshot:
        """Return what the desk sees now."""
        self._open.forget(now - WINDOW)
        beside = self._open.beside()
        waiting = sorted(self._open.waiting(), key=lambda one: (weight(one.level), one.since, one.handover_id))
        return Snapshot(
            waiting=tuple(self._waiting(one, beside.get(one.name, [])) for one in waiting),
            answered=tuple(reversed(self._answered.values())),
            refused=dict(self._refused),
            is_cut=self.is_cut,
        )

    def _waiting(self, one: Urgent, beside: list[Urgent]) -> Waiting:
        others = (self._whole.get(other.name) for other in sorted(beside, key=lambda other: other.since))
        return Waiting(
            urgent=one,
            handover=self._whole.get(one.name),
            ticket_id=self._tickets.get(one.name),
            beside=tuple(other for other in others if other is not None),
        )

    def _keep(self, name: Name, whole: Handover) -> None:
        self._whole[name] = whole
        if len(self._whole) > MOST_WHOLE:
            mildest = max(self._whole, key=lambda one: (weight(self._whole[one].level), self._whole[one].taken_at))
            del self._whole[mildest]
            self.is_cut = True

    def _close(self, name: Name, urgent: Urgent | None, decision: Event) -> None:
        whole = self._whole.get(name)
        if whole is not None and (whole.reinstated_at is None or whole.reinstated_at <= decision.at):
            del self._whole[name]  # else it is the text of a later reversal
        ticket_id = self._tickets.pop(name, None)
        if urgent is None:  # it was answered before, or it was beside another one
            return
        dismissed = next((one for one in decision.changes if isinstance(one, event.HandoverDismissed)), None)
        self._answered.pop(name, None)
        self._answered[name] = Answered(
            name=name,
            level=urgent.level,
            classes=whole.classes if whole else (),
            location=whole.location if whole else None,
            since=urgent.since,
            at=decision.at,
            by=decision.author,
            reason_code=dismissed.reason_code if dismissed else None,
            ticket_id=ticket_id,
        )
        _shorten(self._answered, MOST_ANSWERED)


def _answers(decision: Event) -> bool:
    return any(isinstance(change, event.Acknowledged | event.HandoverDismissed) for change in decision.changes)


def _shorten(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
