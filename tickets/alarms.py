"""Of which dangers (紧急情况) a ticket still alarms: those that its messages tell of, and no clerk called false."""

from functools import lru_cache
from typing import NamedTuple

from tickets.codes import EMERGENCY, REMEMBERED
from tickets.held import TicketState

MENTIONED = "mentioned"
"""The level that hurries nobody: past, denied or merely possible."""

_LEVEL = "emergency_level."
_BY_WEIGHT = ("critical", "urgent", MENTIONED)
_UNTOLD = "urgent"


class Alarm(NamedTuple):
    """What is the matter, and how bad it is."""

    classes: tuple[str, ...]
    level: str

    @property
    def endangers(self) -> bool:
        """Say whether the danger goes on."""
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
    """Say whether a danger that a ticket tells of goes on."""
    alarm = standing(ticket, but)
    return alarm is not None and alarm.endangers
