"""What an erasure leaves in the audit log: who took what from which ticket, when and why; nobody's words."""

from collections.abc import Iterator

from normalizers.codes import is_code
from schemas.records import Audit, Command, Event, event
from tickets.spans import personal_spans

ERASED, REDACTED = "erased", "redacted"


def acts(decision: Event, command: Command) -> Iterator[Audit]:
    """Yield what is to be told of a decision about a command: an act for each ticket that it takes data from."""
    for change in decision.changes:
        if isinstance(change, event.Erased):
            yield _act(ERASED, change, decision, command)
        elif isinstance(change, event.Redacted):
            yield _act(REDACTED, change, decision, command, fields=change.fields, spans=len(change.spans))


def _act(
    action: str, change: event.Erased | event.Redacted, decision: Event, command: Command, **details: object
) -> Audit:
    return Audit(
        audit_id=f"{command.command_id}:{change.ticket_id}",
        run_id=command.command_id,
        action=action,
        author=decision.author,
        at=decision.at,
        subject=change.ticket_id,
        reason=_code(command.reason),
        details={"command_id": command.command_id, "messages": len(change.messages), **details},
    )


def _code(reason: str | None) -> str | None:
    """Return a reason that is a code; words for people may name the very person, and this is kept for ten years."""
    return reason if reason is not None and is_code(reason) and not personal_spans(reason) else None
