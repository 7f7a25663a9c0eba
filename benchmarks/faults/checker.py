"""The checker: reads every topic and the archive back, and says what is lost, doubled, half done or stale.

It knows nothing of the pipeline but its contract: what was sent, and what must be there for it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from kafka import KafkaConsumer, TopicPartition

from benchmarks.faults.sources import Numbered
from schemas import topics
from schemas.connection import KafkaConnection
from schemas.elastic import indices
from schemas.envelope import Envelope, type_of
from schemas.records import Event, Handover, Link, Message, Ticket
from schemas.wire import decode

_MARK = re.compile(r"hb(\d{8})")
_RAW_MARK = re.compile(rb"hb(\d{8})")
_WIDE_MARK = re.compile(rb"\0h\0b((?:\0\d){8})")

READ = (
    *(topics.raw(channel) for channel in ("mailbox", "wechat", "sms")),
    topics.MESSAGE, topics.EVENT, topics.LINK, topics.TICKET, topics.TICKET_MASKED, topics.HANDOVER, topics.DEAD,
)  # fmt: skip


class Ledger:
    """What the topics hold, as readers of committed records see it."""

    def __init__(self) -> None:
        self.ids: defaultdict[int, set[str]] = defaultdict(set)
        """Message ids by number; a number with two was doubled by its connector."""
        self.filed: Counter[str] = Counter()
        """How many events decided about a message."""
        self.versions: defaultdict[str, Counter[int]] = defaultdict(Counter)
        """How many events made a version of a ticket."""
        self.links: dict[str, Link] = {}
        self.tickets: dict[str, Ticket] = {}
        self.masked: dict[str, Ticket] = {}
        self.handovers: set[str] = set()
        self.dead: set[int] = set()
        self.strange: list[str] = []
        """Dead letters that no number explains."""
        self.raw: set[int] = set()
        self.records: Counter[str] = Counter()

    def take(self, record: Any) -> None:
        """Enter one record."""
        self.records[record.topic] += 1
        match record.topic:
            case topics.MESSAGE:
                self._message(record)
            case topics.EVENT:
                self._event(decode(record.value, Event))
            case topics.LINK:
                link = decode(record.value, Link)
                self.links[link.message_id] = link
            case topics.TICKET:
                self._snapshot(self.tickets, record)
            case topics.TICKET_MASKED:
                self._snapshot(self.masked, record)
            case topics.HANDOVER:
                self.handovers.add(decode(record.value, Handover).handover_id)
            case topics.DEAD:
                self._dead(record)
            case _:
                self.raw |= _marked(record.value or b"")

    def _message(self, record: Any) -> None:
        if Envelope.of(record.headers).type != type_of("message"):
            return
        message = decode(record.value, Message)
        found = _MARK.search(f"{message.text} {message.title}")
        if found:
            self.ids[int(found[1])].add(message.message_id)

    def _event(self, event: Event) -> None:
        if event.input.message_id:
            self.filed[event.input.message_id] += 1
        for one in event.tickets:
            self.versions[one.ticket_id][one.version] += 1

    def _snapshot(self, known: dict[str, Ticket], record: Any) -> None:
        ticket = decode(record.value, Ticket)
        before = known.get(ticket.ticket_id)
        if before is None or before.version <= ticket.version:
            known[ticket.ticket_id] = ticket

    def _dead(self, record: Any) -> None:
        found = _marked(record.value or b"")
        self.dead |= found
        if not found:
            headers = {name: value.decode(errors="replace") for name, value in record.headers}
            self.strange.append(f"{headers.get('__connect.errors.stage')}: {headers.get('hotline.error.code')}")


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


def in_topics(sent: Iterable[Numbered], ledger: Ledger) -> dict[str, list[str]]:
    """Return what is wrong in the topics, by kind; nothing when every number is where it belongs, once."""
    return _only_faults(_topic_faults(list(sent), ledger))


def _topic_faults(sent: list[Numbered], ledger: Ledger) -> Iterator[tuple[str, str]]:
    planted = {message.number for message in sent if message.is_poison}
    for message in sent:
        ids = ledger.ids.get(message.number, set())
        if message.number in planted:
            if message.number not in ledger.dead:
                yield "planted dead letter missing", message.mark
            continue
        if not ids:
            yield "lost before message" if message.number in ledger.raw else "lost before raw", message.mark
        if len(ids) > message.parts:
            yield "doubled", message.mark
        elif ids and len(ids) < message.parts:
            yield "lost a part", message.mark
        elif message.parts > 1 and not _is_joined(message, ids, ledger):
            yield "parts not joined", message.mark
        for message_id in ids:
            yield from _message_faults(message, message_id, ledger)
    for number in ledger.dead - planted:
        yield "dead letter that was not planted", str(number)
    for strange in ledger.strange:
        yield "strange dead letter", strange
    yield from _ticket_faults(ledger)


def _message_faults(message: Numbered, message_id: str, ledger: Ledger) -> Iterator[tuple[str, str]]:
    link = ledger.links.get(message_id)
    if ledger.filed[message_id] != 1:
        yield f"decided {ledger.filed[message_id]} times", message.mark
    if link is None or link.ticket_id is None:
        yield "without a link to a ticket", message.mark
    elif link.ticket_id not in ledger.tickets:
        yield "linked to no ticket", message.mark
    if message.is_urgent and message_id not in ledger.handovers:
        yield "emergency not handed over", message.mark


def _is_joined(message: Numbered, ids: set[str], ledger: Ledger) -> bool:
    tickets = {link.ticket_id for one in ids if (link := ledger.links.get(one))}
    ticket = ledger.tickets.get(next(iter(tickets)) or "") if len(tickets) == 1 else None
    return ticket is not None and ticket.text == message.text


def _ticket_faults(ledger: Ledger) -> Iterator[tuple[str, str]]:
    for ticket_id, versions in ledger.versions.items():
        newest = max(versions)
        if sorted(versions) != list(range(1, newest + 1)) or set(versions.values()) != {1}:
            yield "version chain broken", ticket_id
        for name, known in (("ticket", ledger.tickets), ("masked ticket", ledger.masked)):
            if ticket_id not in known:
                yield f"{name} never written", ticket_id
            elif known[ticket_id].version != newest:
                yield f"{name} at an older version", ticket_id
    for ticket_id in ledger.tickets.keys() - ledger.versions.keys():
        yield "ticket without an event", ticket_id


def in_archive(ledger: Ledger, url: str) -> dict[str, list[str]]:
    """Return what is wrong in the archive: each ticket, message and link must be there at its last version."""
    client = Elasticsearch(url)
    try:
        client.indices.refresh(index="hotline-*")
        return _only_faults(_archive_faults(ledger, client))
    finally:
        client.close()


def _archive_faults(ledger: Ledger, client: Elasticsearch) -> Iterator[tuple[str, str]]:
    wanted: Mapping[str, Mapping[str, int]] = {
        "ticket": {name: one.version for name, one in ledger.tickets.items()},
        "ticket_masked": {name: one.version for name, one in ledger.masked.items()},
        "link": {name: one.version for name, one in ledger.links.items()},
    }
    for index, versions in wanted.items():
        there = _versions(client, indices()[index].alias)
        for name, version in versions.items():
            if name not in there:
                yield f"{index} not in the archive", name
            elif there[name] != version:
                yield f"{index} stale in the archive", name
        for name in there.keys() - versions.keys():
            yield f"{index} in the archive that no topic has", name
    messages = _versions(client, indices()["message"].alias)
    for message_id in (one for ids in ledger.ids.values() for one in ids):
        if message_id not in messages:
            yield "message not in the archive", message_id


def _versions(client: Elasticsearch, alias: str) -> dict[str, int | None]:
    if not client.indices.exists_alias(name=alias):  # a monthly index comes with its first document
        return {}
    found = scan(client, index=alias, query={"_source": ["version"]}, size=5_000)
    return {hit["_id"]: hit["_source"].get("version") for hit in found}


def _only_faults(faults: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    told: defaultdict[str, list[str]] = defaultdict(list)
    for kind, what in faults:
        told[kind].append(what)
    return dict(told)
