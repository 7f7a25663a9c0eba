"""Opening: the decisions that only open a ticket for a message. What follows from them rests on that message alone."""

from schemas.records import event

_BESIDE = frozenset(
    {
        event.MessageFiled,
        event.PartJoined,
        event.EdgeAdded,
        event.HandedOver,
        event.Acknowledged,
        event.MinorFlagged,
        event.ConfidentialitySet,
        event.AcceptanceProposed,
        event.DispatchProposed,
    }
)
"""What else such a decision may tell."""


def only_opened(changes: event.Changes) -> str | None:
    """Return the ticket that a decision opens for its message; None of one that does anything else."""
    if not changes or type(opened := changes[0]) is not event.Opened or len(changes) < 2:
        return None
    return opened.ticket_id if _BESIDE.issuperset(map(type, changes[1:])) else None
