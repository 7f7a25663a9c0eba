"""Hand-overs (紧急转接) without an acknowledgement or a dismissal, by the reader's clock."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from kafka import TopicPartition
from msgspec import Struct
from msgspec.structs import replace

from hotline.monitor.kafka import Kafka, Places
from schemas import topics
from schemas.codec import decode
from schemas.enums import MENTIONED
from schemas.errors import SchemaError
from schemas.records import Event, event
from schemas.records.common import Time

WINDOW = timedelta(days=7)
"""Older hand-overs are not searched for at the first look."""

LEVELS = ("critical", "urgent", MENTIONED)
"""Levels of emergencies, the worst first."""

CLOCKS = timedelta(hours=1)
"""Largest expected difference between the brokers' clocks and the connectors'."""

_MARKS = (b'"acknowledged"', b'"handover_dismissed"', b'"handover_reinstated"')
"""The tags of the changes; a million events are passed over without being parsed."""

SHOWN = 10
"""Hand-overs of a level that are named: those that wait longest."""


class Waiting(Struct, frozen=True, kw_only=True):
    """A hand-over that waits for the desk, by the names with which it is acknowledged."""

    handover_id: str
    jurisdiction: str
    seconds: float


class Unanswered(Struct, frozen=True, kw_only=True):
    """Hand-overs of one level that wait for the desk.

    Left out are stale ones, which raise no alarm, and a folded one while the one that rings for it waits, or if the
    desk acknowledged one of the same address after it came.

    `overdue` wait for longer than the desk may take; `longest` are those that wait longest.
    """

    kind: Literal["handovers"] = "handovers"
    level: str
    unacknowledged: int
    overdue: int = 0
    oldest_seconds: float
    longest: tuple[Waiting, ...] = ()


class _Urgent(Struct, frozen=True, kw_only=True):
    """The measured fields of a hand-over, without its text."""

    handover_id: str
    jurisdiction: str = ""
    level: str
    taken_at: Time
    stale: bool = False
    folded_into: str | None = None
    reinstated_at: Time | None = None

    @property
    def name(self) -> tuple[str, str]:
        """Return its city and id: an answer of another city's desk under the same id does not count."""
        return self.jurisdiction, self.handover_id

    @property
    def alarms(self) -> bool:
        """Return True if it rings at a desk: it is not old."""
        return not self.stale

    @property
    def bell(self) -> tuple[str, str]:
        """Return the name of the hand-over that rings for it: the one that it is folded into, else itself."""
        return self.jurisdiction, self.folded_into or self.handover_id

    def rings_for(self, other: "_Urgent") -> bool:
        """Return True if a desk that gets this one sees `other` beside it, and that one is no worse."""
        return self.bell == other.bell and _weight(self.level) <= _weight(other.level)

    @property
    def since(self) -> datetime:
        """Return from when it waits; one that a clerk had dismissed, from when that was taken back."""
        return self.reinstated_at or self.taken_at


class Handovers:
    """Follows hand-overs and the log of decisions; the desk may take `within_seconds` to acknowledge."""

    def __init__(self, within_seconds: float) -> None:
        self._within_seconds = within_seconds
        self._handed: Places = {}
        self._decided: Places = {}
        self._open: dict[tuple[str, str], _Urgent] = {}
        self._answered: dict[tuple[str, str], int] = {}

    def look(self, kafka: Kafka, now: datetime) -> list[Unanswered]:
        """Return what waits now, by level; raises errors of the pipeline."""
        handed, decided = kafka.places([topics.HANDOVER]), kafka.places([topics.EVENT])
        ends = kafka.ends(decided)
        self._follow_handovers(kafka, handed, now)
        self._follow_decisions(kafka, decided, ends)
        self._forget(now)
        by_level: dict[str, list[_Urgent]] = {level: [] for level in (*LEVELS, "unknown")}
        for one in filter(self._waits, self._open.values()):
            by_level[one.level if one.level in LEVELS else "unknown"].append(one)
        return [self._of_level(level, waiting, now) for level, waiting in by_level.items() if waiting]

    def _waits(self, one: _Urgent) -> bool:
        """Return False for a folded one while the one that rings for it waits as well."""
        bell = self._open.get(one.bell)
        return bell is None or bell is one or not bell.rings_for(one)

    def _follow_handovers(self, kafka: Kafka, places: list[TopicPartition], now: datetime) -> None:
        new = [place for place in places if place not in self._handed]
        self._handed |= kafka.since(new, now - WINDOW)
        for record in kafka.read(self._handed, kafka.ends(places)):
            try:
                urgent = decode(record.value or b"", _Urgent)
            except SchemaError:
                continue  # the record of a stranger is no emergency
            if urgent.alarms and urgent.name not in self._answered:
                self._open.setdefault(urgent.name, _taken_by_then(urgent, record))

    def _follow_decisions(self, kafka: Kafka, places: list[TopicPartition], ends: Places) -> None:
        """Read the log from the oldest hand-over that is open at the first look on; without one, from here on."""
        new = [place for place in places if place not in self._decided]
        oldest = min((one.since for one in self._open.values()), default=None)
        self._decided |= kafka.since(new, oldest - CLOCKS) if oldest else {place: ends[place] for place in new}
        for record in kafka.read(self._decided, kafka.ends(places)):
            if any(mark in (record.value or b"") for mark in _MARKS):
                self._answer(record)

    def _answer(self, record: Any) -> None:
        decision = decode(record.value, Event)
        for change in decision.changes:
            if isinstance(change, event.Acknowledged | event.HandoverDismissed):
                name = (decision.jurisdiction, change.handover_id)
                answered = self._open.pop(name, None)
                self._answered[name] = record.timestamp
                if answered is not None and isinstance(change, event.Acknowledged):
                    self._saw_beside(answered, _at(decision, record), record.timestamp)
            elif isinstance(change, event.HandoverReinstated):
                again = _again(change, decision)
                self._answered.pop(again.name, None)
                self._open[again.name] = again

    def _saw_beside(self, answered: _Urgent, at: datetime, timestamp: int) -> None:
        """Close the folded ones that the desk had beside the one that it acknowledged, not those that came later."""
        for name, one in list(self._open.items()):
            if one.folded_into is not None and one.since <= at and answered.rings_for(one):
                del self._open[name]
                self._answered[name] = timestamp

    def _forget(self, now: datetime) -> None:
        """Drop answers so old that `screen` will not repeat their hand-overs."""
        limit = (now - WINDOW).timestamp() * 1000
        self._answered = {name: at for name, at in self._answered.items() if at > limit}

    def _of_level(self, level: str, waiting: list[_Urgent], now: datetime) -> Unanswered:
        each = sorted((_waiting(one, now) for one in waiting), key=lambda one: -one.seconds)
        return Unanswered(
            level=level,
            unacknowledged=len(each),
            overdue=sum(one.seconds > self._within_seconds for one in each),
            oldest_seconds=each[0].seconds,
            longest=tuple(each[:SHOWN]),
        )


def _taken_by_then(urgent: _Urgent, record: Any) -> _Urgent:
    """Return it as taken before Kafka had it: by a clock that is ahead it would be overdue that much later."""
    return replace(urgent, taken_at=min(urgent.taken_at, datetime.fromtimestamp(record.timestamp / 1000, UTC)))


def _at(decision: Event, record: Any) -> datetime:
    """Return when a desk answered: by its own clock, but not later than Kafka had the answer."""
    return min(decision.at, datetime.fromtimestamp(record.timestamp / 1000, UTC))


def _weight(level: str) -> int:
    """Return how bad a level is, 0 the worst; a level of a later version counts as the worst."""
    return LEVELS.index(level) if level in LEVELS else 0


def _again(change: event.HandoverReinstated, decision: Event) -> _Urgent:
    """Return the hand-overs that wait again: only the log has the order of answers and reversals."""
    return _Urgent(
        handover_id=change.handover_id,
        jurisdiction=decision.jurisdiction,
        level=change.level,
        taken_at=decision.at,
        reinstated_at=decision.at,
    )


def _waiting(one: _Urgent, now: datetime) -> Waiting:
    seconds = max(0.0, (now - one.since).total_seconds())
    return Waiting(handover_id=one.handover_id, jurisdiction=one.jurisdiction, seconds=seconds)
