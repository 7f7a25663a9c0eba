"""Replies to citizens for operators: the state of each, and those that need a look; no addresses."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from broker import kafka_reader
from broker.config import KafkaConnection
from connectors.replies.ledger import ASSIGN, INTENT, STATE
from hotline.admin import placement
from schemas import ids, topics
from schemas.codec import decode
from schemas.errors import SchemaError
from schemas.records import Outbox, OutboxState

INTENDED = "intended"
"""No sender has begun to send it."""


class Answer(Struct, frozen=True, kw_only=True):
    """One answer as it stands."""

    outbox_id: str
    ticket_id: str
    ticket_no: str
    channel: str
    account: str
    state: str
    code: str | None = None
    attempts: int = 0
    at: datetime


class Wanted(Struct, frozen=True, kw_only=True):
    """Filters of the list."""

    account: str | None = None
    state: str | None = None
    ticket: str | None = None

    def lets_through(self, answer: Answer) -> bool:
        """Return whether a reply passes the filters; a ticket is given by its id or its number."""
        if self.ticket is not None and self.ticket not in (answer.ticket_id, answer.ticket_no):
            return False
        return self.account in (None, answer.account) and self.state in (None, answer.state)


def listed(connection: KafkaConnection, wanted: Wanted, limit: int) -> list[Answer]:
    """Return the newest answers that the topic still has (seven days), the oldest of them first."""
    found = _standing(kafka_reader.read_all(connection, topics.OUTBOX), wanted)
    return sorted(found, key=lambda one: one.at)[-limit:]


def of_ticket(connection: KafkaConnection, ticket_id: str) -> list[Answer]:
    """Return the answers about one ticket; only its city's partition is read."""
    placement.check(connection)
    partition = ids.partition_of(ticket_id.partition("-")[0], connection.partitions)
    return list(_standing(kafka_reader.read_partition(connection, topics.OUTBOX, partition), Wanted(ticket=ticket_id)))


def _standing(records: Iterable[object], wanted: Wanted) -> Iterator[Answer]:
    known: dict[str, Answer] = {}
    for record in records:
        take(known, record)
    return (one for one in known.values() if wanted.lets_through(one))


def take(known: dict[str, Answer], record: object) -> None:
    """Note how an answer stands by one record more of the topic."""
    answer = answer_of(record)
    if answer is not None and (answer.state != INTENDED or answer.outbox_id not in known):
        known[answer.outbox_id] = answer


def answer_of(record: object) -> Answer | None:
    """Return the reply of one record of the topic; None for one of a later version, and for a withdrawal."""
    headers, value = dict(getattr(record, "headers", ())), getattr(record, "value", None) or b""
    if headers.get("ce_type") == STATE and headers.get("ce_source", b"").startswith(ASSIGN):
        return None
    try:
        if headers.get("ce_type") == STATE:
            told = decode(value, OutboxState)
            return _answer(told, told.state, told.code, told.attempts)
        if headers.get("ce_type") == INTENT:
            return _answer(decode(value, Outbox), INTENDED)
    except SchemaError:
        return None
    return None


def _answer(told: Outbox | OutboxState, state: str, code: str | None = None, attempts: int = 0) -> Answer:
    return Answer(
        outbox_id=told.outbox_id,
        ticket_id=told.ticket_id,
        ticket_no=told.ticket_no,
        channel=told.channel,
        account=told.account,
        state=state,
        code=code,
        attempts=attempts,
        at=told.at,
    )
