"""Hand-overs (紧急转接) that wait for the emergency desk, folded from their topic and from the event log. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from schemas.enums import MENTIONED
from schemas.records import Event, event
from schemas.records.common import Time

WINDOW = timedelta(days=7)
"""Older hand-overs are not searched for at the first look."""

LEVELS = ("critical", "urgent", MENTIONED)
"""Levels of emergencies, the worst first."""

CLOCKS = timedelta(hours=1)
"""Largest expected difference between the brokers' clocks and the connectors'."""

MARKS = (b'"acknowledged"', b'"handover_dismissed"', b'"handover_reinstated"')
"""The tags of the changes that `decide` reads; a million other events are passed over without being parsed."""

Name = tuple[str, str]
"""City and id: an answer of another city's desk under the same id does not count."""


class Urgent(Struct, frozen=True, kw_only=True):
    """The fields of a hand-over that say whether it waits, without its text."""

    handover_id: str
    jurisdiction: str = ""
    level: str
    taken_at: Time
    stale: bool = False
    folded_into: str | None = None
    reinstated_at: Time | None = None

    @property
    def name(self) -> Name:
        """Return its city and id."""
        return self.jurisdiction, self.handover_id

    @property
    def bell(self) -> Name:
        """Return the name of the hand-over that rings for it: the one that it is folded into, else itself."""
        return self.jurisdiction, self.folded_into or self.handover_id

    def rings_for(self, other: "Urgent") -> bool:
        """Return True if a desk that gets this one sees `other` beside it, and that one is no worse."""
        return self.bell == other.bell and weight(self.level) <= weight(other.level)

    @property
    def since(self) -> datetime:
        """Return from when it waits; one that a clerk had dismissed, from when that was taken back."""
        return self.reinstated_at or self.taken_at


class OpenHandovers:
    """Which hand-overs are open; times of the brokers are in milliseconds since 1970."""

    def __init__(self) -> None:
        self._open: dict[Name, Urgent] = {}
        self._answered: dict[Name, int] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._open

    def __len__(self) -> int:
        return len(self._open)

    @property
    def oldest(self) -> datetime | None:
        """Return since when the oldest open one waits."""
        return min((one.since for one in self._open.values()), default=None)

    def waiting(self) -> Iterator[Urgent]:
        """Yield those that ring: a folded one does not while the one that rings for it is open as well."""
        for one in self._open.values():
            bell = self._open.get(one.bell)
            if bell is None or bell is one or not bell.rings_for(one):
                yield one

    def beside(self) -> dict[Name, list[Urgent]]:
        """Return the folded ones that do not ring, by the one that rings for them."""
        found: dict[Name, list[Urgent]] = {}
        for one in self._open.values():
            bell = self._open.get(one.bell)
            if bell is not None and bell is not one and bell.rings_for(one):
                found.setdefault(bell.name, []).append(one)
        return found

    def hand_over(self, urgent: Urgent, timestamp: int) -> None:
        """Take a record of the topic, which Kafka had at `timestamp`. A stale one raises no alarm.

        It counts as taken before Kafka had it: by a clock that is ahead it would be overdue that much later.
        """
        if not urgent.stale and urgent.name not in self._answered:
            taken = min(urgent.taken_at, datetime.fromtimestamp(timestamp / 1000, UTC))
            self._open.setdefault(urgent.name, replace(urgent, taken_at=taken))

    def decide(self, decision: Event, timestamp: int) -> Iterable[Name]:
        """Take an event; return the names that it answered, with those that the desk had beside them."""
        answered: list[Name] = []
        for change in decision.changes:
            if isinstance(change, event.Acknowledged | event.HandoverDismissed):
                name = (decision.jurisdiction, change.handover_id)
                one = self._open.pop(name, None)
                self._answered[name] = timestamp
                answered.append(name)
                if one is not None and isinstance(change, event.Acknowledged):
                    answered += self._saw_beside(one, _at(decision, timestamp), timestamp)
            elif isinstance(change, event.HandoverReinstated):
                again = _again(change, decision)
                self._answered.pop(again.name, None)
                self._open[again.name] = again
        return answered

    def forget(self, before: datetime) -> None:
        """Drop answers so old that `screen` will not repeat their hand-overs."""
        limit = before.timestamp() * 1000
        self._answered = {name: at for name, at in self._answered.items() if at > limit}

    def _saw_beside(self, answered: Urgent, at: datetime, timestamp: int) -> list[Name]:
        """Close the folded ones that the desk had beside the one that it acknowledged, not those that came later."""
        seen = [
            name
            for name, one in self._open.items()
            if one.folded_into is not None and one.since <= at and answered.rings_for(one)
        ]
        for name in seen:
            del self._open[name]
            self._answered[name] = timestamp
        return seen


def weight(level: str) -> int:
    """Return how bad a level is, 0 the worst; a level of a later version counts as the worst."""
    return LEVELS.index(level) if level in LEVELS else 0


def _at(decision: Event, timestamp: int) -> datetime:
    """Return when a desk answered: by its own clock, but not later than Kafka had the answer."""
    return min(decision.at, datetime.fromtimestamp(timestamp / 1000, UTC))


def _again(change: event.HandoverReinstated, decision: Event) -> Urgent:
    """Return the hand-over that waits again: only the log has the order of answers and reversals."""
    return Urgent(
        handover_id=change.handover_id,
        jurisdiction=decision.jurisdiction,
        level=change.level,
        taken_at=decision.at,
        reinstated_at=decision.at,
    )
