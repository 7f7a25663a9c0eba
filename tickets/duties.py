"""What a message obliges the hotline to (domain.md B6, B7, B9): flags, levels and proposals that follow from codes.

All of it is by rule: what a clerk said of a ticket stands, and nothing here takes a protection away again.
"""

from collections.abc import Iterable

from normalizers.findings import confidentiality, minors
from normalizers.findings.acceptance import NOT_ACCEPTED
from normalizers.findings.confidentiality import LEVELS
from normalizers.findings.minors import HARMED, MINOR, TOPIC
from schemas.records import event
from tickets.held import TicketState
from tickets.incoming import Incoming
from tickets.policy import TicketPolicy
from tickets.state import State

IN_DANGER = "emergency.minor_in_danger"

_NOT_YET_JUDGED = ("received", "screened")
"""Stages (办理状态) in which nobody has said yet whether the ticket is taken."""


def follow(state: State, changes: event.Changes, incoming: Incoming, policy: TicketPolicy) -> event.Changes:
    """Return what follows for the ticket in which a decision files its message."""
    filed = next((one for one in changes if isinstance(one, event.MessageFiled)), None)
    if filed is None:
        return ()
    ticket, codes = state.tickets.get(filed.ticket_id), incoming.features.codes
    return (
        *_minor(filed.ticket_id, ticket, codes, policy),
        *_confidential(filed.ticket_id, ticket, codes, policy),
        *_not_accepted(filed.ticket_id, ticket, codes),
    )


def _minor(ticket_id: str, ticket: TicketState | None, codes: tuple[str, ...], policy: TicketPolicy) -> event.Changes:
    """Flag a ticket once; again when a later message tells of harm."""
    role, topic = _value(codes, MINOR), _value(codes, TOPIC)
    harmed = _value(codes, HARMED) is not None or IN_DANGER in codes
    if (role is None and IN_DANGER not in codes) or _said(ticket, "minor"):
        return ()
    known = ticket.codes if ticket else ()
    flagged = _value(known, MINOR) is not None or IN_DANGER in known
    if flagged and not (harmed and _value(known, HARMED) is None and IN_DANGER not in known):
        return ()
    flag = event.MinorFlagged(
        ticket_id=ticket_id,
        role=_value(known, MINOR) or role or "subject",
        topic=_value(known, TOPIC) or topic or minors.rulebook(policy.rules_folder).otherwise,
        mandatory_report=harmed,
    )
    return (flag,)


def _confidential(
    ticket_id: str, ticket: TicketState | None, codes: tuple[str, ...], policy: TicketPolicy
) -> event.Changes:
    if _said(ticket, "confidentiality"):
        return ()
    known = ticket.codes if ticket else ()
    level, reasons = confidentiality.level_of((*known, *codes), policy.rules_folder)
    before = ticket.confidentiality if ticket else "internal"
    if before not in LEVELS or LEVELS.index(level) <= LEVELS.index(before):
        return ()
    return (event.ConfidentialitySet(ticket_id=ticket_id, level=level, reasons=reasons),)


def _not_accepted(ticket_id: str, ticket: TicketState | None, codes: tuple[str, ...]) -> event.Changes:
    """Propose it by the message that opens a ticket; what comes later may be no more than a thank-you."""
    reason = _value(codes, NOT_ACCEPTED)
    if reason is None or (ticket is not None and (ticket.messages or ticket.status not in _NOT_YET_JUDGED)):
        return ()
    return (event.AcceptanceProposed(ticket_id=ticket_id, reason=reason),)


def _value(codes: Iterable[str], kind: str) -> str | None:
    return next((code.split(".", 1)[1] for code in codes if code.startswith(f"{kind}.")), None)


def _said(ticket: TicketState | None, name: str) -> bool:
    return ticket is not None and name in ticket.by_clerk
