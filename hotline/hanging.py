"""Finds transactions in Kafka that nobody ends any more: no reader of committed records gets past one."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import TopicPartition
from kafka.admin import TransactionDescription
from kafka.errors import KafkaError
from msgspec import Struct

from schemas import topics

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
