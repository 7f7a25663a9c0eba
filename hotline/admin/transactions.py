"""Ends hanging transactions as Kafka had decided, or as an operator orders if Kafka no longer knows."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct as Packed
from typing import Any, Literal

from kafka import TopicPartition
from kafka.admin import AbortTransactionSpec, OffsetSpec, TransactionDescription
from kafka.errors import KafkaError
from msgspec import Struct

from broker.config import KafkaConnection
from broker.sync_client import reader, up_to
from hotline.admin.cluster import Cluster, admin
from schemas import topics
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError

# Reads records of `__transaction_state`, in which Kafka's coordinators keep the state of each transaction.

_STATES = (
    "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"
)  # fmt: skip

_SHORT, _INT, _LONG = Packed(">h"), Packed(">i"), Packed(">q")
_HEAD = Packed(">hqhib")


class Entry(Struct, frozen=True, kw_only=True):
    """State of a transaction; `places` are the partitions to be marked."""

    producer_id: int
    producer_epoch: int
    state: str
    places: frozenset[TopicPartition]
    at: datetime
    started_at: datetime


def partition_of(transactional_id: str, partitions: int) -> int:
    """Return the partition of a transactional id in that topic, by Java's hash."""
    value = 0
    for unit in transactional_id.encode("utf-16-be")[1::2]:  # ours are ASCII
        value = (31 * value + unit) & 0xFFFFFFFF
    return (value & 0x7FFFFFFF) % partitions


def entries(key: bytes | None, value: bytes | None, transactional_id: str) -> Iterator[Entry]:
    """Yield the entry of a record if it is one of this transactional id; none for a version that we do not know."""
    if key is None or value is None or key[:2] != b"\0\0" or key[4:] != transactional_id.encode():
        return
    version, producer_id, epoch, _, state = _HEAD.unpack_from(value)
    if version not in (0, 1) or state >= len(_STATES):
        return
    reading = _Reading(value, _HEAD.size, compact=version == 1)
    places = frozenset(reading.places())
    at, started_at = reading.moment(), reading.moment()
    yield Entry(
        producer_id=producer_id,
        producer_epoch=epoch,
        state=_STATES[state],
        places=places,
        at=at,
        started_at=started_at,
    )


class _Reading:
    """Goes through a value; Kafka's later format has compact lengths, and room for fields that nobody knows yet."""

    def __init__(self, value: bytes, at: int, *, compact: bool) -> None:
        self._value = value
        self._at = at
        self._compact = compact

    def places(self) -> Iterator[TopicPartition]:
        for _ in range(self._length(_INT)):
            length = self._length(_SHORT)
            topic = self._value[self._at : self._at + length].decode()
            self._at += length
            for _ in range(self._length(_INT)):
                yield TopicPartition(topic, self._number(_INT))
            if self._compact:
                self._skip_tags()

    def moment(self) -> datetime:
        return datetime.fromtimestamp(max(self._number(_LONG), 0) / 1000, UTC)

    def _number(self, packed: Packed) -> int:
        (number,) = packed.unpack_from(self._value, self._at)
        self._at += packed.size
        return int(number)

    def _length(self, packed: Packed) -> int:
        """Return how many follow; nothing is none."""
        return max(self._varint() - 1 if self._compact else self._number(packed), 0)

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._value[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def _skip_tags(self) -> None:
        for _ in range(self._varint()):
            self._varint()
            self._at += self._varint()


# Finds transactions in Kafka that nobody ends any more: no reader of committed records gets past one.

TOPICS = (
    topics.EVENT,
    topics.LINK,
    topics.TICKET,
    topics.TICKET_MASKED,
    topics.TICKET_RESTRICTED,
    topics.HANDOVER,
    topics.OUTBOX,
    topics.AUDIT,
    topics.DEAD,
)
"""Those that we write to in transactions."""

WATCHED = tuple(topic for topic in TOPICS if topic != topics.AUDIT)
"""Of them those that the monitor looks at: only auditors read the audit log, whose transactions are the events'."""

LONGEST = timedelta(minutes=15)
"""No broker allows a transaction so long (`transaction.max.timeout.ms`)."""

APART = timedelta(seconds=3)
"""Between the two looks that it takes to call one hanging."""

_ENDING = ("PrepareCommit", "PrepareAbort", "PrepareEpochFence")


class Open(Struct, frozen=True, kw_only=True):
    """A transaction of which a partition holds records and no end; `start` is the offset of the first of them.

    `coordinator_epoch` is that of the last mark of its producer, -1 before the first: Kafka takes none that is older.
    """

    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    coordinator_epoch: int
    start: int
    last_at: datetime

    @property
    def place(self) -> TopicPartition:
        """Return the partition as kafka-python names it."""
        return TopicPartition(self.topic, self.partition)


class Hanging(Struct, frozen=True, kw_only=True):
    """One that nobody will end; `transactional_id` is None where Kafka has forgotten whose it was, or does not tell."""

    open: Open
    transactional_id: str | None

    @property
    def same(self) -> tuple[TopicPartition, int, int]:
        """Return by what it is known again."""
        return self.open.place, self.open.producer_id, self.open.start


class Found(Struct, frozen=True, kw_only=True):
    """What one look found: what may hang, and the topics that were looked into."""

    suspected: Sequence[Hanging]
    seen: frozenset[str]


def look(client: Any, places: Iterable[TopicPartition], now: datetime) -> Found:
    """Look once with an administration client: what is suspected may just be ending. Raises no KafkaError.

    The partitions are asked first: what the coordinator says it has ended afterwards has its mark there. What is
    still open at the next look then stays so.
    """
    by_topic: dict[str, list[TopicPartition]] = {}
    for place in places:
        by_topic.setdefault(place.topic, []).append(place)
    opened: list[Open] = []
    seen: set[str] = set()
    for topic, its in by_topic.items():
        try:
            opened += _open(client.describe_producers(its))
        except KafkaError:  # no right to read it, a partition without a leader, a broker that is too old
            continue
        seen.add(topic)
    try:
        return Found(suspected=list(_suspected(client, opened, now)), seen=frozenset(seen))
    except KafkaError:  # a coordinator that moves, most of all
        return Found(suspected=(), seen=frozenset())


def _open(described: Any) -> Iterator[Open]:
    for place, state in described.items():
        for one in state.active_producers:
            if one.current_transaction_start_offset >= 0:
                yield Open(
                    topic=place.topic,
                    partition=place.partition,
                    producer_id=one.producer_id,
                    producer_epoch=one.producer_epoch,
                    coordinator_epoch=one.coordinator_epoch,
                    start=one.current_transaction_start_offset,
                    last_at=datetime.fromtimestamp(one.last_timestamp / 1000, UTC),
                )


def _suspected(client: Any, opened: Sequence[Open], now: datetime) -> Iterator[Hanging]:
    if not opened:
        return
    listed = client.list_transactions(producer_id_filters=sorted({one.producer_id for one in opened}))
    names = sorted({one.transactional_id for ones in listed.values() for one in ones})
    known = {one.producer_id: (name, one) for name, one in client.describe_transactions(names).items()}
    for one in opened:
        name, transaction = known.get(one.producer_id, (None, None))
        if not (_will_end(one, transaction) if transaction else now - one.last_at < LONGEST):
            yield Hanging(open=one, transactional_id=name)


def _will_end(one: Open, transaction: TransactionDescription) -> bool:
    """Say whether the coordinator holds this very transaction, and so ends it."""
    if one.place not in transaction.topic_partitions:
        return False
    if transaction.state.value in _ENDING:
        return True  # for whichever epoch: the mark ends it
    return bool(transaction.state.value == "Ongoing" and transaction.producer_epoch == one.producer_epoch)


class Hangings:
    """Looks now and then; what two looks suspect hangs."""

    def __init__(self) -> None:
        self._before: dict[tuple[TopicPartition, int, int], datetime] = {}

    def look(self, client: Any, places: Iterable[TopicPartition], now: datetime) -> tuple[list[Hanging], Found]:
        """Return what hangs, and what was found."""
        found = look(client, places, now)
        since = {one.same: self._before.get(one.same, now) for one in found.suspected}
        self._before = {same: at for same, at in self._before.items() if same[0].topic not in found.seen} | since
        return [one for one in found.suspected if now - since[one.same] >= APART], found


LOG = "__transaction_state"

End = Literal["commit", "abort"]

_DECIDED: dict[str, End] = {"PrepareCommit": "commit", "PrepareAbort": "abort", "PrepareEpochFence": "abort"}

_SKEW = timedelta(seconds=1)
"""How far the clocks of two brokers may differ."""


class Finding(Struct, frozen=True, kw_only=True):
    """A hanging transaction, how many records of its partition wait behind its first, and how Kafka had ended it."""

    hanging: Hanging
    waiting: int
    decided: End | None

    def may_end(self, end: End) -> bool:
        """Say whether it may be ended like this: never otherwise than the other partitions of it were."""
        return self.decided in (None, end)


def find(
    connection: KafkaConnection, names: Sequence[str], wait: Callable[[float], None] = time.sleep
) -> list[Finding]:
    """Return what hangs in these topics, after two looks. Raises errors of ours."""
    hangings = Hangings()
    with admin(connection) as client:
        there = Cluster(client).topics(names)
        if there.hidden:
            raise UnauthorizedError(f"Our user may not read {min(there.hidden)}: see docs/how-to/secure.md.")
        places = [TopicPartition(name, n) for name, facts in there.topics.items() for n in range(facts.partitions)]
        suspected, first = hangings.look(client, places, datetime.now(UTC))
        if first.suspected:
            wait(APART.total_seconds())
            suspected, first = hangings.look(client, places, datetime.now(UTC))
        if unseen := there.topics.keys() - first.seen:
            raise UnreachableError(
                f"Kafka does not return the transactions in {min(unseen)}: check that each partition has a "
                "leader and that our user may read it (docs/how-to/secure.md)."
            )
        waiting = _waiting(client, suspected)
    return [
        Finding(hanging=one, waiting=count, decided=_decided(connection, one))
        for one, count in zip(suspected, waiting, strict=True)
    ]


def _waiting(client: Any, hangings: Iterable[Hanging]) -> list[int]:
    asked = [one.open for one in hangings]
    ends = client.list_partition_offsets({one.place: OffsetSpec.LATEST for one in asked}) if asked else {}
    return [ends[one.place].offset - one.start for one in asked]


def _decided(connection: KafkaConnection, one: Hanging) -> End | None:
    """Return how Kafka ended the transaction that these records belong to, if its own log still says."""
    if one.transactional_id is None:
        return None
    return decided(one, _told(connection, one.transactional_id))


def decided(one: Hanging, told: Iterable[Entry]) -> End | None:
    """Return the last end that Kafka meant for the partition: the mark of a later one would have ended this as well.

    None where the records are not of that time, or of another epoch: then they came too late to be part of it.
    """
    opened = one.open
    its = [entry for entry in told if entry.producer_id == opened.producer_id and opened.place in entry.places]
    ends = [entry for entry in its if entry.state in _DECIDED]
    if not ends:
        return None
    last = ends[-1]
    epochs = (last.producer_epoch, last.producer_epoch - 1) if last.state != "PrepareCommit" else (last.producer_epoch,)
    in_its_time = last.started_at - _SKEW <= opened.last_at <= last.at + _SKEW
    return _DECIDED[last.state] if in_its_time and opened.producer_epoch in epochs else None


def _told(connection: KafkaConnection, transactional_id: str) -> Iterator[Entry]:
    """Read what the coordinator wrote about one transactional id."""
    with reader(connection, isolation_level="read_uncommitted") as consumer:
        count = len(consumer.partitions_for_topic(LOG) or ())
        if not count:
            raise UnreachableError(
                f"Kafka does not show our user {LOG}, which records how transactions ended: use a user that may read it"
            )
        place = TopicPartition(LOG, partition_of(transactional_id, count))
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        for polled in up_to(consumer, consumer.end_offsets([place])):
            for record in polled.get(place, ()):
                yield from entries(record.key, record.value, transactional_id)


def end(connection: KafkaConnection, finding: Finding, how: End) -> None:
    """Mark the end of one. Raises MisconfiguredError where Kafka had decided otherwise, and errors of ours."""
    if not finding.may_end(how):
        raise MisconfiguredError(f"Kafka decided to {finding.decided} it: end it so.")
    opened = finding.hanging.open
    spec = AbortTransactionSpec(opened.place, opened.producer_id, opened.producer_epoch, opened.coordinator_epoch)
    with admin(connection) as client:
        client._manager.run(_mark, client, spec, how == "commit")


async def _mark(client: Any, spec: AbortTransactionSpec, commit: bool) -> None:
    """Do as the client's `abort_transaction` does, which knows no commit."""
    (leader,) = await client._async_get_leader_for_partitions([spec.topic_partition])
    request = client._abort_transaction_request(spec)
    request.markers[0].transaction_result = commit
    client._abort_transaction_process_response(await client._manager.send(request, node_id=leader), spec)
