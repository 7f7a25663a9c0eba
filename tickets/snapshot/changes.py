"""Changes of a decision in a ticket's snapshot, beside the messages that it files (`tickets/snapshot/build.py`)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from normalizers.enrich import acceptance, minors
from schemas.records import Command, Event, Ticket, event
from schemas.records.dispatch import Dispatch, DispatchProposal, DispatchReturn
from schemas.records.ticket import (
    Acceptance,
    Category,
    Deadline,
    HandoverState,
    MinorProtection,
    Result,
    Revisit,
    Supervision,
)
from tickets import emergency
from tickets.codes import INCOMPLETE
from tickets.emergency import Alarm
from tickets.erasure import blackout
from tickets.lifecycle import CLOSED
from tickets.model import limits
from tickets.policy import TicketPolicy
from tickets.sla import clocks
from tickets.snapshot.build import KIND_GROUPS, not_refused, with_step

# What decisions about hand-overs (紧急转接) make of a ticket's snapshot: part of `tickets/snapshot/changes.py`.


def _handed_over(ticket: Ticket, change: event.HandedOver, occasion: "Occasion") -> Ticket:
    return _with(ticket, HandoverState(handover_id=change.handover_id), occasion)


def _acknowledged(ticket: Ticket, change: event.Acknowledged, occasion: "Occasion") -> Ticket:
    answered = replace(
        _alarming_known(ticket, change.handover_id),
        acknowledged_at=change.taken_at or occasion.decision.at,
        acknowledged_by=change.taken_by or occasion.decision.author,
    )
    return _with(ticket, answered, occasion)


def _dismissed(ticket: Ticket, change: event.HandoverDismissed, occasion: "Occasion") -> Ticket:
    """Return the ticket as its other messages alarm; of them it keeps how sure the worst of all was."""
    dismissed = replace(
        _alarming_known(ticket, change.handover_id),
        dismissed_at=occasion.decision.at,
        dismissed_by=occasion.decision.author,
        dismissed_reason=change.reason_code,
        reinstated_at=None,
        reinstated_by=None,
    )
    left = Alarm(change.classes, change.level) if change.level is not None else None
    return replace(_with(ticket, dismissed, occasion), **emergency.alarming(ticket.emergency, left))


def _reinstated(ticket: Ticket, change: event.HandoverReinstated, occasion: "Occasion") -> Ticket:
    """Return the ticket as it alarms again; what the desk had said before counts no more, as it is to come again."""
    again = HandoverState(
        handover_id=change.handover_id,
        reinstated_at=occasion.decision.at,
        reinstated_by=occasion.decision.author,
    )
    told = Alarm(change.classes, change.level)
    return replace(_with(ticket, again, occasion), **emergency.alarming_again(ticket, told))


def _alarming_known(ticket: Ticket, handover_id: str) -> HandoverState:
    known = (one for one in ticket.handovers if one.handover_id == handover_id)
    return next(known, HandoverState(handover_id=handover_id))


def _with(ticket: Ticket, state: HandoverState, occasion: "Occasion") -> Ticket:
    others = (one for one in ticket.handovers if one.handover_id != state.handover_id)
    return replace(ticket, handovers=limits.ends((*others, state), occasion.policy.max_history))


STEPS: dict[type, Callable[[Ticket, Any, Any], Ticket]] = {
    event.HandedOver: _handed_over,
    event.Acknowledged: _acknowledged,
    event.HandoverDismissed: _dismissed,
    event.HandoverReinstated: _reinstated,
}
"""By the kind of change, as in `tickets/snapshot/changes.py`."""


CLERK = "clerk"

_TAKEN = frozenset({"registered", "answered", "dispatched", "in_progress"})
"""Stages by which a clerk says that the matter is taken (受理)."""

NO_REASON = "not_given"
"""Of a return (退单) that was told as a stage alone."""


class Occasion(Struct, frozen=True):
    """The decision that changes a snapshot, the command it answers if there is one, and the policy."""

    decision: Event
    command: Command | None
    policy: TicketPolicy

    def argument(self, name: str) -> Any:
        """Return what the command says beside the event: text for people, which stays out of the event log."""
        return self.command.args.get(name) if self.command else None

    def office(self, code: str | None) -> str | None:
        """Return the name of an office (承办单位) by the city's directory."""
        return self.policy.directories.name_of(self.decision.jurisdiction, code)


def amend(ticket: Ticket, change: event.AnyChange, occasion: Occasion) -> Ticket:
    """Return the ticket after one change; most changes leave its snapshot alone."""
    step = _STEPS.get(type(change))
    return ticket if step is None else step(ticket, change, occasion)


def _status_set(ticket: Ticket, change: event.StatusSet, occasion: Occasion) -> Ticket:
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
    text = acceptance.text_for(reason, occasion.policy.rules_folder)
    return Acceptance(decision=decision, reason=reason, text=text)


def _acceptance_proposed(ticket: Ticket, change: event.AcceptanceProposed, occasion: Occasion) -> Ticket:
    return replace(ticket, acceptance=_refusal("proposed", change.reason, occasion))


def _minor_flagged(ticket: Ticket, change: event.MinorFlagged, occasion: Occasion) -> Ticket:
    if not change.flag and not change.mandatory_report:
        return replace(ticket, minor_protection=MinorProtection(flag=False))
    known = minors.protection(change.topic, occasion.policy.rules_folder)
    protection = MinorProtection(
        flag=change.flag,
        role=change.role,
        topic=change.topic,
        mandatory_report=change.mandatory_report,
        referral_body=known.referral if known else None,
        basis=known.basis if known else None,
    )
    return replace(ticket, minor_protection=protection)


def _confidentiality_set(ticket: Ticket, change: event.ConfidentialitySet, occasion: Occasion) -> Ticket:
    return replace(ticket, confidentiality=change.level, confidentiality_reasons=change.reasons)


def _part_joined(ticket: Ticket, change: event.PartJoined, occasion: Occasion) -> Ticket:
    others = tuple(label for label in ticket.labels if label != INCOMPLETE)
    return replace(ticket, labels=others if change.complete else (*others, INCOMPLETE))


def _kind_set(ticket: Ticket, change: event.KindSet, occasion: Occasion) -> Ticket:
    if ticket.request_kind_source == CLERK and change.source != CLERK:
        return ticket
    return replace(
        ticket,
        request_kind=change.kind,
        request_kind_group=KIND_GROUPS.get(change.kind),
        request_kind_source=change.source,
        request_kind_confidence=change.confidence,
    )


def _category_set(ticket: Ticket, change: event.CategorySet, occasion: Occasion) -> Ticket:
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


def _deadline_set(ticket: Ticket, change: event.DeadlineSet, occasion: Occasion) -> Ticket:
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
    """Return until when the same clock ran before; one that starts again is another, one that only stood is not."""
    if former is None:
        return None
    if change.started_at is not None and (
        clocks.starts_again(change.clock, status) or change.policy_id != former.policy_id
    ):
        return None
    return former.extended_from if former.due_at == change.due_at else former.due_at


def _dispatched(ticket: Ticket, change: event.Dispatched, occasion: Occasion) -> Ticket:
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


def _dispatch_proposed(ticket: Ticket, change: event.DispatchProposed, occasion: Occasion) -> Ticket:
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


def _returned(ticket: Ticket, change: event.Returned, occasion: Occasion) -> Ticket:
    return _given_back(ticket, change.reason_code, change.organizer, occasion)


def _given_back(ticket: Ticket, reason: str, organizer: str | None, occasion: Occasion) -> Ticket:
    """Return the ticket that nobody has: who gave it back stands among the returns alone."""
    dispatch = _known(ticket.dispatch, Dispatch())
    by = organizer or dispatch.organizer_code
    returned = DispatchReturn(reason_code=reason, at=occasion.decision.at, organizer_code=by)
    returns = limits.ends((*dispatch.returns, returned), occasion.policy.max_history)
    return replace(ticket, dispatch=Dispatch(returns=returns))


def _supervised(ticket: Ticket, change: event.Supervised, occasion: Occasion) -> Ticket:
    one = Supervision(level=change.level, number=change.number, at=occasion.decision.at)
    return replace(ticket, supervision=limits.ends((*ticket.supervision, one), occasion.policy.max_history))


def _revisited(ticket: Ticket, change: event.Revisited, occasion: Occasion) -> Ticket:
    one = Revisit(
        at=occasion.decision.at, contacted=change.contacted, resolved=change.resolved, satisfied=change.satisfied
    )
    asked = sorted((*ticket.revisits, one), key=lambda revisit: revisit.at)  # whatever order they come in
    return replace(ticket, revisits=limits.ends(asked, occasion.policy.max_history))


def _judged(ticket: Ticket, change: event.Confirmed | event.Rejected, occasion: Occasion) -> Ticket:
    left = tuple(one for one in ticket.proposals if one.proposal_id != change.proposal_id)
    return replace(ticket, proposals=left)


def _redacted(ticket: Ticket, change: event.Redacted, occasion: Occasion) -> Ticket:
    return blackout.redacted(ticket, change, occasion.policy.query_key, occasion.policy.rules_folder)


def _erased(ticket: Ticket, change: event.Erased, occasion: Occasion) -> Ticket:
    return blackout.erased(replace(ticket, updated_at=occasion.decision.at))


def _known(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value


_STEPS: dict[type, Callable[[Ticket, Any, Occasion], Ticket]] = {
    event.PartJoined: _part_joined,
    event.StatusSet: _status_set,
    event.KindSet: _kind_set,
    event.CategorySet: _category_set,
    event.AcceptanceProposed: _acceptance_proposed,
    event.MinorFlagged: _minor_flagged,
    event.ConfidentialitySet: _confidentiality_set,
    event.DeadlineSet: _deadline_set,
    event.Dispatched: _dispatched,
    event.DispatchProposed: _dispatch_proposed,
    event.Returned: _returned,
    event.Supervised: _supervised,
    event.Revisited: _revisited,
    event.Confirmed: _judged,
    event.Rejected: _judged,
    **STEPS,
    event.Redacted: _redacted,
    event.Erased: _erased,
}
