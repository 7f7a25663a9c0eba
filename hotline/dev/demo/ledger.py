"""The ledger: reads the topics back from their beginnings and accounts for every message."""

from collections.abc import Callable, Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from msgspec import Struct, field

from broker.config import KafkaConnection
from broker.sync_client import connected
from normalizers.handover import handover
from schemas import topics
from schemas.codec import decode
from schemas.envelope import Envelope, type_of
from schemas.records import Handover, Link, Message, Ticket
from schemas.records.dead_letter import PREFIX
from schemas.records.raw import BEGINNING
from streams.engine import groups

Name = tuple[str, str]
"""`ce_source` and `ce_id`: what names a message for ever."""


class Totals(Struct, frozen=True, kw_only=True):
    """What the topics hold: distinct messages, not records."""

    published: dict[str, int]
    messages: int
    dead: int
    tickets: int
    linked: int
    no_ticket: int
    handovers: int
    repeats: int
    """Raw records of messages that were there already."""
    unheard: int
    """Emergencies that are not handed over yet: `screen` runs beside the others, and may be the last."""

    @property
    def balanced(self) -> bool:
        """Say whether every published message is accounted for, once, and every emergency handed over."""
        arrived = sum(self.published.values())
        filed = self.tickets + self.linked + self.no_ticket
        return arrived == self.messages + self.dead and self.messages == filed and not self.unheard


class Ledger(Struct, kw_only=True):
    """Everything that was read so far."""

    records: int = 0
    """Raw records, each delivery counted."""
    raw: dict[Name, Envelope] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    urgent: set[str] = field(default_factory=set)
    dead: dict[Name, str] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    handovers: dict[str, Handover] = field(default_factory=dict)

    def totals(self) -> Totals:
        """Count what is there now."""
        published: dict[str, int] = {}
        for envelope in self.raw.values():
            channel = envelope.channel or "record"
            published[channel] = published.get(channel, 0) + 1
        silent = sum(link.relation == "no_ticket" for link in self.links.values())
        return Totals(
            published=dict(sorted(published.items())),
            messages=len(self.messages),
            dead=len(self.dead),
            tickets=len(self.tickets),
            linked=len(self.links) - silent - len(self.tickets),
            no_ticket=silent,
            handovers=len(self.handovers),
            repeats=self.records - len(self.raw),
            unheard=len(self.urgent - self.handovers.keys()),
        )

    def take(self, record: Any) -> None:
        """Enter one record."""
        reader = _READERS.get(record.topic)
        if reader is not None:
            reader(self, record)
        elif record.topic in (*topics.LIVE_RAW, topics.BACKFILL):
            envelope = Envelope.of(record.headers)
            if envelope.type == BEGINNING:
                return
            self.records += 1
            self.raw[envelope.source, envelope.id] = envelope

    def _message(self, record: Any) -> None:
        if Envelope.of(record.headers).type != type_of("message"):
            return
        message = decode(record.value, Message)
        self.messages.add(message.message_id)
        if handover(message) is not None:
            self.urgent.add(message.message_id)

    def _dead(self, record: Any) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        if headers[f"{PREFIX}stage"] == "normalize":
            self.dead[headers["ce_source"], headers["ce_id"]] = headers["hotline.error.code"]

    def _link(self, record: Any) -> None:
        link = decode(record.value, Link)
        self.links[link.message_id] = link

    def _ticket(self, record: Any) -> None:
        ticket = decode(record.value, Ticket)
        known = self.tickets.get(ticket.ticket_id)
        if known is None or known.version <= ticket.version:
            self.tickets[ticket.ticket_id] = ticket

    def _handover(self, record: Any) -> None:
        told = decode(record.value, Handover)
        self.handovers[told.handover_id] = told


_READERS: dict[str, Callable[[Ledger, Any], None]] = {
    topics.MESSAGE: Ledger._message,
    topics.DEAD: Ledger._dead,
    topics.LINK: Ledger._link,
    topics.TICKET: Ledger._ticket,
    topics.HANDOVER: Ledger._handover,
}

_INPUTS: dict[str, tuple[str, ...]] = {
    groups.NORMALIZE: (*topics.LIVE_RAW, topics.BACKFILL, topics.FLOOD),
    groups.ASSIGN: (topics.MESSAGE,),
}
"""What the stages read, by consumer group."""


class TopicReader:
    """Reads every topic of the pipeline from its beginning, committed records only."""

    def __init__(self, connection: KafkaConnection) -> None:
        options = connection.client_options()
        self._admin = connected(KafkaAdminClient, **options)
        self._consumer = connected(KafkaConsumer, **options, isolation_level="read_committed", enable_auto_commit=False)
        names = (*topics.LIVE_RAW, topics.BACKFILL, topics.FLOOD, *_READERS)
        self._places = [
            TopicPartition(name, number)
            for name in names
            for number in sorted(self._consumer.partitions_for_topic(name) or ())
        ]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)

    def read(self, milliseconds: int = 100) -> Iterator[Any]:
        """Yield what came since the last call."""
        for records in self._consumer.poll(timeout_ms=milliseconds, max_records=5_000).values():
            yield from records

    def all(self) -> Iterator[Any]:
        """Yield what came since the last call and is there by now, however long that takes."""
        ends = self._consumer.end_offsets(self._places)
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            yield from self.read()

    def unfinished(self) -> int:
        """Return how many records `normalize` and `assign` have not worked off: a repeat leaves no other trace."""
        ends = self._consumer.end_offsets(self._places)
        done = self._admin.list_group_offsets(list(_INPUTS))
        return sum(
            ends[place] - (done[group][place].offset if place in done.get(group, ()) else 0)
            for group, names in _INPUTS.items()
            for place in self._places
            if place.topic in names
        )

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()
        self._admin.close()
