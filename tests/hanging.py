"""Transactions that hang, as Kafka leaves them when it marks no end in a partition whose leader it does not know."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from broker.aio_producer import make_producer
from broker.config import KafkaConnection
from schemas.codec import Outbound
from tests.fresh import admin_of
from tests.waiting import until

_VERIFY = "transaction.partition.verification.enable"


@asynccontextmanager
async def unverified(connection: KafkaConnection) -> AsyncIterator[None]:
    """Let Kafka take records of transactions of which it knows nothing."""
    await asyncio.to_thread(_verify, connection, "false")
    try:
        yield
    finally:
        await asyncio.to_thread(_verify, connection, "true")


def _verify(connection: KafkaConnection, wanted: str) -> None:
    with admin_of(connection) as admin:
        (broker,) = admin.describe_cluster()["brokers"]
        resource = ConfigResource(ConfigResourceType.BROKER, str(broker["broker_id"]), {_VERIFY: wanted})
        admin.alter_configs([resource])
        until(lambda: _now(admin, str(broker["broker_id"])) == wanted, "the broker did not take its setting")


def _now(admin: object, broker: str) -> str:
    asked = ConfigResource(ConfigResourceType.BROKER, broker)
    return str(admin.describe_configs([asked], config_filter="all")["broker"][broker][_VERIFY]["value"])


async def hang(
    connection: KafkaConnection,
    name: str,
    records: Iterable[Outbound],
    partition: int,
    *,
    decided: bool | None = None,
) -> None:
    """Write records in a transaction of which Kafka knows nothing more.

    With `decided` it has committed or aborted one a moment before, of which these are taken for a part.
    """
    written = list(records)
    producer = make_producer(connection, transactional_id=name)
    async with unverified(connection):
        await producer.start()
        try:
            if decided is not None:
                await _end_one(producer, written[0], partition, commit=decided)
                await asyncio.to_thread(_wait_for_its_mark, connection, name)
            await producer.begin_transaction()
            for one in written:
                producer._txn_manager._txn_partitions.add(TopicPartition(one.topic, partition))
                await producer.send_and_wait(
                    one.topic, one.value, key=one.key, headers=one.headers, partition=partition
                )
        finally:
            producer._txn_manager._txn_partitions.clear()  # else it would end it
            await producer.stop()


async def _end_one(producer: AIOKafkaProducer, one: Outbound, partition: int, *, commit: bool) -> None:
    await producer.begin_transaction()
    producer._txn_manager.maybe_add_partition_to_txn(TopicPartition(one.topic, partition))
    await (producer.commit_transaction() if commit else producer.abort_transaction())


def _wait_for_its_mark(connection: KafkaConnection, name: str) -> None:
    """Who commits is answered before the marks are written, and one that comes later would end what is written now."""
    with admin_of(connection) as admin:
        until(lambda: admin.describe_transactions([name])[name].state.value.startswith("Complete"), "it never ended")
