"""What a message obliges the hotline to: flags, levels and proposals that follow from codes.

All of it is by rule: what a clerk said of a ticket stands. A protection goes only with the message that caused it,
when a clerk moves that one to another ticket, which is protected then. What is blacked out was said all the same.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from normalizers.enrich import confidentiality, minors
from normalizers.enrich.acceptance import NOT_ACCEPTED
from normalizers.enrich.codes import SURE_REPORT
from normalizers.enrich.confidentiality import LEVELS
from normalizers.enrich.minors import HARMED, MINOR, TOPIC
from normalizers.rules import Rules, memoized
from schemas.records import event
from tickets.codes import REMEMBERED
from tickets.decision_input import Incoming
from tickets.model.ticket_state import TicketState
from tickets.policy import TicketPolicy
from tickets.sla.deadlines import endangers
from tickets.state.state import State

IN_DANGER = "emergency.minor_in_danger"

_Followed = event.MinorFlagged | event.ConfidentialitySet | event.AcceptanceProposed

_NOT_YET_JUDGED = ("received", "screened")
"""Stages (办理状态) in which nobody has said yet whether the ticket is taken."""


def follow(state: State, changes: event.Changes, incoming: Incoming, policy: TicketPolicy) -> event.Changes:
    """Return what follows for the ticket in which a decision files its message."""
    filed = next((one for one in changes if isinstance(one, event.MessageFiled)), None)
    return _came(state, filed.ticket_id, incoming.features.codes, policy) if filed is not None else ()


def after_move(state: State, changes: event.Changes, codes: tuple[str, ...], policy: TicketPolicy) -> event.Changes:
    """Return what follows for both tickets when a command moves a message; `codes` are the message's."""
    moved = next((one for one in changes if isinstance(one, event.Moved)), None)
    if moved is None:
        return ()
    former = state.tickets[moved.from_ticket_id]
    left = former.codes_without(moved.message_id)
    return (
        *_came(state, moved.to_ticket_id, codes, policy),
        *_no_minor_left(former, left, policy),
        *_less_confidential(former, left, policy),
    )


def after_word(state: State, changes: event.Changes, policy: TicketPolicy) -> event.Changes:
    """Return the level that follows when a clerk says what kind a ticket is or that a minor is concerned."""
    said: dict[str, tuple[str, ...]] = {}
    for change in changes:
        if isinstance(change, event.KindSet | event.MinorFlagged) and change.source == "clerk":
            said[change.ticket_id] = (*said.get(change.ticket_id, ()), *_codes_of(change))
    by_hand = {change.ticket_id for change in changes if isinstance(change, event.ConfidentialitySet)}
    return tuple(
        raised
        for ticket_id, codes in said.items()
        if ticket_id not in by_hand
        for raised in _confidential(ticket_id, state.tickets.get(ticket_id), codes, policy.rules)
    )


def _codes_of(change: event.KindSet | event.MinorFlagged) -> tuple[str, ...]:
    """Return the codes that a clerk's word stands for, as a message would have them that says so."""
    if isinstance(change, event.MinorFlagged):
        return (f"{MINOR}.{change.role}",) if change.flag else ()
    sure = (SURE_REPORT,) if change.kind == "report" else ()
    return (f"request_kind.{change.kind}", *sure)


def _came(state: State, ticket_id: str, codes: tuple[str, ...], policy: TicketPolicy) -> event.Changes:
    ticket = state.tickets.get(ticket_id)
    if ticket is None:
        return tuple([replace(one, ticket_id=ticket_id) for one in _of_new(codes, policy.rules)])
    return (
        *_minor(ticket_id, ticket, codes, policy.rules),
        *_confidential(ticket_id, ticket, codes, policy.rules),
        *_not_accepted(ticket_id, ticket, codes),
    )


@memoized(REMEMBERED)
def _of_new(codes: tuple[str, ...], rules: Rules) -> tuple[_Followed, ...]:
    """Return what follows for a new ticket, without its name: by the codes of its message alone."""
    return (
        *_minor("", None, codes, rules),
        *_confidential("", None, codes, rules),
        *_not_accepted("", None, codes),
    )


def _minor(
    ticket_id: str, ticket: TicketState | None, codes: tuple[str, ...], rules: Rules
) -> tuple[event.MinorFlagged, ...]:
    """Flag a ticket once; flag it again if a later message reports harm."""
    if not _concerns_minor(codes):
        return ()
    if ticket is not None and _said(ticket, "minor"):
        return _harm_beside(ticket, codes, rules)
    known = ticket.codes if ticket else ()
    if _concerns_minor(known) and (_harmed(known) or not _harmed(codes)):
        return ()
    flag = _flag(ticket_id, (*known, *codes), rules)
    return (replace(flag, mandatory_report=_harmed(codes)),)


def _harm_beside(ticket: TicketState, codes: tuple[str, ...], rules: Rules) -> tuple[event.MinorFlagged, ...]:
    """Leave the flag as a clerk set it; harm that is told after that is reported all the same."""
    if not _harmed(codes):
        return ()
    return (replace(_flag(ticket.ticket_id, codes, rules), flag=ticket.minor is not False),)


def _no_minor_left(ticket: TicketState, left: tuple[str, ...], policy: TicketPolicy) -> event.Changes:
    """Take the flag back that only a message gave which leaves, or say what the others tell of the minor."""
    if not _concerns_minor(ticket.codes) or _said(ticket, "minor"):
        return ()
    before, now = (_flag(ticket.ticket_id, codes, policy.rules) for codes in (ticket.codes, left))
    return (now,) if now != before else ()


def told_of_minor(ticket: TicketState, policy: TicketPolicy) -> event.MinorFlagged:
    """Return what was told last of a minor in a ticket, by messages or a clerk."""
    return ticket.minor_flagged or _flag(ticket.ticket_id, ticket.codes, policy.rules)


def _flag(ticket_id: str, codes: tuple[str, ...], rules: Rules) -> event.MinorFlagged:
    """Return what codes tell of a minor; the first that say so count."""
    return event.MinorFlagged(
        ticket_id=ticket_id,
        role=_value(codes, MINOR) or "subject",
        topic=_value(codes, TOPIC) or minors.rulebook(rules).otherwise,
        flag=_concerns_minor(codes),
        mandatory_report=_harmed(codes),
    )


def _concerns_minor(codes: tuple[str, ...]) -> bool:
    return _value(codes, MINOR) is not None or IN_DANGER in codes


def _harmed(codes: tuple[str, ...]) -> bool:
    return _value(codes, HARMED) is not None or IN_DANGER in codes


def _confidential(
    ticket_id: str, ticket: TicketState | None, codes: tuple[str, ...], rules: Rules
) -> tuple[event.ConfidentialitySet, ...]:
    """Raise the level, or say why else it is as high: who asks not to be named must not be overlooked."""
    if _said(ticket, "confidentiality"):
        return ()
    known = ticket.codes if ticket else ()
    level, reasons = confidentiality.level_of((*known, *codes), rules)
    before = ticket.confidentiality if ticket else "internal"
    if before not in LEVELS or LEVELS.index(level) < LEVELS.index(before):
        return ()
    if level == before and set(reasons) <= {*confidentiality.level_of(known, rules)[1]}:
        return ()
    return (event.ConfidentialitySet(ticket_id=ticket_id, level=level, reasons=reasons),)


def _less_confidential(ticket: TicketState, left: tuple[str, ...], policy: TicketPolicy) -> event.Changes:
    """Lower the level to what the messages that stay give, if it was the one that leaves that raised it."""
    before, now = (confidentiality.level_of(codes, policy.rules) for codes in (ticket.codes, left))
    if _said(ticket, "confidentiality") or now == before or ticket.confidentiality != before[0]:
        return ()
    return (event.ConfidentialitySet(ticket_id=ticket.ticket_id, level=now[0], reasons=now[1]),)


def _not_accepted(
    ticket_id: str, ticket: TicketState | None, codes: tuple[str, ...]
) -> tuple[event.AcceptanceProposed, ...]:
    """Propose it by the message that opens a ticket; what comes later may be no more than a thank-you.

    Of a danger that goes on it is not proposed, though it is 110's: that is handed over, and no matter to be refused.
    """
    reason = _value(codes, NOT_ACCEPTED)
    if (
        reason is None
        or endangers(codes)
        or (ticket is not None and (ticket.messages or ticket.status not in _NOT_YET_JUDGED))
    ):
        return ()
    return (event.AcceptanceProposed(ticket_id=ticket_id, reason=reason),)


def _value(codes: Iterable[str], kind: str) -> str | None:
    return next((code.split(".", 1)[1] for code in codes if code.startswith(f"{kind}.")), None)


def _said(ticket: TicketState | None, name: str) -> bool:
    return ticket is not None and name in ticket.by_clerk
