"""What a ticket still knows when one of its messages goes to another ticket: what the others told, or a clerk."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.records.ticket import Proposal
from tickets.codes import by_kind
from tickets.snapshot.fields import place_of
from tickets.state.ticket import TicketState


class Remaining(NamedTuple):
    """Contact details in the texts, hashed, and the matter; of the matter the first message that tells it counts."""

    contacts: tuple[str, ...]
    kind: str | None
    category: str | None
    place: str | None


def without(ticket: TicketState, message_id: str) -> Remaining:
    """Return what a ticket knows without one of its messages."""
    others = [filed for name, filed in ticket.messages.items() if name != message_id]
    told = [by_kind(filed.codes) for filed in others]
    said = ticket.by_clerk
    return Remaining(
        contacts=tuple(dict.fromkeys(contact for filed in others for contact in filed.contacts)),
        kind=ticket.kind if "kind" in said else _first(one.get("request_kind") for one in told),
        category=ticket.category if "category" in said else _first(one.get("category") for one in told),
        place=ticket.place if "place" in said else _first(place_of(filed.codes) for filed in others),
    )


def proposals_without(proposals: Iterable[Proposal], message_id: str) -> tuple[Proposal, ...]:
    """Return the proposals that were not made about this message."""
    return tuple(one for one in proposals if one.proposal_id.partition("-")[0] != message_id)


def _first(values: Iterable[str | None]) -> str | None:
    return next(filter(None, values), None)
