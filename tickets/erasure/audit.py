"""What commands leave in the audit log: who did what, when and why, and the chain in which it stands; nobody's words.

`assign` alone writes it, in the transaction of the decision. Each record names its place in the chain of its partition
and the hash of the record before it, and the decision names the last one: the event log proves the end of each chain.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from normalizers.parse.codes import is_code
from normalizers.pii.detect import personal_spans
from normalizers.rules import Rules
from schemas.audit_chain import WRITER, hash_of
from schemas.codec import encode
from schemas.records import Audit, Command, Event, event
from schemas.records.decision import AuditHead
from tickets.admission import SECOND_PERSON, UNPROVEN
from tickets.commands import COMMANDS, lowered
from tickets.masking.mask import Known, mask_text
from tickets.state.state import State

ERASED, REDACTED, READ, LOWERED = "erased", "redacted", "read_in_clear", "level_lowered"
ASKED, REFUSED, EXPORT_APPROVED = "confirmation_asked", "command_unproven", "export_approved"

_NOBODY = "unproven"
"""The author of what nobody is known to have sent."""


def acts(decision: Event, command: Command, state: State, rules: Rules) -> Iterator[Audit]:
    """Yield what is recorded of a decision about a command; `state` is that before the decision."""
    if decision.method == UNPROVEN:
        yield _refused(decision, command)
        return
    reason = _code(command.reason, rules)
    for change in decision.changes:
        if isinstance(change, event.Erased):
            yield _act(ERASED, change.ticket_id, decision, command, reason, messages=len(change.messages))
        elif isinstance(change, event.Redacted):
            told = {"messages": len(change.messages), "fields": change.fields, "spans": len(change.spans)}
            yield _act(REDACTED, change.ticket_id, decision, command, reason, **told)
        elif isinstance(change, event.MessagesErased):
            for one in change.messages:
                yield _act(ERASED, one.message_id, decision, command, reason, messages=1)
        elif isinstance(change, event.Read):
            words = _words(command.reason, rules)
            yield _act(READ, change.ticket_id, decision, command, words, fields=change.fields)
        elif isinstance(change, event.ConfidentialitySet) and (was := lowered(state, change)) is not None:
            words = _words(command.reason, rules)
            yield _act(LOWERED, change.ticket_id, decision, command, words, level=change.level, was=was)
        elif isinstance(change, event.CommandRefused) and change.code == SECOND_PERSON:
            words = reason if command.kind == "forget" else _words(command.reason, rules)
            yield _act(ASKED, command.ticket_id or command.command_id, decision, command, words, kind=command.kind)
    if decision.method in ("record", "export"):
        yield _told(decision, command, _words(command.reason, rules))


def chained(acts: Iterable[Audit], head: AuditHead | None, partition: int) -> list[Audit]:
    """Return the acts as the next records of a partition's chain."""
    found: list[Audit] = []
    for act in acts:
        sequence, previous = (head.sequence + 1, head.hash) if head else (1, None)
        act = replace(act, writer=f"{WRITER}{partition}", sequence=sequence, previous=previous)
        act = replace(act, hash=hash_of(encode(act)))
        found.append(act)
        head = head_of(act)
    return found


def head_of(act: Audit) -> AuditHead:
    """Return the place of a chained record."""
    return AuditHead(sequence=act.sequence or 0, hash=act.hash or "")


def _act(action: str, subject: str, decision: Event, command: Command, reason: str | None, **details: object) -> Audit:
    return Audit(
        audit_id=f"{command.command_id}:{subject}",
        run_id=command.command_id,
        action=action,
        author=decision.author,
        at=decision.at,
        subject=subject,
        reason=reason,
        approved_by=decision.approved_by,
        details={"command_id": command.command_id, **details},
    )


def _refused(decision: Event, command: Command) -> Audit:
    """Return the record of a command that is not admitted; what it says of itself is told as such."""
    place = decision.input
    (refused,) = (one for one in decision.changes if isinstance(one, event.CommandRefused))
    claimed = {"author": command.author, "kind": command.kind if command.kind in COMMANDS else "unknown"}
    return replace(
        _act(
            REFUSED, f"{place.partition}:{place.offset}", decision, command, None, why=refused.reason, claimed=claimed
        ),
        author=_NOBODY,
    )


def _told(decision: Event, command: Command, reason: str | None) -> Audit:
    """Return an act with the tools as its person told it, or a clear export that was confirmed."""
    if decision.method == "export":
        form = {"form": command.args.get("form"), "digest": command.args.get("digest")}
        return _act(EXPORT_APPROVED, command.command_id, decision, command, reason, **form)
    subject, details = command.args.get("subject"), command.args.get("details")
    known: dict[str, Any] = details if isinstance(details, dict) else {}
    act = _act(str(command.args.get("action")), subject or command.command_id, decision, command, reason)
    return replace(act, run_id=str(known.get("run", command.command_id)), details={**act.details, **known})


def _words(reason: str | None, rules: Rules) -> str | None:
    """Return a reason without the persons it names: no erasure reaches it, and it is kept for ten years."""
    return mask_text(reason, Known(rules=rules)) if reason else None


def _code(reason: str | None, rules: Rules) -> str | None:
    """Return a reason that is a code; the words of an erasure's reason may name the very person."""
    if reason is None or not is_code(reason) or personal_spans(reason, rules=rules):
        return None
    return reason
