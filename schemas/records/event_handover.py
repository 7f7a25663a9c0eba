"""What an event may tell of hand-overs (紧急转接): part of `event.py`."""

from typing import Annotated

from schemas import enums
from schemas.records import event_base as base
from schemas.records.common import Time


class HandedOver(base.Change, frozen=True, kw_only=True):
    """紧急转接: the ticket's message is on the emergency desk."""

    ticket_id: base.TicketId
    handover_id: base.HandoverId
    classes: Annotated[tuple[str, ...], base.told("What is the matter", "紧急类别", words=enums.EMERGENCY_CLASSES)]
    level: Annotated[str, base.told("How bad", "紧急级别", words=enums.EMERGENCY_LEVELS)]


class Acknowledged(base.Change, frozen=True, kw_only=True):
    """转接签收: the emergency desk has the hand-over; `taken_at` and `taken_by` if it said so before the ticket."""

    handover_id: base.HandoverId
    ticket_id: base.TicketIdIfKnown = None
    taken_at: Annotated[Time | None, base.told("When, if not with this decision", "签收时间")] = None
    taken_by: Annotated[str | None, base.told("Who, if not by this decision: an account", "签收人")] = None


class HandoverReinstated(base.Change, frozen=True, kw_only=True):
    """恢复转接: a clerk takes a dismissal back; the desk has to take the hand-over, also one that it had taken."""

    ticket_id: base.TicketId
    handover_id: base.HandoverId
    classes: Annotated[tuple[str, ...], base.told("What is the matter", "紧急类别", words=enums.EMERGENCY_CLASSES)]
    level: Annotated[str, base.told("How bad", "紧急级别", words=enums.EMERGENCY_LEVELS)]


class HandoverDismissed(base.Change, frozen=True, kw_only=True):
    """误报解除: a clerk says that a message told of no danger; nobody waits for the desk to take its hand-over."""

    ticket_id: base.TicketId
    handover_id: base.HandoverId
    reason_code: Annotated[str, base.told("Why", "误报原因", words=enums.FALSE_ALARMS)]
    classes: Annotated[
        tuple[str, ...],
        base.told("Of what the ticket's other messages alarm", "其余紧急类别", words=enums.EMERGENCY_CLASSES),
    ] = ()
    level: Annotated[
        str | None, base.told("How bad that is; null when of nothing", "其余紧急级别", words=enums.EMERGENCY_LEVELS)
    ] = None
