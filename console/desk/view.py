"""What the desk shows of the queue. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from console.desk.queue import Answered, Snapshot, Waiting
from console.search.view import Names, pieces
from schemas.enums import CHANNELS, EMERGENCY_CLASSES, EMERGENCY_LEVELS, FALSE_ALARMS

CALLS: Mapping[str, str] = MappingProxyType({"police": "110", "fire": "119", "medical": "120", "traffic": "122"})
"""National numbers (公安 110, 消防 119, 急救 120, 交通事故 122) of the classes that have one of their own."""

MOST_ANSWERED = 20
"""Answered ones that are shown."""


class Card(Struct, frozen=True, kw_only=True):
    """A hand-over that waits; `seconds` since it rang. `channel` and `text` are None if its text is not here."""

    handover_id: str
    level: str
    level_name: str
    classes: str
    calls: str
    since: datetime
    seconds: int
    is_overdue: bool
    channel: str | None
    text: tuple[tuple[str, bool], ...] | None
    location: str | None
    ticket_id: str | None
    beside: int


class Row(Struct, frozen=True, kw_only=True):
    """A hand-over that was answered; `reason` if it was dismissed as a false alarm."""

    at: datetime
    level_name: str
    classes: str
    location: str | None
    seconds: int
    by: str
    reason: str | None


class View(Struct, frozen=True, kw_only=True):
    """The live part of the page."""

    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    is_cut: bool


def view(snapshot: Snapshot, words: Mapping[str, Any], now: datetime, within_seconds: float) -> View:
    """Return what people see who may see this snapshot."""
    names = Names(words)
    return View(
        cards=tuple(_card(one, names, now, within_seconds) for one in snapshot.waiting),
        rows=tuple(_row(one, names) for one in snapshot.answered[:MOST_ANSWERED]),
        is_cut=snapshot.is_cut,
    )


def _card(one: Waiting, names: Names, now: datetime, within_seconds: float) -> Card:
    urgent, whole = one.urgent, one.handover
    seconds = max(0, int((now - urgent.since).total_seconds()))
    classes = whole.classes if whole else ()
    return Card(
        handover_id=urgent.handover_id,
        level=urgent.level,
        level_name=names.of(EMERGENCY_LEVELS, urgent.level),
        classes=_listed(names, classes),
        calls="、".join(CALLS[name] for name in classes if name in CALLS),
        since=urgent.since,
        seconds=seconds,
        is_overdue=seconds > within_seconds,
        channel=names.of(CHANNELS, whole.channel) if whole else None,
        text=tuple(pieces(whole.text, sorted(whole.spans))) if whole else None,
        location=whole.location if whole else None,
        ticket_id=one.ticket_id,
        beside=len(one.beside),
    )


def _row(one: Answered, names: Names) -> Row:
    return Row(
        at=one.at,
        level_name=names.of(EMERGENCY_LEVELS, one.level),
        classes=_listed(names, one.classes),
        location=one.location,
        seconds=max(0, int((one.at - one.since).total_seconds())),
        by=one.by.rpartition("/")[2],
        reason=names.of(FALSE_ALARMS, one.reason_code) if one.reason_code else None,
    )


def _listed(names: Names, classes: Iterable[str]) -> str:
    return "、".join(names.of(EMERGENCY_CLASSES, name) for name in classes)
