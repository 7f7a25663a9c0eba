"""Hand-overs (紧急转接) without an acknowledgement or a dismissal, by the reader's clock."""

from datetime import datetime
from typing import Literal

from kafka import TopicPartition
from msgspec import Struct

from hotline.monitor.kafka import Kafka, Places
from schemas import topics
from schemas.codec import decode
from schemas.errors import SchemaError
from schemas.records import Event
from tickets.open_handovers import CLOCKS, LEVELS, MARKS, WINDOW, OpenHandovers, Urgent

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


class Handovers:
    """Follows hand-overs and the log of decisions; the desk may take `within_seconds` to acknowledge."""

    def __init__(self, within_seconds: float) -> None:
        self._within_seconds = within_seconds
        self._handed: Places = {}
        self._decided: Places = {}
        self._open = OpenHandovers()

    def look(self, kafka: Kafka, now: datetime) -> list[Unanswered]:
        """Return what waits now, by level; raises errors of the pipeline."""
        handed, decided = kafka.places([topics.HANDOVER]), kafka.places([topics.EVENT])
        ends = kafka.ends(decided)
        self._follow_handovers(kafka, handed, now)
        self._follow_decisions(kafka, decided, ends)
        self._open.forget(now - WINDOW)
        by_level: dict[str, list[Urgent]] = {level: [] for level in (*LEVELS, "unknown")}
        for one in self._open.waiting():
            by_level[one.level if one.level in LEVELS else "unknown"].append(one)
        return [self._of_level(level, waiting, now) for level, waiting in by_level.items() if waiting]

    def _follow_handovers(self, kafka: Kafka, places: list[TopicPartition], now: datetime) -> None:
        new = [place for place in places if place not in self._handed]
        self._handed |= kafka.since(new, now - WINDOW)
        for record in kafka.read(self._handed, kafka.ends(places)):
            try:
                urgent = decode(record.value or b"", Urgent)
            except SchemaError:
                continue  # the record of a stranger is no emergency
            self._open.hand_over(urgent, record.timestamp)

    def _follow_decisions(self, kafka: Kafka, places: list[TopicPartition], ends: Places) -> None:
        """Read the log from the oldest hand-over that is open at the first look on; without one, from here on."""
        new = [place for place in places if place not in self._decided]
        oldest = self._open.oldest
        self._decided |= kafka.since(new, oldest - CLOCKS) if oldest else {place: ends[place] for place in new}
        for record in kafka.read(self._decided, kafka.ends(places)):
            if any(mark in (record.value or b"") for mark in MARKS):
                self._open.decide(decode(record.value, Event), record.timestamp)

    def _of_level(self, level: str, waiting: list[Urgent], now: datetime) -> Unanswered:
        each = sorted((_waiting(one, now) for one in waiting), key=lambda one: -one.seconds)
        return Unanswered(
            level=level,
            unacknowledged=len(each),
            overdue=sum(one.seconds > self._within_seconds for one in each),
            oldest_seconds=each[0].seconds,
            longest=tuple(each[:SHOWN]),
        )


def _waiting(one: Urgent, now: datetime) -> Waiting:
    seconds = max(0.0, (now - one.since).total_seconds())
    return Waiting(handover_id=one.handover_id, jurisdiction=one.jurisdiction, seconds=seconds)
