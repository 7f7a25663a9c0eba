"""Who did what with the tools: acts of operators go into `hotline.audit.v1`."""

import getpass
import secrets
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from connectors.producer import Producer
from hotline import reading
from normalizers.codes import is_code
from schemas import topics
from schemas.connection import KafkaConnection
from schemas.envelope import Envelope, schema_of, type_of
from schemas.errors import MisconfiguredError
from schemas.records import Audit
from schemas.wire import Outbound, decode, encode

if TYPE_CHECKING:
    from hotline.settings import Settings

STARTED, REPLAYED, READ, ERASURE_CHECKED = "replay_started", "replayed", "read_in_clear", "erasure_checked"


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
        envelope = Envelope(
            id=audit.audit_id,
            source=f"/hotline/tools/{self.author}",
            type=type_of("audit"),
            time=at,
            recordedtime=at,
            dataschema=schema_of("audit"),
        )
        return Outbound(topics.AUDIT, audit.audit_id.encode(), encode(audit), envelope.headers())


def run_of(settings: "Settings", author: str | None, reason: str | None = None) -> Run:
    """Begin a run; without an author it is the settings', or the account of this machine. Raises MisconfiguredError.

    The reason may be words, but no erasure reaches them: who is named in them, or could be rung up, is blacked out.
    """
    from tickets.masking import Known, mask_text

    name = author or settings.author or f"os:{getpass.getuser()}"
    if not is_code(name):  # it stands in the logs for years
        raise MisconfiguredError("The author must be a code of A-Z a-z 0-9 _ . : / + -: give another --author.")
    by_rules = Known(rules_folder=settings.rules.folder)
    return Run(id=secrets.token_hex(8), author=name, reason=mask_text(reason, by_rules) if reason else None)


def record(connection: KafkaConnection, *acts: Outbound) -> None:
    """Return when the brokers hold these acts: what cannot be recorded is not done."""
    with closing(Producer(connection)) as producer:
        producer.deliver_now(acts)


def replays(connection: KafkaConnection, since: datetime | None = None) -> Counter[tuple[str, str]]:
    """Return how often each dead letter was put back, by its id and where it came from.

    The second tells letters of a topic that was made anew from their namesakes.
    """
    acts = (decode(record.value, Audit) for record in reading.read_all(connection, topics.AUDIT, since))
    return Counter((act.subject or "", str(act.details.get("from"))) for act in acts if act.action == REPLAYED)
