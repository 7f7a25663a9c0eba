"""The kinds of commands, and the decision about one."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from normalizers.parse.codes import is_code
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import enums
from schemas.enums import MENTIONED
from schemas.records import Command, Event, Features, TicketVersion, event
from tickets import flags
from tickets.admission import SECOND_PERSON, TWO_PERSONS, UNPROVEN
from tickets.commands import args, erasure, handovers, lifecycle, move, relations
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.decision_input import Incoming
from tickets.dedupe import clusters
from tickets.policy import TicketPolicy
from tickets.routing import dispatch
from tickets.sla import clocks
from tickets.sla.deadlines import Matter, matter_of
from tickets.state.state import State


class Kind(Struct, frozen=True):
    """The arguments of a kind, and the function that carries it out or raises RefusalError."""

    args: type[args.Args]
    carry_out: Callable[[Order, Any], event.Changes]


COMMANDS: Mapping[str, Kind] = MappingProxyType(
    {
        "set_status": Kind(args.SetStatus, lifecycle.set_status),
        "merge": Kind(args.Merge, relations.merge),
        "unmerge": Kind(args.Unmerge, relations.unmerge),
        "move": Kind(args.Move, move.move),
        "reclassify": Kind(args.Reclassify, lifecycle.reclassify),
        "set_deadline": Kind(args.SetDeadline, lifecycle.set_deadline),
        "dispatch": Kind(args.Dispatch, lifecycle.dispatch),
        "return_dispatch": Kind(args.ReturnDispatch, lifecycle.return_dispatch),
        "supervise": Kind(args.Supervise, lifecycle.supervise),
        "revisit": Kind(args.Revisit, lifecycle.revisit),
        "acknowledge_handover": Kind(args.Args, handovers.acknowledge),
        "dismiss_handover": Kind(args.Dismiss, handovers.dismiss),
        "reinstate_handover": Kind(args.Args, handovers.reinstate),
        "confirm_proposal": Kind(args.Judge, relations.confirm_proposal),
        "reject_proposal": Kind(args.Judge, relations.reject_proposal),
        "redact": Kind(args.Redact, erasure.redact),
        "forget": Kind(args.Forget, erasure.forget),
        "read": Kind(args.Read, lifecycle.read),
        "export": Kind(args.Export, lifecycle.nothing),
        "record": Kind(args.Record, lifecycle.nothing),
        "approve": Kind(args.Approve, lifecycle.nothing),
    }
)
"""By name (docs/how-to/commands.md)."""

NEEDS_REASON = frozenset({"forget", "read", "export"})
"""Kinds whose reason the audit log keeps; so does `reclassify` if it lowers the level."""

LAST_VERSION = 2**53
"""An integer without consequences; every JSON parser can hold it."""

MOST_MESSAGES = 500
"""A ticket with more messages cannot be written without one of them."""

_ERASING = (event.Erased, event.Redacted, event.MessagesErased)

_NO_CHANGE = (event.Read, event.NeverLink, event.CommandRefused)
"""Changes that alter no ticket's snapshot."""


def decide_command(state: State, incoming: Incoming, command: Command, policy: TicketPolicy) -> Event:
    """Return the decision about a command: its changes, or why it is refused."""
    method, at = command.kind if command.kind in COMMANDS else "unknown", incoming.at
    if incoming.standing.unproven is not None:
        return _unproven(incoming, incoming.standing.unproven, policy)
    try:
        if incoming.standing.needs_two:
            check_reason(command)
        order = Order(state=state, command=command, at=incoming.at, earlier=incoming.earlier, limits=policy.limits)
        changes = _carry_out(order, policy.rules)
        at = max([at, *_stages_left(state, changes)])
        changes += clocks.follow(state.tickets, policy.limits, changes, at, _told(state, incoming, changes))
        changes += dispatch.follow(state.tickets, policy.directories, changes, _codes_of_moved(incoming, changes))
        changes += flags.after_move(state, changes, _codes_of_moved(incoming, changes), policy)
        changes += flags.after_word(state, changes, policy)
        _check_two_persons(state, incoming, command, changes)
    except RefusalError as refusal:
        method = "refused"
        changes = (event.CommandRefused(command_id=incoming.id, reason=refusal.reason, code=refusal.code),)
    moved = _moved(changes)
    return Event(
        event_id=incoming.event_id,
        jurisdiction=incoming.jurisdiction,
        tickets=changed_by(state, changes),
        at=at,
        author=command.author,
        input=incoming.ref,
        features=incoming.earlier[moved].features if moved else None,
        relation="command",
        method=method,
        policy_version=policy.version,
        approved_by=incoming.standing.approved_by,
        changes=changes,
    )


def _unproven(incoming: Incoming, why: str, policy: TicketPolicy) -> Event:
    """Return the refusal of a command whose sender is unknown; it changes nothing and names nobody."""
    refused = event.CommandRefused(command_id=incoming.id, reason=why, code=UNPROVEN)
    return Event(
        event_id=incoming.event_id,
        jurisdiction=incoming.jurisdiction,
        at=incoming.at,
        input=incoming.ref,
        relation="command",
        method=UNPROVEN,
        policy_version=policy.version,
        changes=(refused,),
    )


def _check_two_persons(state: State, incoming: Incoming, command: Command, changes: event.Changes) -> None:
    """Raise RefusalError for a command that needs a second person: it waits for `hotline approve`."""
    standing = incoming.standing
    if not standing.needs_two:
        return
    is_lowered = command.kind == "reclassify" and any(lowered(state, change) for change in changes)
    if is_lowered and not (command.reason or "").strip():
        raise RefusalError("reason", "lowering the level (保密) needs a reason")
    if standing.approved_by is not None:
        return
    if command.kind in TWO_PERSONS:
        raise RefusalError(SECOND_PERSON, f"{command.kind} waits for a second person: `hotline approve`")
    if is_lowered:
        raise RefusalError(SECOND_PERSON, "lowering the level (保密) waits for a second person: `hotline approve`")


def lowered(state: State, change: event.AnyChange) -> str | None:
    """Return the ticket's level if a change lowers it; None for any other change."""
    ticket = state.tickets.get(change.ticket_id) if isinstance(change, event.ConfidentialitySet) else None
    if ticket is None or not isinstance(change, event.ConfidentialitySet):
        return None
    was, level = ticket.confidentiality or _LOWEST, change.level
    return was if _LEVELS.index(level) < _LEVELS.index(was) else None


_LEVELS = tuple(enums.CONFIDENTIALITY)
_LOWEST = _LEVELS[0]


def _stages_left(state: State, changes: event.Changes) -> Iterator[datetime]:
    """Yield the begin of the stages that end: a command with an older date counts from then.

    The command that ends the first stage may be dated before the message's intake, as in an archive.
    """
    for change in changes:
        ticket = state.tickets.get(change.ticket_id) if isinstance(change, event.StatusSet | event.Reopened) else None
        if ticket is not None and ticket.status != "received":
            yield ticket.status_at


def _told(state: State, incoming: Incoming, changes: event.Changes) -> clocks.Told:
    """Return the facts of the message that a command moves or rings for again: limits count from its receipt."""
    again = next((change for change in changes if isinstance(change, event.HandoverReinstated)), None)
    if again is not None:
        known = incoming.earlier.get(again.handover_id)
        return clocks.Told(Matter(emergency=again.level != MENTIONED), known.received_at if known else incoming.at)
    moved = next((change for change in changes if isinstance(change, event.Moved)), None)
    if moved is None:
        return clocks.Told(matter_of(Features()), incoming.at)
    message = incoming.earlier[moved.message_id]
    matter = matter_of(message.features, message.channel)
    if moved.message_id in state.tickets[moved.from_ticket_id].dismissed:
        matter = replace(matter, emergency=False)
    return clocks.Told(matter, message.received_at)


def _codes_of_moved(incoming: Incoming, changes: event.Changes) -> tuple[str, ...]:
    moved = _moved(changes)
    return incoming.earlier[moved].features.codes if moved else ()


def _moved(changes: event.Changes) -> str | None:
    return next((change.message_id for change in changes if isinstance(change, event.Moved)), None)


def check(command: Command) -> None:
    """Raise RefusalError for a command that is wrong in any state: unknown kind, misfit arguments, missing reason."""
    _args_of(command)
    check_reason(command)


def check_reason(command: Command) -> None:
    """Raise RefusalError for an act that is recorded with its reason, and has none."""
    if command.kind not in NEEDS_REASON:
        return
    if not (command.reason or "").strip():
        raise RefusalError("reason", f"{command.kind} needs a reason")
    if command.kind == "forget" and not is_code(command.reason or ""):
        raise RefusalError("reason", "the reason of forget is a code such as pipl-47: it is kept for ten years")


def changed_by(state: State, changes: event.Changes) -> tuple[TicketVersion, ...]:
    """Return the new versions of all tickets that the changes alter."""
    named = dict.fromkeys(ticket_id for change in changes for ticket_id in _altered_by(change))
    changed = tuple(TicketVersion(ticket_id=one, version=_version_after(state, one, changes)) for one in named)
    return clusters.versions(state.clusters, state.tickets.version_of, changed, changes)


def erases(decision: Event) -> bool:
    """Return True if a decision removes personal data."""
    return any(isinstance(change, _ERASING) for change in decision.changes)


def _version_after(state: State, ticket_id: str, changes: event.Changes) -> int:
    """Return the next version; the highest number for a ticket that is erased while only the archive has it."""
    opened = any(isinstance(change, event.Opened) and change.ticket_id == ticket_id for change in changes)
    return state.tickets.version_of(ticket_id) + 1 if opened or ticket_id in state.tickets else LAST_VERSION


def looks_back(state: State, command: Command) -> list[int]:
    """Return the positions of the messages that a command is about, so that its caller can read them."""
    if command.kind == "reinstate_handover":
        return handovers.position(state, command.handover_id)
    parts = command.kind == "move" or (command.kind == "unmerge" and "message_id" in command.args)
    ticket = state.tickets.get(command.ticket_id or "") if parts else None
    return move.positions(ticket) if ticket and len(ticket.messages) <= MOST_MESSAGES else []


def _altered_by(change: event.AnyChange) -> tuple[str, ...]:
    if isinstance(change, event.Moved):
        return (change.from_ticket_id, change.to_ticket_id)
    ticket_id = None if isinstance(change, _NO_CHANGE) else getattr(change, "ticket_id", None)
    return (ticket_id,) if ticket_id else ()


def _carry_out(order: Order, rules: Rules) -> event.Changes:
    given = _args_of(order.command, rules)
    return COMMANDS[order.command.kind].carry_out(order, given)


def _args_of(command: Command, rules: Rules = DEFAULT_RULES) -> args.Args:
    kind = COMMANDS.get(command.kind)
    if kind is None:
        raise RefusalError("unknown_kind", f"there are no commands of this kind, only {', '.join(COMMANDS)}")
    return args.read_args(command.args, kind.args, command.kind, rules)
