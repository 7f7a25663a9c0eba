"""What an erasure leaves in the audit log: who took what from which ticket, when and why; nobody's words."""

from collections.abc import Iterator
from pathlib import Path

from normalizers.codes import is_code
from schemas.records import Audit, Command, Event, event
from tickets.spans import personal_spans

ERASED, REDACTED = "erased", "redacted"


def acts(decision: Event, command: Command, rules_folder: Path | None) -> Iterator[Audit]:
    """Yield what is to be told of a decision about a command: an act for each ticket or message it takes data from."""
    reason = _code(command.reason, rules_folder)
    for change in decision.changes:
        if isinstance(change, event.Erased):
            yield _act(ERASED, change.ticket_id, len(change.messages), decision, command, reason)
        elif isinstance(change, event.Redacted):
            told = {"fields": change.fields, "spans": len(change.spans)}
            yield _act(REDACTED, change.ticket_id, len(change.messages), decision, command, reason, **told)
        elif isinstance(change, event.MessagesErased):
            for one in change.messages:
                yield _act(ERASED, one.message_id, 1, decision, command, reason)


def _act(
    action: str, subject: str, messages: int, decision: Event, command: Command, reason: str | None, **details: object
) -> Audit:
    return Audit(
        audit_id=f"{command.command_id}:{subject}",
        run_id=command.command_id,
        action=action,
        author=decision.author,
        at=decision.at,
        subject=subject,
        reason=reason,
        details={"command_id": command.command_id, "messages": messages, **details},
    )


def _code(reason: str | None, rules_folder: Path | None) -> str | None:
    """Return a reason that is a code; words for people may name the very person, and this is kept for ten years."""
    if reason is None or not is_code(reason) or personal_spans(reason, rules_folder=rules_folder):
        return None
    return reason
