"""Audit: each act of a person with the tools is a signed command, which `assign` writes to `hotline.audit.v1`.

Only `assign` writes that topic, and only `hotline audit verify` reads it. Replays of dead letters are read from
`hotline.replayed.v1`.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_producer import Producer
from hotline.config.command_signers import principal, signer_of_person
from schemas import audit_chain, ids, topics
from schemas.audit_chain import Fault, Head, Link
from schemas.codec import Outbound, appended_at, decode, encode
from schemas.command_signature import Signer
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import Audit, Command, Event

if TYPE_CHECKING:
    from hotline.config.settings import Settings


STARTED, REPLAYED, READ, ERASURE_CHECKED = "replay_started", "replayed", "read_in_clear", "erasure_checked"

CLOCKS_APART = timedelta(hours=1)
"""How long before the last audit record the event log is searched for the decision that wrote it."""

SETTLED = timedelta(minutes=10)
"""Younger records may have come after the audit log was read; a cut of its last minutes is found the next time."""


class Run(Struct, frozen=True, kw_only=True):
    """One call of a tool: its caller and reason; `signer` is None in a local installation without keys."""

    id: str
    author: str
    jurisdiction: str
    reason: str | None = None
    signer: Signer | None = None

    def act(self, action: str, at: datetime, subject: str | None = None, **details: Any) -> Outbound:
        """Return the command that records one act."""
        command = Command(
            command_id=f"act:{ids.b32_text(secrets.token_bytes(15), 24)}",
            jurisdiction=self.jurisdiction,
            kind="record",
            author=self.author,
            at=at,
            reason=self.reason,
            args={"action": action, "subject": subject, "details": {"run": self.id, **details}},
        )
        return command.outbound(at, self.signer)

    def mark(self, letter: str, at: datetime, **details: Any) -> Outbound:
        """Return the record by which others see that a dead letter was put back."""
        mark = Audit(
            audit_id=f"{self.id}:{letter}",
            run_id=self.id,
            action=REPLAYED,
            author=self.author,
            at=at,
            subject=letter,
            details=details,
        )
        envelope = Envelope(
            id=mark.audit_id,
            source="/hotline/tools",
            type=type_of("audit"),
            time=at,
            recordedtime=at,
            dataschema=schema_of("audit"),
        )
        return Outbound(topics.REPLAYED, mark.audit_id.encode(), encode(mark), envelope.headers())


def run_of(settings: "Settings", reason: str | None = None) -> Run:
    """Begin a run. Raises MisconfiguredError for a caller without a key.

    The reason may be free text, which no erasure reaches: persons and telephone numbers in it are blacked out.
    """
    from hotline.config.clients import rules_of
    from tickets.masking.mask import Known, mask_text

    by_rules = Known(rules=rules_of(settings))
    return Run(
        id=secrets.token_hex(8),
        author=principal(settings),
        jurisdiction=settings.jurisdiction,
        reason=mask_text(reason, by_rules) if reason else None,
        signer=signer_of_person(settings),
    )


def record(connection: KafkaConnection, *acts: Outbound) -> None:
    """Return when the brokers hold these acts: an act that cannot be recorded is not carried out."""
    with closing(Producer(connection)) as producer:
        producer.deliver_now(acts)


def replays(connection: KafkaConnection, since: datetime | None = None) -> Counter[tuple[str, str]]:
    """Return how often each dead letter was replayed, by its id and its topic.

    The topic distinguishes letters of a topic that was made anew from earlier ones.
    """
    marks = (decode(record.value, Audit) for record in kafka_reader.read_all(connection, topics.REPLAYED, since))
    return Counter((mark.subject or "", str(mark.details.get("from"))) for mark in marks)


def verify(connection: KafkaConnection, now: datetime) -> tuple[int, list[Fault]]:
    """Return how many audit records there are, and every one that was changed, removed, moved or inserted."""
    found = list(_links(connection))
    links = [one for one in found if isinstance(one, Link)]
    heads = dict(_heads(connection, _newest(links), now - SETTLED))
    broken = [one for one in found if isinstance(one, Fault)]
    return len(found), [*broken, *audit_chain.faults(links, heads, now)]


def _links(connection: KafkaConnection) -> Iterator[Link | Fault]:
    for one in kafka_reader.read_all(connection, topics.AUDIT):
        at = appended_at(one) or datetime.fromtimestamp(0, UTC)
        yield audit_chain.read(f"{one.partition}:{one.offset}", at, one.value or b"")


def _newest(links: list[Link]) -> dict[str, datetime]:
    """Return when the last record of each chain was written."""
    newest: dict[str, datetime] = {}
    for link in links:
        if (writer := link.fields.get("writer")) is not None:
            newest[writer] = max(link.at, newest.get(writer, link.at))
    return newest


def _heads(connection: KafkaConnection, newest: dict[str, datetime], settled: datetime) -> Iterator[tuple[str, Head]]:
    """Yield the ends of the chains according to the events: from the last record on, or all events without one.

    A decision after `settled` may have come while the audit log was read.
    """
    for partition in sorted(kafka_reader.bounds(connection, topics.EVENT)):
        writer, head = f"{audit_chain.WRITER}{partition}", None
        for one in kafka_reader.read_partition(
            connection, topics.EVENT, partition, _start(connection, partition, newest)
        ):
            told = decode(one.value, Event).audit if b'"audit":{' in (one.value or b"") else None
            if told is not None:
                is_settled = (appended_at(one) or settled) <= settled
                head = Head(told.sequence, told.hash, told.sequence if is_settled else head.settled if head else 0)
        if head is not None:
            yield writer, head


def _start(connection: KafkaConnection, partition: int, newest: dict[str, datetime]) -> int:
    at = newest.get(f"{audit_chain.WRITER}{partition}")
    found = kafka_reader.offsets_at(connection, topics.EVENT, at - CLOCKS_APART)[partition] if at else 0
    return found or 0
