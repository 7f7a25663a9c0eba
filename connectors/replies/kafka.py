"""Kafka clients of the outbox: a group member, a reader of one partition, and a producer that fences."""

from collections import OrderedDict
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from broker.aio_client import METADATA_MS, running
from broker.config import KafkaConnection
from broker.leader_epoch_aio import Epochs, Lost
from broker.topic_metadata import described, epochs_of
from connectors.groups import OUTBOX, transactional_id
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import OutboxState


def make_member(connection: KafkaConnection, session_seconds: float) -> AIOKafkaConsumer:
    """Return an unstarted consumer of the group, which only assigns the partitions."""
    return AIOKafkaConsumer(
        **connection.aiokafka_options(),
        group_id=OUTBOX,
        client_id=OUTBOX,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        metadata_max_age_ms=METADATA_MS,
        session_timeout_ms=int(session_seconds * 1000),
        heartbeat_interval_ms=int(session_seconds * 100),
    )


def make_reader(connection: KafkaConnection) -> AIOKafkaConsumer:
    """Return an unstarted consumer without a group."""
    return AIOKafkaConsumer(
        **connection.aiokafka_options(),
        client_id=f"{OUTBOX}-reader",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # if retention deletes the next record; else the reader would skip to the end
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )


async def follow(reader: AIOKafkaConsumer, place: TopicPartition, lost: Lost) -> str | None:
    """Rewind an unstarted reader if its partition loses its end; calls `lost` as `Epochs` does.

    Returns the id of the topic, or None if Kafka reports none.
    """
    facts = await described(reader._client, [place.topic])  # Kafka before 2.8 reports none
    current = epochs_of(facts)
    if facts and place not in current:
        raise UnknownTopicOrPartitionError
    Epochs(reader, lost).learn(current)
    return facts[place.topic].identifier if place.topic in facts else None


async def end_of(connection: KafkaConnection, place: TopicPartition) -> int:
    """Return the end of a partition, after the records of open transactions.

    For read_committed consumers, Kafka reports the end before the first open transaction.
    """
    async with running(AIOKafkaConsumer(**connection.aiokafka_options(), enable_auto_commit=False)) as asking:
        ends: dict[TopicPartition, int] = await asking.end_offsets([place])
    return ends[place]


async def end_own(producer: AIOKafkaProducer, place: TopicPartition) -> None:
    """Write only a commit marker into a partition.

    The marker ends any transaction that the same producer id left open there. Kafka may forget a transaction without
    writing its end marker, and then nothing else does: a new producer finds no transaction to end.
    """
    async with producer.transaction():
        producer._txn_manager.maybe_add_partition_to_txn(place)  # the public methods add no partition without a record


def make_producer(connection: KafkaConnection, partition: int, account: str | None = None) -> AIOKafkaProducer:
    """Return an unstarted transactional producer, whose start fences the former owner.

    The former owner is that of the partition, or of an account in it that sends over its session.
    """
    name = transactional_id(partition, account)
    return AIOKafkaProducer(**connection.aiokafka_options(), acks="all", linger_ms=0, transactional_id=name)


async def identifier_of(reader: AIOKafkaConsumer, topic: str) -> str | None:
    """Return the id of a topic, which changes when the topic is created anew; None if Kafka reports none."""
    facts = await described(reader._client, [topic])
    return facts[topic].identifier if topic in facts else None


def header(record: Any, wanted: str) -> bytes:
    """Return a header of a record, or empty bytes if it is missing."""
    return next((value or b"" for name, value in record.headers if name == wanted), b"")


# States of receipts: their records, and the newest ones of a partition, which are written again if Kafka loses them.

KEPT = 5_000
"""Limit of states per partition that can be written again: about ten minutes of a busy city. No address, no text."""


def id_of(told: OutboxState) -> str:
    """Return the id of a state's record."""
    return f"{told.outbox_id}:{told.state}:{told.attempts}"


def envelope_of(told: OutboxState) -> Envelope:
    """Return the envelope of a state."""
    return Envelope(
        id=id_of(told),
        source=f"/hotline/outbox/{told.jurisdiction}",
        type=type_of("outbox_state"),
        dataschema=schema_of("outbox_state"),
        time=told.at,
        recordedtime=told.at,
        subject=told.ticket_no,
        jurisdiction=told.jurisdiction,
        channel=told.channel,
        account=told.account,
        correlationid=told.ticket_id,
        causationid=told.outbox_id,
    )


class Told:
    """The newest states of one partition with their offsets; kept across the owners of the partition in a process."""

    def __init__(self) -> None:
        self._states: OrderedDict[str, tuple[int, OutboxState]] = OrderedDict()

    def note(self, offset: int, told: OutboxState) -> None:
        """Store a state that is in the log."""
        self._states[id_of(told)] = offset, told
        self._states.move_to_end(id_of(told))
        if len(self._states) > KEPT:
            self._states.popitem(last=False)

    def behind(self, offset: int) -> list[OutboxState]:
        """Return the states at an offset or later."""
        return [told for at, told in self._states.values() if at >= offset]

    def since(self, moment: datetime) -> dict[str, OutboxState]:
        """Return the states since a moment by id."""
        return {name: told for name, (_, told) in self._states.items() if told.at >= moment}
