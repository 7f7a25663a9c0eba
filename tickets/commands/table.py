"""The kinds of commands, and the decision about one of them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from schemas.records import Command, Event, TicketVersion, event
from tickets import clusters
from tickets.commands import args, progress, relations
from tickets.commands.order import Order
from tickets.commands.refusal import RefusalError
from tickets.incoming import Incoming
from tickets.policy import TicketPolicy
from tickets.state import State


class Kind(Struct, frozen=True):
    """The arguments that a kind takes, and what carries it out."""

    args: type[args.Args]
    carry_out: Callable[[Order, Any], event.Changes]


COMMANDS: Mapping[str, Kind] = MappingProxyType(
    {
        "set_status": Kind(args.SetStatus, progress.set_status),
        "merge": Kind(args.Merge, relations.merge),
        "unmerge": Kind(args.Unmerge, relations.unmerge),
        "reclassify": Kind(args.Reclassify, progress.reclassify),
        "set_deadline": Kind(args.SetDeadline, progress.set_deadline),
        "dispatch": Kind(args.Dispatch, progress.dispatch),
        "return_dispatch": Kind(args.ReturnDispatch, progress.return_dispatch),
        "supervise": Kind(args.Supervise, progress.supervise),
        "revisit": Kind(args.Revisit, progress.revisit),
        "acknowledge_handover": Kind(args.Args, relations.acknowledge_handover),
        "confirm_proposal": Kind(args.Judge, relations.confirm_proposal),
        "reject_proposal": Kind(args.Judge, relations.reject_proposal),
        "read": Kind(args.Read, progress.read),
    }
)
"""By name (records.md, Command)."""

_NO_CHANGE = (event.Read, event.NeverLink, event.CommandRefused)
"""Changes that alter no ticket's snapshot."""


def decide_command(state: State, incoming: Incoming, command: Command, policy: TicketPolicy) -> Event:
    """Return the decision about a command: what it changes, or why it is refused."""
    method = command.kind if command.kind in COMMANDS else "unknown"
    try:
        changes = _carry_out(Order(state=state, command=command, at=incoming.at))
    except RefusalError as refusal:
        method = "refused"
        changes = (event.CommandRefused(command_id=incoming.id, reason=refusal.reason, code=refusal.code),)
    return Event(
        event_id=incoming.event_id,
        jurisdiction=incoming.jurisdiction,
        tickets=changed_by(state, changes),
        at=incoming.at,
        author=command.author,
        input=incoming.ref,
        relation="command",
        method=method,
        policy_version=policy.version,
        changes=changes,
    )


def check(command: Command) -> None:
    """Raise RefusalError for what no state could make right: an unknown kind, arguments that do not fit."""
    _args_of(command)


def changed_by(state: State, changes: event.Changes) -> tuple[TicketVersion, ...]:
    """Return the new versions of all tickets that the changes alter."""
    named = dict.fromkeys(
        ticket_id
        for change in changes
        if not isinstance(change, _NO_CHANGE) and (ticket_id := getattr(change, "ticket_id", None))
    )
    changed = tuple(TicketVersion(ticket_id=one, version=state.version_of(one) + 1) for one in named)
    return clusters.versions(state.clusters, state.version_of, changed, changes)


def _carry_out(order: Order) -> event.Changes:
    given = _args_of(order.command)
    return COMMANDS[order.command.kind].carry_out(order, given)


def _args_of(command: Command) -> args.Args:
    kind = COMMANDS.get(command.kind)
    if kind is None:
        raise RefusalError("unknown_kind", f"there are no commands of this kind, only {', '.join(COMMANDS)}")
    return args.read_args(command.args, kind.args, command.kind)
