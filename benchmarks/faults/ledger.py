"""The ledger: every topic read back, as readers of committed records see it."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition

from benchmarks.faults.subscriber import digest
from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import Position, decode
from schemas.envelope import Envelope, type_of
from schemas.records import Audit, Delivery, Event, Handover, Link, Message, Outbox, OutboxState, Ticket
from schemas.records import event as changes
from schemas.records.raw import is_beginning
from sinks.base import Document
from sinks.elastic.bulk import source_of
from sinks.eraser import Target, emptied

_MARK = re.compile(r"hb(\d{8})")
_RAW_MARK = re.compile(rb"hb(\d{8})")
_WIDE_MARK = re.compile(rb"\0h\0b((?:\0\d){8})")

RAW = tuple(topics.raw(channel) for channel in ("mailbox", "wechat", "sms"))
READ = (
    *RAW, topics.MESSAGE, topics.EVENT, topics.LINK, topics.TICKET, topics.TICKET_MASKED,
    topics.TICKET_RESTRICTED, topics.HANDOVER, topics.DEAD,
    topics.OUTBOX, topics.DELIVERY, topics.AUDIT,
)  # fmt: skip


class Ledger:
    """What the topics hold, as readers of committed records see it."""

    def __init__(self) -> None:
        self.ids: defaultdict[int, set[str]] = defaultdict(set)
        """Message ids by number; a number with two was doubled by its connector."""
        self.filed: defaultdict[str, list[int]] = defaultdict(list)
        """When which events decided about a message, in ms since 1970."""
        self.turn: dict[str, int] = {}
        """Which decision of its city was the first about a message: 0, 1, 2 …"""
        self._decided: Counter[str] = Counter()
        self.versions: defaultdict[str, Counter[int]] = defaultdict(Counter)
        """How many events made a version of a ticket."""
        self.ordered: Counter[str] = Counter()
        """How many events decided about an order, by its id."""
        self.links: dict[str, Link] = {}
        self.linked: defaultdict[str, set[str | None]] = defaultdict(set)
        """Every ticket that a link ever named for a message."""
        self.tickets: dict[str, Ticket] = {}
        self.masked: dict[str, Ticket] = {}
        self.restricted: dict[str, Ticket] = {}
        self.values: dict[tuple[str, str], bytes] = {}
        """The bytes of the newest record of each topic and document."""
        self.messages: dict[str, bytes] = {}
        """The digest of the fields of each message's newest record: so many whole ones would be hundreds of MB."""
        self.emptied: defaultdict[str, list[Message]] = defaultdict(list)
        """What erasures leave of a message in the archive."""
        self.snapshots: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
        """The digest of each version of a masked ticket that was written."""
        self.deliveries: defaultdict[str, set[str]] = defaultdict(set)
        """What the log of deliveries says of each."""
        self.erased: dict[str, datetime] = {}
        """When it was decided that a ticket is erased."""
        self.audited: Counter[str] = Counter()
        """How often the audit log tells of a ticket's erasure."""
        self.disordered: set[str] = set()
        """Tickets of which an older version stands behind a newer one, or beside itself."""
        self.handovers: dict[str, int] = {}
        """When an emergency was first handed over, in ms since 1970, by message id."""
        self.intents: defaultdict[str, list[Outbox]] = defaultdict(list)
        """The intents to answer, by what each names itself."""
        self.answered: defaultdict[str, list[OutboxState]] = defaultdict(list)
        """How an answer went, in the order of the log."""
        self.crowded: set[str] = set()
        """Answers that an account began while another one of it to the same citizen had begun and not ended."""
        self.at_once: Counter[str] = Counter()
        """How many answers of an account had begun and not ended, at most."""
        self._begun: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """The answers that an account has begun and not ended, and to whom."""
        self.dead: set[int] = set()
        self.strange: list[str] = []
        """Dead letters that no number explains."""
        self.raw: set[int] = set()
        self.came: dict[str, int] = {}
        """When a raw record was first written, in ms since 1970, by message id."""
        self.records: Counter[str] = Counter()
        self.different: defaultdict[str, set[bytes]] = defaultdict(set)
        """Keys by topic, of the topics in which a repeat changes nothing."""

    def take(self, record: Any) -> None:
        """Enter one record; how a message begins that waits for the blob store proves nothing of the whole."""
        if is_beginning(record):
            return
        self.records[record.topic] += 1
        match record.topic:
            case topics.MESSAGE:
                self._message(record)
            case topics.EVENT:
                self._event(record)
            case topics.LINK:
                self._link(record)
            case topics.TICKET:
                self._snapshot(self.tickets, record)
            case topics.TICKET_MASKED:
                self._snapshot(self.masked, record)
                self.snapshots[record.key.decode()][decode(record.value, Ticket).version] = digest(record.value)
            case topics.TICKET_RESTRICTED:
                self._snapshot(self.restricted, record)
            case topics.AUDIT:
                act = decode(record.value, Audit)
                self.audited[act.subject or ""] += act.action == "erased"
            case topics.DELIVERY:
                line = decode(record.value, Delivery)
                self.deliveries[line.delivery_id].add(line.outcome)
            case topics.HANDOVER:
                self._handover(record)
            case topics.OUTBOX:
                self._outbox(record)
            case topics.DEAD:
                self._dead(record)
            case _:
                self._raw(record)

    @property
    def repeats(self) -> dict[str, int]:
        """Return how many records of a topic only repeat one: harmless, counted."""
        told = {name: self.records[name] - len(keys) for name, keys in self.different.items()}
        return {"raw": sum(self.records[name] for name in RAW) - len(self.came)} | told

    @property
    def slowest_seconds(self) -> dict[str, float]:
        """Return the longest times from Kafka's raw record to its decision, and to its hand-over."""
        decided = [min(at) - self.came[name] for name, at in self.filed.items() if at and name in self.came]
        handed = [at - self.came[name] for name, at in self.handovers.items() if name in self.came]
        return {"ticket": max(decided, default=0) / 1000, "handover": max(handed, default=0) / 1000}

    def slowest_since(self, begun: Mapping[int, float]) -> dict[str, float]:
        """Return the longest times from these numbers' being sent, in seconds since 1970, to the same."""
        at = {name: begun[number] for number, names in self.ids.items() if number in begun for name in names}
        decided = [min(self.filed[name]) / 1000 - sent for name, sent in at.items() if self.filed[name]]
        handed = [self.handovers[name] / 1000 - sent for name, sent in at.items() if name in self.handovers]
        return {"ticket": round(max(decided, default=0), 1), "handover": round(max(handed, default=0), 1)}

    def tickets_of(self, number: int) -> set[str]:
        """Return the tickets of a number that have been written."""
        links = (self.links.get(message_id) for message_id in self.ids.get(number, ()))
        return {link.ticket_id for link in links if link is not None and link.ticket_id in self.tickets}

    def decided_close(self, one: int, other: int, most: int) -> bool:
        """Return True if at most so many decisions of their city lie between those about two numbers."""
        turns = [[self.turn[name] for name in self.ids.get(number, ()) if name in self.turn] for number in (one, other)]
        return all(turns) and abs(min(turns[0]) - min(turns[1])) <= most

    def _raw(self, record: Any) -> None:
        self.raw |= _marked(record.value or b"")
        envelope = Envelope.of(record.headers)
        self.came.setdefault(ids.message_id(envelope.source, envelope.id), record.timestamp)

    def _message(self, record: Any) -> None:
        if Envelope.of(record.headers).type != type_of("message"):
            return
        message = decode(record.value, Message)
        self.different[topics.MESSAGE].add(message.message_id.encode())
        self.messages[message.message_id] = digest_of(record.value)
        found = _MARK.search(f"{message.text} {message.title}")
        if found:
            self.ids[int(found[1])].add(message.message_id)

    def _event(self, record: Any) -> None:
        event = decode(record.value, Event)
        if event.input.message_id:
            self.filed[event.input.message_id].append(record.timestamp)
            self.turn.setdefault(event.input.message_id, self._decided[event.jurisdiction])
            self._decided[event.jurisdiction] += 1
        if event.input.command_id:
            self.ordered[event.input.command_id] += 1
        for change in event.changes:
            if isinstance(change, changes.Erased):
                self.erased[change.ticket_id] = event.at
            if isinstance(change, changes.Erased | changes.Redacted | changes.MessagesErased):
                for gone in change.messages:
                    left = emptied(Target(gone.message_id, gone.month, event.jurisdiction, event.at, whole=True))
                    self.emptied[gone.message_id].append(left)
        for one in event.tickets:
            self.versions[one.ticket_id][one.version] += 1

    def _link(self, record: Any) -> None:
        link = decode(record.value, Link)
        self.links[link.message_id] = link
        self.linked[link.message_id].add(link.ticket_id)
        self.values[topics.LINK, link.message_id] = record.value

    def _snapshot(self, known: dict[str, Ticket], record: Any) -> None:
        ticket = decode(record.value, Ticket)
        before = known.get(ticket.ticket_id)
        if before is not None and before.version >= ticket.version:
            self.disordered.add(ticket.ticket_id)
            return
        known[ticket.ticket_id] = ticket
        stored = source_of(Document(Position(record.topic, 0, 0), record.key, record.value, list(record.headers)))
        self.values[record.topic, ticket.ticket_id] = stored

    def _handover(self, record: Any) -> None:
        handover = decode(record.value, Handover)
        self.different[topics.HANDOVER].add(handover.handover_id.encode())
        first = self.handovers.get(handover.message_id, record.timestamp)
        self.handovers[handover.message_id] = min(first, record.timestamp)

    def _outbox(self, record: Any) -> None:
        if Envelope.of(record.headers).type == type_of("outbox"):
            intent = decode(record.value, Outbox)
            self.intents[intent.outbox_id].append(intent)
        elif not Envelope.of(record.headers).source.startswith("/hotline/assign/"):  # that says: erased, send nothing
            self.went(decode(record.value, OutboxState))

    def went(self, told: OutboxState) -> None:
        """Enter how an answer went."""
        self.answered[told.outbox_id].append(told)
        begun = self._begun[told.account]
        if told.state != "sending":
            begun.pop(told.outbox_id, None)
            return
        citizen = next((one.recipient.value for one in self.intents.get(told.outbox_id, ())), told.outbox_id)
        if citizen in (to for outbox_id, to in begun.items() if outbox_id != told.outbox_id):
            self.crowded.add(told.outbox_id)
        begun[told.outbox_id] = citizen
        self.at_once[told.account] = max(self.at_once[told.account], len(begun))

    def _dead(self, record: Any) -> None:
        found = _marked(record.value or b"")
        self.different[topics.DEAD].add(record.key)
        self.dead |= found
        if not found:
            headers = {name: value.decode(errors="replace") for name, value in record.headers}
            self.strange.append(f"{headers.get('__connect.errors.stage')}: {headers.get('hotline.error.code')}")


def digest_of(value: bytes) -> bytes:
    """Return 16 bytes that stand for a JSON object, in whichever order its fields come."""
    return blake2b(msgspec.json.encode(msgspec.json.decode(value), order="deterministic"), digest_size=16).digest()


def _marked(value: bytes) -> set[int]:
    """Return the numbers that raw bytes hold, of whichever width."""
    return {int(found[1]) for found in _RAW_MARK.finditer(value)} | {
        int(found[1].decode("utf-16-be")) for found in _WIDE_MARK.finditer(value)
    }


class Reader:
    """Reads the topics from their beginnings into a ledger, call by call."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._consumer = KafkaConsumer(
            **connection.client_options(), isolation_level="read_committed", enable_auto_commit=False
        )
        self._places = [
            TopicPartition(name, number) for name in READ for number in self._consumer.partitions_for_topic(name) or ()
        ]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)
        self.ledger = Ledger()

    def read(self) -> Ledger:
        """Take everything that is there now."""
        ends = self._consumer.end_offsets(self._places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            found = self._consumer.poll(timeout_ms=200, max_records=5_000)
            for record in (record for records in found.values() for record in records):
                self.ledger.take(record)
        return self.ledger

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()
