"""Life cycle of a ticket: stage, deadlines, dispatch, supervision, revisit, class."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from normalizers.parse.codes import is_numbered
from schemas.records import event
from schemas.records.ticket import Deadline
from tickets import emergency, flags, lifecycle
from tickets.commands import args
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.model.ticket_state import TicketState
from tickets.policy import TicketPolicy
from tickets.sla import clocks


def set_status(order: Order, given: args.SetStatus) -> event.Changes:
    """Bring a ticket to its next stage."""
    ticket = order.ticket(given)
    stage = _stage(ticket, given.status, given.reason_code)
    if given.status == "extended":
        raise RefusalError("illegal_transition", "set_deadline of resolve grants more time, and sets this stage itself")
    if given.status in lifecycle.CLOSED and ticket.reopened_at is not None and order.at < ticket.reopened_at:
        raise RefusalError("stale", "the ticket was reopened after this was ordered: read it again, then close it")
    if given.status in lifecycle.CLOSED and ticket.status not in lifecycle.CLOSED:
        order.check_heard(ticket)
        _check_danger_is_taken(order, ticket)
    if given.status in lifecycle.WITH_AN_ORGANIZER and _is_with_nobody(ticket):
        raise RefusalError("illegal_transition", "no organizer has the ticket: dispatch names one, and sets the stage")
    return (stage,)


def _check_danger_is_taken(order: Order, ticket: TicketState) -> None:
    """Refuse to close a ticket with an unacknowledged danger: no alarm ends in silence."""
    for message_id, filed in ticket.messages.items():
        alarm = emergency.alarm_of(filed.codes)
        if alarm is not None and alarm.endangers and message_id in order.state.handovers:
            raise RefusalError(
                "unacknowledged",
                f"no desk has taken the hand-over {message_id}: acknowledge it or dismiss it, then order again",
            )


def _is_with_nobody(ticket: TicketState) -> bool:
    """Return True if no organizer is known and none of its stages is reached: older logs have those without a name."""
    return ticket.organizer is None and ticket.status not in lifecycle.WITH_AN_ORGANIZER


def set_deadline(order: Order, given: args.SetDeadline) -> event.Changes:
    """Set a deadline: at a time, by another limit, later by an extension, or by the present calendar."""
    ticket = order.ticket(given)
    if given.due_at is not None and given.extend is None and not given.recompute:
        return _granted(order, ticket, _by_hand(order, ticket, given, given.due_at))
    ways = [given.due_at is not None, given.policy_id is not None, given.extend is not None, given.recompute]
    if sum(ways) != 1:
        raise RefusalError("arguments", "set_deadline takes one of due_at, policy_id, extend and recompute")
    running = ticket.clocks.get(given.clock)
    if given.policy_id is not None:
        return (_chosen(order, ticket, given.clock, given.policy_id),)
    if running is None:
        raise RefusalError("no_deadline", "this clock does not run for the ticket: set due_at or policy_id")
    if given.extend is not None:
        return _granted(order, ticket, _extended(order, ticket, given.clock, given.extend))
    deadline = _by_limit(order, running.policy_id, given.clock, running.started_at, running.extension)
    return (clocks.as_change(ticket.ticket_id, deadline, extension=running.extension),)


def _granted(order: Order, ticket: TicketState, deadline: event.DeadlineSet) -> event.Changes:
    """Return a deadline, with the stage of 延期 if that may follow and the time to resolve the matter got longer."""
    _check_is_of_use(order, ticket, deadline)
    is_longer = deadline.clock == "resolve" and _is_longer(ticket, deadline)
    if not is_longer or not lifecycle.may_become(ticket.status, "extended"):
        return (deadline,)
    return (deadline, _stage(ticket, "extended"))


def _is_longer(ticket: TicketState, deadline: event.DeadlineSet) -> bool:
    running = ticket.clocks.get(deadline.clock)
    return running is not None and deadline.due_at > running.due_at


def _check_is_of_use(order: Order, ticket: TicketState, deadline: event.DeadlineSet) -> None:
    """Refuse an extension after the end: it would only turn a late result into one in time."""
    if not _is_longer(ticket, deadline):
        return
    if ticket.status in lifecycle.CLOSED:
        raise RefusalError("no_deadline", f"the ticket is {ticket.status}, its clocks stopped: reopen it first")
    if deadline.due_at <= order.at:
        raise RefusalError("too_late", "the time that this would grant had passed when it was ordered")


def _chosen(order: Order, ticket: TicketState, clock: str, policy_id: str) -> event.DeadlineSet:
    start = clocks.start_by_name(ticket, clock)
    deadline = _of_its_place(order, ticket, clock, policy_id)
    running = ticket.clocks.get(clock)
    is_begun = running is not None and running.started_at == start
    chosen = clocks.as_change(ticket.ticket_id, deadline, None if is_begun else start, source="clerk")
    _check_is_of_use(order, ticket, chosen)
    return chosen


def _of_its_place(order: Order, ticket: TicketState, clock: str, policy_id: str) -> Deadline:
    """Return the end of a limit that a person names. Raises RefusalError for a limit of another kind of ticket."""
    start = clocks.start_by_name(ticket, clock)
    deadline = _by_limit(order, policy_id, clock, start)
    if not order.limits.may_be_chosen(policy_id, ticket.jurisdiction, start):
        raise RefusalError("arguments", "this limit is of another place, or was not in force when the clock began")
    return deadline


def _by_hand(order: Order, ticket: TicketState, given: args.SetDeadline, due_at: datetime) -> event.DeadlineSet:
    """Return a time set by a person; a named limit as its basis counts again after a reopening."""
    if due_at < clocks.start_of(ticket, given.clock):
        raise RefusalError("too_early", "due_at lies before the clock began: set a later time")
    policy_id = given.policy_id or clocks.BY_HAND
    if order.limits.knows(policy_id):
        _of_its_place(order, ticket, given.clock, policy_id)
    elif policy_id != clocks.BY_HAND and not is_numbered(policy_id):
        raise RefusalError("arguments", "policy_id must be one of our limits, or a code with a number in it")
    deadline = Deadline(clock=given.clock, due_at=due_at, policy_id=policy_id, calendar_version=clocks.BY_HAND)
    return clocks.as_change(ticket.ticket_id, deadline, source="clerk")


def _by_limit(order: Order, policy_id: str, clock: str, started_at: datetime, extension: int = 0) -> Deadline:
    if not order.limits.knows(policy_id):
        raise RefusalError("arguments", "there is no limit of this policy_id: see tickets/policies/deadlines")
    deadline = order.limits.by(policy_id, started_at, extension)
    if deadline.clock != clock:
        raise RefusalError("arguments", f"this limit is for the clock {deadline.clock}")
    return deadline


def _extended(order: Order, ticket: TicketState, name: str, amount: int) -> event.DeadlineSet:
    """Return a deadline with more time; if that ends a stage in which the clock stood, the clock runs first."""
    ends_stage = name == "resolve" and lifecycle.may_become(ticket.status, "extended")
    clock = clocks.gone_on(ticket, order.limits, name, order.at) if ends_stage else ticket.clocks[name]
    started_at = clock.started_at if clock is not ticket.clocks[name] else None
    try:
        deadline = order.limits.extended(clocks.as_deadline(name, clock), amount, clock.started_at)
    except ValueError as error:
        raise RefusalError("too_long", str(error)) from error
    extension = clock.extension + amount
    return clocks.as_change(ticket.ticket_id, deadline, started_at, source="clerk", extension=extension)


def dispatch(order: Order, given: args.Dispatch) -> event.Changes:
    """Give a ticket to its organizer; a returned one goes to another (改派)."""
    ticket = order.ticket(given)
    following = "redispatched" if ticket.status == "returned" else "dispatched"
    stage = _stage(ticket, following)
    if len({given.organizer, *given.co_organizers}) <= len(given.co_organizers):
        raise RefusalError("arguments", "co_organizers names the organizer, or an office twice: name each once")
    dispatched = event.Dispatched(
        ticket_id=ticket.ticket_id,
        organizer=given.organizer,
        rule_id=given.rule_id,
        co_organizers=given.co_organizers,
    )
    return (dispatched, stage)


def return_dispatch(order: Order, given: args.ReturnDispatch) -> event.Changes:
    """Take a ticket back from an organizer who is not responsible."""
    ticket = order.ticket(given)
    stage = _stage(ticket, "returned")
    returned = event.Returned(ticket_id=ticket.ticket_id, reason_code=given.reason_code, organizer=ticket.organizer)
    return (returned, stage)


def supervise(order: Order, given: args.Supervise) -> event.Changes:
    """Supervise an organizer; the stage changes only if allowed, the record stays in any case."""
    ticket = order.ticket(given)
    if ticket.organizer is None or ticket.status not in lifecycle.WITH_AN_ORGANIZER:
        raise RefusalError("illegal_transition", f"no organizer has the ticket, it is {ticket.status}: dispatch it")
    supervised = event.Supervised(ticket_id=ticket.ticket_id, level=given.level, number=given.number)
    if ticket.status == "supervised" or not lifecycle.may_become(ticket.status, "supervised"):
        return (supervised,)
    return (supervised, _stage(ticket, "supervised"))


def revisit(order: Order, given: args.Revisit) -> event.Changes:
    """Record the citizen's answers about a resolved ticket; the last revisit counts."""
    ticket = order.ticket(given)
    if ticket.status == "archived" and not ticket.resolved:
        raise RefusalError(
            "illegal_transition", "the ticket was archived without being resolved: it has no revisit (回访)"
        )
    revisited = event.Revisited(
        ticket_id=ticket.ticket_id, contacted=given.contacted, resolved=given.resolved, satisfied=given.satisfied
    )
    if ticket.status in ("revisited", "evaluated", "archived"):
        return (revisited,)
    return (revisited, _stage(ticket, "revisited"))


def reclassify(order: Order, given: args.Reclassify) -> event.Changes:
    """Set the kind, the category or the level of a ticket; no rule or model changes them later."""
    ticket = order.ticket(given)
    changes: list[event.AnyChange] = []
    if given.kind is not None:
        changes.append(event.KindSet(ticket_id=ticket.ticket_id, kind=given.kind, source="clerk", confidence=1.0))
    if given.category is not None:
        changes.append(
            event.CategorySet(
                ticket_id=ticket.ticket_id,
                code=given.category,
                scheme=given.scheme,
                version=given.scheme_version,
                source="clerk",
                confidence=1.0,
            )
        )
    changes += _protected(ticket, given, order.state.policy)
    _check_all_is_heard(given)
    if not changes:
        raise RefusalError("arguments", "reclassify needs a kind, a category, a confidentiality or minor")
    return tuple(changes)


def _check_all_is_heard(given: args.Reclassify) -> None:
    """Refuse a command of which a part would not be carried out."""
    if given.minor is None and (given.minor_role, given.minor_topic, given.minor_harm) != (None, None, None):
        raise RefusalError("arguments", "minor_role, minor_topic and minor_harm go with minor true")
    if given.category is None and (given.scheme, given.scheme_version) != (_LOCAL.scheme, _LOCAL.scheme_version):
        raise RefusalError("arguments", "scheme and scheme_version go with a category")


_LOCAL = args.Reclassify()
"""Fields that may be set without a question."""


def _protected(ticket: TicketState, given: args.Reclassify, policy: TicketPolicy) -> Iterator[event.AnyChange]:
    if given.confidentiality is not None:
        yield event.ConfidentialitySet(
            ticket_id=ticket.ticket_id, level=given.confidentiality, reasons=("clerk",), source="clerk"
        )
    if given.minor is not None:
        yield _minor(flags.told_of_minor(ticket, policy), given, given.minor)


def _minor(told: event.MinorFlagged, given: args.Reclassify, flag: bool) -> event.MinorFlagged:
    """Return a clerk's statement about a minor; omitted parts keep their values, also harm to a minor."""
    role, topic = given.minor_role or told.role, given.minor_topic or told.topic
    if given.minor_harm and not flag:
        raise RefusalError("arguments", "minor_harm goes with minor true")
    harmed = told.mandatory_report if given.minor_harm is None else given.minor_harm
    return replace(told, role=role, topic=topic, flag=flag, mandatory_report=flag and harmed, source="clerk")


def read(order: Order, given: args.Read) -> event.Changes:
    """Log that a person read a ticket in clear, also one that is only in the archive."""
    ticket_id = order.command.ticket_id
    if ticket_id is None:
        raise RefusalError("arguments", "read needs a ticket_id")
    order.check_city(ticket_id)
    if ticket_id not in order.state.tickets and not order.state.participants.has_left(ticket_id):
        raise RefusalError("unknown_ticket", "there is no such ticket in this city")
    return (event.Read(ticket_id=ticket_id, fields=given.fields),)


def nothing(order: Order, given: args.Args) -> event.Changes:
    """Change no ticket: the act is in the audit log."""
    return ()


def _stage(ticket: TicketState, following: str, reason_code: str | None = None) -> event.StatusSet:
    if not lifecycle.may_become(ticket.status, following):
        allowed = ", ".join(sorted(lifecycle.NEXT.get(ticket.status, ())))
        raise RefusalError(
            "illegal_transition", f"{following} cannot follow {ticket.status}: after that come {allowed}"
        )
    return event.StatusSet(ticket_id=ticket.ticket_id, status=following, reason_code=reason_code)
