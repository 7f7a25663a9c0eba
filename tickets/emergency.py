"""How urgent a ticket is: the worst danger that its messages tell of, but for what a clerk called false."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from normalizers.handover import handover
from schemas.enums import MENTIONED
from schemas.records import Event, Handover, Message, Ticket, event
from schemas.records.common import Emergency
from tickets.codes import EMERGENCY, REMEMBERED
from tickets.model.ticket_state import TicketState

# Of which dangers (紧急情况) a ticket still alarms: those that its messages tell of, and no clerk called false.

_LEVEL = "emergency_level."
_BY_WEIGHT = ("critical", "urgent", MENTIONED)
_UNTOLD = "urgent"


class Alarm(NamedTuple):
    """What is the matter, and how bad it is."""

    classes: tuple[str, ...]
    level: str

    @property
    def endangers(self) -> bool:
        """Return True if the danger goes on."""
        return self.level != MENTIONED


@lru_cache(REMEMBERED)
def alarm_of(codes: tuple[str, ...]) -> Alarm | None:
    """Return of what the codes of one message alarm; most messages have the codes of an earlier one."""
    classes = tuple(code.removeprefix(EMERGENCY) for code in codes if code.startswith(EMERGENCY))
    level = next((code.removeprefix(_LEVEL) for code in codes if code.startswith(_LEVEL)), _UNTOLD)
    return Alarm(classes, level) if classes else None


def standing(ticket: TicketState, but: str | None = None) -> Alarm | None:
    """Return of what the messages of a ticket alarm together, without those that a clerk called false, and without one.

    The worst of their levels counts, and its classes come first.
    """
    told = [
        alarm
        for name, filed in ticket.messages.items()
        if name != but and name not in ticket.dismissed and (alarm := alarm_of(filed.codes)) is not None
    ]
    told.sort(key=lambda alarm: _BY_WEIGHT.index(alarm.level) if alarm.level in _BY_WEIGHT else 1)
    return Alarm(tuple(dict.fromkeys(one for alarm in told for one in alarm.classes)), told[0].level) if told else None


def endangers(ticket: TicketState, but: str | None = None) -> bool:
    """Return True if a danger in a ticket's messages goes on."""
    alarm = standing(ticket, but)
    return alarm is not None and alarm.endangers


# A hand-over (紧急转接) that rings again, since a clerk has taken back that it was a false alarm.


def again(decision: Event, ticket: Ticket, earlier: Sequence[Message], *, is_redacted: bool) -> list[Handover]:
    """Return the hand-overs that a decision lets ring again; `earlier` has their message while the input has it.

    Of a message that is gone, was one of several parts, or of which something was blacked out since, its ticket tells:
    that has no word which has been taken away.
    """
    return [
        replace(
            _as_it_came(change.handover_id, () if is_redacted else earlier) or _of_ticket(change, ticket),
            classes=change.classes,
            level=change.level,
            stale=False,
            folded_into=None,
            reinstated_at=decision.at,
        )
        for change in decision.changes
        if isinstance(change, event.HandoverReinstated) and change.ticket_id == ticket.ticket_id
    ]


def _as_it_came(handover_id: str, earlier: Sequence[Message]) -> Handover | None:
    found = (one for one in earlier if one.message_id == handover_id and one.part is None and not one.call)
    message = next(found, None)
    return handover(message) if message is not None else None


def _of_ticket(change: event.HandoverReinstated, ticket: Ticket) -> Handover:
    return Handover(
        handover_id=change.handover_id,
        message_id=change.handover_id,
        jurisdiction=ticket.jurisdiction,
        channel=ticket.channel,
        classes=change.classes,
        level=change.level,
        spans=(),
        text="\n".join(filter(None, (ticket.title, ticket.text))),
        sender=next(iter(ticket.requester.identities), None),
        location=ticket.location.text if ticket.location is not None else None,
        at=ticket.received_at,
        taken_at=ticket.ingested_at,
    )


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
    """Return True if none of them alarms anybody; old news of one fire does not make a burning one old."""
    goes_on = [one for one in told if _weight(one)]
    return all(one.stale for one in goes_on or told)
