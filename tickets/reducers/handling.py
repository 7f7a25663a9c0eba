"""Handling: effect on state and snapshot of a ticket's stage, class, level, deadlines, office and revisits."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from normalizers.enrich import acceptance, minors
from normalizers.enrich.codes import SURE_REPORT
from schemas.records import Event, Ticket, event
from schemas.records.dispatch import Dispatch, DispatchProposal, DispatchReturn
from schemas.records.ticket import Acceptance, Category, Deadline, MinorProtection, Result, Revisit, Supervision
from tickets.codes import CLERK
from tickets.lifecycle import CLOSED
from tickets.model import limits
from tickets.model.ticket_state import Clock, TicketState, with_more
from tickets.reducers.base import Occasion, Reducer
from tickets.sla import clocks
from tickets.snapshot.build import KIND_GROUPS, not_refused, with_step
from tickets.state.state import State

_TAKEN = frozenset({"registered", "answered", "dispatched", "in_progress"})
"""Stages by which a clerk says that the matter is taken (受理)."""

NO_REASON = "not_given"
"""Reason of a return (退单) that was recorded as a stage only."""


def _reopened(state: State, decision: Event, change: event.Reopened) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is not None:
        ticket.status, ticket.status_at, ticket.closed_at = "reopened", decision.at, None
        ticket.reopened_at, ticket.resolved = decision.at, False


def _status_set(state: State, decision: Event, change: event.StatusSet) -> None:
    ticket = state.tickets.get(change.ticket_id)
    if ticket is None:
        return
    if change.status == "returned":
        _give_back(ticket)
    closed_at = max(decision.at, ticket.status_at, ticket.heard_at or ticket.opened_at)
    ticket.status, ticket.status_at = change.status, decision.at
    ticket.closed_at = closed_at if change.status in CLOSED else None  # an order of long ago lets nothing leave at once
    ticket.resolved = change.status == "resolved" or ticket.resolved
    if change.status == "reopened":
        ticket.reopened_at, ticket.resolved = decision.at, False
    elif change.status in ("dispatched", "redispatched"):
        ticket.dispatched_at = decision.at
    state.note_closed(ticket)


def _show_status(ticket: Ticket, change: event.StatusSet, occasion: Occasion) -> Ticket:
    at = occasion.decision.at
    ticket = replace(
        ticket,
        status=change.status,
        status_at=at,
        closed_at=(ticket.closed_at or at) if change.status in CLOSED else None,  # a revisit closes nothing again
        history=with_step(ticket, change.status, at, occasion.policy),
    )
    if change.status == "not_accepted":
        ticket = replace(ticket, acceptance=_refusal("not_accepted", change.reason_code, occasion))
    elif change.status == "reopened":
        ticket = replace(ticket, acceptance=not_refused(ticket))
    elif change.status in _TAKEN:
        ticket = replace(ticket, acceptance=Acceptance(decision="accepted"))
    elif change.status == "returned" and not any(isinstance(one, event.Returned) for one in occasion.decision.changes):
        ticket = _given_back(ticket, change.reason_code or NO_REASON, None, occasion)
    kind, text = occasion.argument("result_kind"), occasion.argument("result_text")
    return replace(ticket, result=Result(kind=kind, text=text)) if kind or text else ticket


def _refusal(decision: str, reason: str | None, occasion: Occasion) -> Acceptance:
    text = acceptance.text_for(reason, occasion.policy.rules)
    return Acceptance(decision=decision, reason=reason, text=text)


def _show_acceptance(ticket: Ticket, change: event.AcceptanceProposed, occasion: Occasion) -> Ticket:
    return replace(ticket, acceptance=_refusal("proposed", change.reason, occasion))


def _kind_set(ticket: TicketState, decision: Event, change: event.KindSet) -> None:
    ticket.kind = change.kind
    if change.source == CLERK:
        _by_clerk(ticket, "kind", *([SURE_REPORT] if change.kind == "report" else []))


def _show_kind(ticket: Ticket, change: event.KindSet, occasion: Occasion) -> Ticket:
    if ticket.request_kind_source == CLERK and change.source != CLERK:
        return ticket
    return replace(
        ticket,
        request_kind=change.kind,
        request_kind_group=KIND_GROUPS.get(change.kind),
        request_kind_source=change.source,
        request_kind_confidence=change.confidence,
    )


def _category_set(ticket: TicketState, decision: Event, change: event.CategorySet) -> None:
    ticket.category = change.code
    if change.source == CLERK:
        _by_clerk(ticket, "category")


def _show_category(ticket: Ticket, change: event.CategorySet, occasion: Occasion) -> Ticket:
    if ticket.category is not None and ticket.category.source == CLERK and change.source != CLERK:
        return ticket
    category = Category(
        code=change.code,
        scheme=change.scheme,
        version=change.version,
        source=change.source,
        confidence=change.confidence,
    )
    return replace(ticket, category=category)


def _confidentiality_set(ticket: TicketState, decision: Event, change: event.ConfidentialitySet) -> None:
    ticket.confidentiality = change.level
    if change.source == CLERK:
        _by_clerk(ticket, "confidentiality", *(["confidentiality.restricted"] if change.level == "restricted" else []))


def _show_confidentiality(ticket: Ticket, change: event.ConfidentialitySet, occasion: Occasion) -> Ticket:
    return replace(ticket, confidentiality=change.level, confidentiality_reasons=change.reasons)


def _minor_flagged(ticket: TicketState, decision: Event, change: event.MinorFlagged) -> None:
    ticket.minor_flagged = change
    if change.source == CLERK:
        ticket.minor = change.flag
        _by_clerk(ticket, "minor", *([f"minor.{change.role}"] if change.flag else []))


def _show_minor(ticket: Ticket, change: event.MinorFlagged, occasion: Occasion) -> Ticket:
    if not change.flag and not change.mandatory_report:
        return replace(ticket, minor_protection=MinorProtection(flag=False))
    known = minors.protection(change.topic, occasion.policy.rules)
    protection = MinorProtection(
        flag=change.flag,
        role=change.role,
        topic=change.topic,
        mandatory_report=change.mandatory_report,
        referral_body=known.referral if known else None,
        basis=known.basis if known else None,
    )
    return replace(ticket, minor_protection=protection)


def _deadline_set(ticket: TicketState, decision: Event, change: event.DeadlineSet) -> None:
    if change.ended:
        ticket.clocks.pop(change.clock, None)
    else:
        former = ticket.clocks.get(change.clock)
        started_at = change.started_at or (former.started_at if former else ticket.opened_at)
        ticket.clocks[change.clock] = Clock(
            change.due_at, change.policy_id, change.calendar_version, change.provisional, started_at, change.extension
        )
    name = f"deadline.{change.clock}"
    if change.source == CLERK:
        if not change.extension:  # more time leaves the limit the rule's
            _by_clerk(ticket, name)
    elif _begins_or_ends(change):
        ticket.by_clerk = tuple(one for one in ticket.by_clerk if one != name)


def _begins_or_ends(change: event.DeadlineSet) -> bool:
    """Return True if a clock restarts or ends, as a person's time does after it has passed."""
    return change.started_at is not None or change.ended


def _show_deadline(ticket: Ticket, change: event.DeadlineSet, occasion: Occasion) -> Ticket:
    there = _known(ticket.deadlines, ())
    former = next((one for one in there if one.clock == change.clock), None)
    others = tuple(one for one in there if one.clock != change.clock)
    if change.ended:
        return replace(ticket, deadlines=others)
    deadline = Deadline(
        clock=change.clock,
        due_at=change.due_at,
        policy_id=change.policy_id,
        calendar_version=change.calendar_version,
        provisional=change.provisional,
        extended_from=_extended_from(former, change, ticket.status),
        profile_version=change.profile_version,
    )
    return replace(ticket, deadlines=(*others, deadline))


def _extended_from(former: Deadline | None, change: event.DeadlineSet, status: str) -> datetime | None:
    """Return the earlier end of the same clock; a restarted clock is another, one that only stood is not."""
    if former is None:
        return None
    if change.started_at is not None and (
        clocks.starts_again(change.clock, status) or change.policy_id != former.policy_id
    ):
        return None
    return former.extended_from if former.due_at == change.due_at else former.due_at


def _place_set(ticket: TicketState, decision: Event, change: event.PlaceSet) -> None:
    ticket.place = change.adcode
    if change.source == CLERK:
        _by_clerk(ticket, "place")


def _dispatched(ticket: TicketState, decision: Event, change: event.Dispatched) -> None:
    ticket.organizer = change.organizer
    ticket.first_organizer = ticket.first_organizer or change.organizer
    if decision.relation == "command":
        _by_clerk(ticket, "dispatch")


def _show_dispatch(ticket: Ticket, change: event.Dispatched, occasion: Occasion) -> Ticket:
    dispatch = replace(
        _known(ticket.dispatch, Dispatch()),
        organizer_code=change.organizer,
        organizer_name=occasion.argument("organizer_name") or occasion.office(change.organizer),
        co_organizers=change.co_organizers,
        dispatched_at=occasion.decision.at,
        dispatched_by=occasion.decision.author,
        rule_id=change.rule_id,
    )
    return replace(ticket, dispatch=dispatch)


def _dispatch_proposed(ticket: TicketState, decision: Event, change: event.DispatchProposed) -> None:
    ticket.proposed_dispatch = change


def _show_dispatch_proposal(ticket: Ticket, change: event.DispatchProposed, occasion: Occasion) -> Ticket:
    proposal = DispatchProposal(
        organizer_code=change.organizer,
        organizer_name=occasion.office(change.organizer),
        co_organizers=change.co_organizers,
        rule_id=change.rule_id,
        reason_code=change.reason_code,
        excluded=change.excluded,
        directory_version=change.directory_version,
    )
    return replace(ticket, dispatch_proposal=proposal)


def _returned(ticket: TicketState, decision: Event, change: event.Returned) -> None:
    _give_back(ticket)


def _give_back(ticket: TicketState) -> None:
    """Record that the organizer of a ticket returned it (退单)."""
    if ticket.organizer is not None:
        ticket.returned_by.append(ticket.organizer)
        ticket.organizer = None


def _show_return(ticket: Ticket, change: event.Returned, occasion: Occasion) -> Ticket:
    return _given_back(ticket, change.reason_code, change.organizer, occasion)


def _given_back(ticket: Ticket, reason: str, organizer: str | None, occasion: Occasion) -> Ticket:
    """Return the ticket without an organizer; the returning office is listed in the returns only."""
    dispatch = _known(ticket.dispatch, Dispatch())
    by = organizer or dispatch.organizer_code
    returned = DispatchReturn(reason_code=reason, at=occasion.decision.at, organizer_code=by)
    returns = limits.ends((*dispatch.returns, returned), occasion.policy.max_history)
    return replace(ticket, dispatch=Dispatch(returns=returns))


def _show_supervision(ticket: Ticket, change: event.Supervised, occasion: Occasion) -> Ticket:
    one = Supervision(level=change.level, number=change.number, at=occasion.decision.at)
    return replace(ticket, supervision=limits.ends((*ticket.supervision, one), occasion.policy.max_history))


def _show_revisit(ticket: Ticket, change: event.Revisited, occasion: Occasion) -> Ticket:
    one = Revisit(
        at=occasion.decision.at, contacted=change.contacted, resolved=change.resolved, satisfied=change.satisfied
    )
    asked = sorted((*ticket.revisits, one), key=lambda revisit: revisit.at)  # whatever order they come in
    return replace(ticket, revisits=limits.ends(asked, occasion.policy.max_history))


def _by_clerk(ticket: TicketState, name: str, *codes: str) -> None:
    """Record a person's statement about a ticket, and its codes."""
    ticket.by_clerk = with_more(ticket.by_clerk, (name,))
    ticket.codes = with_more(ticket.codes, codes)


def _known(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value


def _of_a_ticket(step: Callable[[TicketState, Event, Any], None]) -> Callable[[State, Event, Any], None]:
    """Return a step without effect if no state holds the ticket any more."""

    def alter(state: State, decision: Event, change: Any) -> None:
        ticket = state.tickets.get(change.ticket_id)
        if ticket is not None:
            step(ticket, decision, change)

    return alter


REDUCERS: dict[type, Reducer] = {
    event.StatusSet: Reducer(_status_set, _show_status),
    event.Reopened: Reducer(_reopened),  # shown with the message that reopens it (`tickets/snapshot/build.py`)
    event.KindSet: Reducer(_of_a_ticket(_kind_set), _show_kind),
    event.CategorySet: Reducer(_of_a_ticket(_category_set), _show_category),
    event.AcceptanceProposed: Reducer(None, _show_acceptance),
    event.ConfidentialitySet: Reducer(_of_a_ticket(_confidentiality_set), _show_confidentiality),
    event.MinorFlagged: Reducer(_of_a_ticket(_minor_flagged), _show_minor),
    event.PlaceSet: Reducer(_of_a_ticket(_place_set)),
    event.DeadlineSet: Reducer(_of_a_ticket(_deadline_set), _show_deadline),
    event.Dispatched: Reducer(_of_a_ticket(_dispatched), _show_dispatch),
    event.DispatchProposed: Reducer(_of_a_ticket(_dispatch_proposed), _show_dispatch_proposal),
    event.Returned: Reducer(_of_a_ticket(_returned), _show_return),
    event.Supervised: Reducer(None, _show_supervision),
    event.Revisited: Reducer(None, _show_revisit),
}
