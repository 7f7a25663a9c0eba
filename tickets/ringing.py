"""A hand-over (紧急转接) that rings again, since a clerk has taken back that it was a false alarm."""

from collections.abc import Sequence

from msgspec.structs import replace

from normalizers.handover import handover
from schemas.records import Event, Handover, Message, Ticket, event


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
