"""How urgent a ticket is: the worst danger that its messages tell of, but for what a clerk called false."""

from typing import Any

from msgspec.structs import replace

from schemas.records import Ticket
from schemas.records.common import Emergency
from tickets.alarms import Alarm

_LEVELS = {"mentioned": 0, "urgent": 1, "critical": 2}

_URGENCIES = ("normal", "urgent", "critical")


def urgency_of(emergency: Emergency | None) -> str:
    """Return how urgent one message makes its ticket."""
    return emergency.level if emergency and emergency.level in _URGENCIES else "normal"


def alarmed(ticket: Ticket, emergency: Emergency | None) -> dict[str, Any]:
    """Return the fields of the emergency of a ticket of which one more message tells."""
    urgency = max(ticket.urgency, urgency_of(emergency), key=_URGENCIES.index)
    return {"emergency": _worse(ticket.emergency, without_spans(emergency)), "urgency": urgency}


def alarming_again(ticket: Ticket, told: Alarm) -> dict[str, Any]:
    """Return the fields of the emergency of a ticket of which one more message alarms (again)."""
    return alarmed(ticket, Emergency(classes=told.classes, level=told.level))


def alarming(known: Emergency | None, left: Alarm | None) -> dict[str, Any]:
    """Return the fields of an emergency of which only so much is left: what a clerk called false is no more."""
    if known is None or left is None:
        return {"emergency": None, "urgency": "normal"}
    emergency = replace(known, classes=left.classes, level=left.level)
    return {"emergency": emergency, "urgency": urgency_of(emergency)}


def without_spans(emergency: Emergency | None) -> Emergency | None:
    """Leave the spans out: they count in the message and in its hand-over, not in the text of several messages."""
    return replace(emergency, spans=()) if emergency and emergency.spans else emergency


def _worse(one: Emergency | None, other: Emergency | None) -> Emergency | None:
    if one is None or other is None:
        return one or other
    worse = max(one, other, key=_weight)
    classes = tuple(dict.fromkeys((*worse.classes, *one.classes, *other.classes)))
    return replace(worse, classes=classes, stale=_are_stale(one, other))


def _weight(emergency: Emergency) -> int:
    return _LEVELS.get(emergency.level, 1)


def _are_stale(*told: Emergency) -> bool:
    """Say whether nobody is alarmed by any of them; old news of a fire does not make one that burns now old."""
    goes_on = [one for one in told if _weight(one)]
    return all(one.stale for one in goes_on or told)
