"""Facts that are compared, of a decision and of a ticket's final state: ids, codes and times, no words."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, UnsetType

from schemas.records import Event, Ticket, event
from tickets.records_out import link_of

Facts = dict[str, Any]

_NAMED: dict[type, str] = {
    event.HandedOver: "emergency",
    event.KindSet: "kind",
    event.CategorySet: "category",
    event.PlaceSet: "place",
    event.DeadlineSet: "deadlines",
    event.EdgeAdded: "edges",
    event.EdgeRemoved: "edges",
    event.Proposed: "proposals",
    event.CommandRefused: "refused",
}
"""Names of changes for the reader of a difference; any other has its name of the event log."""

_TOLD_ELSEWHERE = (event.Opened, event.MessageFiled, event.Noted)
"""Relation and ticket say it; a ticket's number counts the day's tickets, so one more shifts all behind it."""

_NAMES = frozenset({"ticket_id", "message_id", "handover_id", "proposal_id"})
"""Fields that name the subject of the fact."""

_VERSIONS = frozenset({"profile_version", "directory_version"})
"""Fields that say which file it was made by: another version that says the same is no difference."""


class Difference(Struct, frozen=True, kw_only=True):
    """A difference between a replay and the record: each field as recorded and as replayed, None if missing."""

    subject: str
    id: str
    position: str | None = None
    fields: dict[str, tuple[Any, Any]]


def of_decision(decision: Event | None) -> Facts:
    """Return the facts of one decision; of none (a repeat, a dead letter) there are none."""
    if decision is None:
        return {}
    link = link_of(decision)
    facts: Facts = {
        "relation": decision.relation,
        "method": decision.method,
        "score": round(decision.score, 6),
        "ticket": link.ticket_id if link else None,
    }
    for name, told in _changes(decision):
        facts.setdefault(name, []).append(told)
    return facts


def of_ticket(ticket: Ticket) -> Facts:
    """Return the facts of a ticket."""
    emergency = ticket.emergency
    return {
        "kind": ticket.request_kind,
        "category": ticket.category.code if ticket.category else None,
        "status": ticket.status,
        "urgency": ticket.urgency,
        "emergency": [*sorted(emergency.classes), emergency.level] if emergency else None,
        "deadlines": _deadlines(ticket),
        "messages": ticket.message_count,
        "cluster": ticket.cluster_id,
        "edges": sorted([edge.kind, edge.ticket_id] for edge in ticket.edges),
        "related": list(ticket.related),
        "confidentiality": ticket.confidentiality,
        "acceptance": None if isinstance(ticket.acceptance, UnsetType) else ticket.acceptance.decision,
        "minor": None if isinstance(ticket.minor_protection, UnsetType) else ticket.minor_protection.topic,
    }


def compared(
    subject: str, identifier: str, recorded: Mapping[str, Any], replayed: Mapping[str, Any], position: str | None = None
) -> Difference | None:
    """Return the differences of two sets of facts, None without any."""
    names = [*recorded, *(name for name in replayed if name not in recorded)]
    fields = {
        name: (recorded.get(name), replayed.get(name)) for name in names if recorded.get(name) != replayed.get(name)
    }
    return Difference(subject=subject, id=identifier, position=position, fields=fields) if fields else None


def _changes(decision: Event) -> Iterator[tuple[str, Any]]:
    for change in decision.changes:
        if isinstance(change, event.Opened) and change.related:
            yield "related", change.related
        if isinstance(change, _TOLD_ELSEWHERE):
            continue
        told = {name: getattr(change, name) for name in change.__struct_fields__ if name not in _NAMES | _VERSIONS}
        yield _NAMED.get(type(change), str(change.__struct_config__.tag)), told


def _deadlines(ticket: Ticket) -> dict[str, str]:
    if isinstance(ticket.deadlines, UnsetType):
        return {}
    return {one.clock: one.due_at.isoformat() for one in ticket.deadlines}
