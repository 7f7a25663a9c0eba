"""Who did what with the tools: acts of operators go into `hotline.audit.v1`, readings in clear into the event log."""

import getpass
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from hotline import reading
from normalizers.codes import is_code
from schemas import topics
from schemas.connection import KafkaConnection
from schemas.envelope import Envelope, schema_of, type_of
from schemas.errors import MisconfiguredError
from schemas.records import Audit, Command
from schemas.wire import Outbound, decode, encode

STARTED, REPLAYED = "replay_started", "replayed"


class Run(Struct, frozen=True, kw_only=True):
    """One call of a tool: who called it and why."""

    id: str
    author: str
    reason: str | None = None

    def act(self, action: str, at: datetime, subject: str | None = None, **details: Any) -> Outbound:
        """Return the record of one act."""
        audit = Audit(
            audit_id=f"{self.id}:{subject or action}",
            run_id=self.id,
            action=action,
            author=self.author,
            at=at,
            subject=subject,
            reason=self.reason,
            details=details,
        )
        envelope = _envelope("audit", audit.audit_id, self.author, at)
        return Outbound(topics.AUDIT, audit.audit_id.encode(), encode(audit), envelope.headers())


def run_of(author: str | None, reason: str | None = None) -> Run:
    """Begin a run; without an author it is the account of the operating system. Raises MisconfiguredError."""
    name = author or getpass.getuser()
    if not is_code(name):  # it stands in the logs for years
        raise MisconfiguredError("The author must be a code, up to 64 of A-Z a-z 0-9 _ . : / + -: give --author.")
    return Run(id=secrets.token_hex(8), author=name, reason=reason)


def reading_of(run: Run, jurisdiction: str | None, at: datetime, args: Mapping[str, Any]) -> Outbound:
    """Return the `read` command that tells the event log who saw what in clear."""
    city = jurisdiction if jurisdiction and is_code(jurisdiction) else "unknown"
    command = Command(
        command_id=f"read-{run.id}",
        jurisdiction=city,
        kind="read",
        author=run.author,
        at=at,
        reason=run.reason,
        args=dict(args),
    )
    envelope = _envelope("command", command.command_id, run.author, at)
    return Outbound(topics.COMMAND, command.command_id.encode(), encode(command), envelope.headers())


def replays(connection: KafkaConnection, since: datetime | None = None) -> Counter[tuple[str, str]]:
    """Return how often each dead letter was put back, by its id and where it came from.

    The second tells letters of a topic that was made anew from their namesakes.
    """
    acts = (decode(record.value, Audit) for record in reading.read_all(connection, topics.AUDIT, since))
    return Counter((act.subject or "", str(act.details.get("from"))) for act in acts if act.action == REPLAYED)


def _envelope(record: str, identifier: str, author: str, at: datetime) -> Envelope:
    return Envelope(
        id=identifier,
        source=f"/hotline/tools/{author}",
        type=type_of(record),
        time=at,
        recordedtime=at,
        dataschema=schema_of(record),
    )
