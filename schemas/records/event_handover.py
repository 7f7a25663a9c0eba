"""What an event may tell of hand-overs (紧急转接): part of `event.py`."""

from typing import Annotated

from schemas import words
from schemas.records import given
from schemas.records.common import Time


class HandedOver(given.Change, frozen=True, kw_only=True):
    """紧急转接: the ticket's message is on the emergency desk."""

    ticket_id: given.TicketId
    handover_id: given.HandoverId
    classes: Annotated[tuple[str, ...], given.told("What is the matter", "紧急类别", words=words.EMERGENCY_CLASSES)]
    level: Annotated[str, given.told("How bad", "紧急级别", words=words.EMERGENCY_LEVELS)]


class Acknowledged(given.Change, frozen=True, kw_only=True):
    """转接签收: the emergency desk has the hand-over; `taken_at` and `taken_by` if it said so before the ticket."""

    handover_id: given.HandoverId
    ticket_id: given.TicketIdIfKnown = None
    taken_at: Annotated[Time | None, given.told("When, if not with this decision", "签收时间")] = None
    taken_by: Annotated[str | None, given.told("Who, if not by this decision: an account", "签收人")] = None


class HandoverReinstated(given.Change, frozen=True, kw_only=True):
    """恢复转接: a clerk takes a dismissal back; the desk has to take the hand-over, also one that it had taken."""

    ticket_id: given.TicketId
    handover_id: given.HandoverId
    classes: Annotated[tuple[str, ...], given.told("What is the matter", "紧急类别", words=words.EMERGENCY_CLASSES)]
    level: Annotated[str, given.told("How bad", "紧急级别", words=words.EMERGENCY_LEVELS)]


class HandoverDismissed(given.Change, frozen=True, kw_only=True):
    """误报解除: a clerk says that a message told of no danger; nobody waits for the desk to take its hand-over."""

    ticket_id: given.TicketId
    handover_id: given.HandoverId
    reason_code: Annotated[str, given.told("Why", "误报原因", words=words.FALSE_ALARMS)]
    classes: Annotated[
        tuple[str, ...],
        given.told("Of what the ticket's other messages alarm", "其余紧急类别", words=words.EMERGENCY_CLASSES),
    ] = ()
    level: Annotated[
        str | None, given.told("How bad that is; null when of nothing", "其余紧急级别", words=words.EMERGENCY_LEVELS)
    ] = None
