"""assign on the real Kafka: one transaction a chunk, fencing, restore; killed wherever it hurts."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka
from kafka import KafkaConsumer
from obstore.store import LocalStore
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound
from schemas.contract.releases import GOLDEN
from schemas.errors import PartitionError
from streams.state.checkpoint import save_checkpoint
from streams.state.partition import Owner, take_over
from tests.assign import logs
from tests.assign.workers import decided, finished, letters, worker
from tests.frozen import freeze
from tests.tickets.build import CITY, message
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration

POLICY = TicketPolicy()


@pytest.mark.parametrize("point", ["decided", "sent", "committed"])
@pytest.mark.faults
async def test_killed_anywhere_in_a_transaction(connection: KafkaConnection, blobs_folder: Path, point: str) -> None:
    messages = letters(60)
    await logs.write(connection, map(logs.outbound, messages[:40]))
    with worker(connection, blobs_folder, point, "1") as killed:
        assert await finished(killed) == -signal.SIGKILL
    await logs.write(connection, map(logs.outbound, messages[40:]))
    with worker(connection, blobs_folder):
        await logs.until_decided(connection, decided(messages))
    await logs.assert_nothing_lost_or_doubled(connection, messages)


async def owner_of(connection: KafkaConnection, blobs: LocalStore, partition: int) -> Owner:
    return await take_over(partition, connection, blobs, POLICY, lambda point: None)


async def inputs(connection: KafkaConnection, partition: int) -> list[logs.Record]:
    found = await logs.read(connection, topics.MESSAGE)
    return [record for record in found if record.partition == partition]


async def test_a_zombie_is_refused_and_its_successor_knows_everything(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    messages = [one for one in letters(20) if one.jurisdiction == CITY]
    await logs.write(connection, map(logs.outbound, messages))
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    records = await inputs(connection, partition)
    zombie = await owner_of(connection, blobs, partition)
    await zombie.work_off(records[:5])
    successor = await owner_of(connection, blobs, partition)
    with pytest.raises(kafka.ProducerFenced):
        await zombie.work_off(records[5:])
    assert len(await logs.events(connection)) == decided(messages[:5])
    await successor.work_off(records)
    await zombie.close()
    await successor.close()
    await logs.assert_nothing_lost_or_doubled(connection, messages)


@pytest.mark.faults
async def test_a_worker_that_was_stopped_and_continued_writes_nothing_twice(
    connection: KafkaConnection, blobs_folder: Path
) -> None:
    messages = letters(60)
    await logs.write(connection, map(logs.outbound, messages[:20]))
    with worker(connection, blobs_folder) as zombie:
        await logs.until_decided(connection, decided(messages[:20]))
        freeze(zombie.pid)
        with worker(connection, blobs_folder):
            await logs.write(connection, map(logs.outbound, messages[20:40]))
            await logs.until_decided(connection, decided(messages[:40]))
            zombie.send_signal(signal.SIGCONT)
            await logs.write(connection, map(logs.outbound, messages[40:]))
            await logs.until_decided(connection, decided(messages))
            await asyncio.sleep(2)
    await logs.assert_nothing_lost_or_doubled(connection, messages)


async def test_poison_in_the_middle_becomes_a_dead_letter(connection: KafkaConnection, blobs: LocalStore) -> None:
    before, after = message(1), message(2, "第二件事", sender="13900139000")
    good = logs.outbound(before)
    poison = [
        Outbound(topics.MESSAGE, b"broken", b'{"message_id": 7', good.headers, CITY),
        Outbound(topics.MESSAGE, b"foreign", b"{}", [("ce_type", b"org.example.other")], CITY),
        Outbound(topics.MESSAGE, b"empty", b"", good.headers, CITY),
    ]
    await logs.write(connection, [good, *poison, logs.outbound(after)])
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    owner = await owner_of(connection, blobs, partition)
    await owner.work_off(await inputs(connection, partition))
    await owner.close()
    await logs.assert_nothing_lost_or_doubled(connection, [before, after])
    dead = {record.key: record for record in await logs.dead(connection)}
    assert set(dead) == {b"broken", b"foreign", b"empty"}
    for sent in poison:
        record = dead[sent.key]
        assert record.value == sent.value
        assert list(record.headers)[: len(sent.headers)] == sent.headers
    codes = {key: dict(record.headers)["hotline.error.code"] for key, record in dead.items()}
    assert codes == {b"broken": b"schema", b"foreign": b"unsupported", b"empty": b"schema"}


async def test_a_chunk_read_again_changes_nothing(connection: KafkaConnection, blobs: LocalStore) -> None:
    messages = [one for one in letters(10) if one.jurisdiction == CITY]
    await logs.write(connection, map(logs.outbound, messages))
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    records = await inputs(connection, partition)
    for _ in range(2):
        owner = await owner_of(connection, blobs, partition)
        await owner.work_off(records)
        await owner.work_off(records)
        await owner.close()
    await logs.assert_nothing_lost_or_doubled(connection, messages)


async def test_restore_is_the_same_with_and_without_a_checkpoint(
    connection: KafkaConnection, blobs: LocalStore, tmp_path: Path
) -> None:
    messages = [one for one in letters(40) if one.jurisdiction == CITY]
    await logs.write(connection, map(logs.outbound, messages))
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    records = await inputs(connection, partition)
    owner = await owner_of(connection, blobs, partition)
    await owner.work_off(records[:10])
    await save_checkpoint(blobs, partition, owner.restored)
    await owner.work_off(records[10:])
    empty = LocalStore(tmp_path)
    with_checkpoint = await logs.restored(connection, blobs, partition)
    without = await logs.restored(connection, empty, partition)
    assert with_checkpoint.state.dump() == without.state.dump() == owner.restored.state.dump()
    assert with_checkpoint.last_event == without.last_event == owner.restored.last_event
    await owner.close()


async def test_a_checkpoint_of_another_log_is_not_believed(connection: KafkaConnection, blobs: LocalStore) -> None:
    await logs.write(connection, [logs.outbound(message(1)), logs.outbound(message(2, "二"))])
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    owner = await owner_of(connection, blobs, partition)
    await owner.work_off(await inputs(connection, partition))
    owner.restored.last_event_id = "of another log"
    await save_checkpoint(blobs, partition, owner.restored)
    restored = await logs.restored(connection, blobs, partition)
    assert restored.last_event_id == message(2).message_id
    await owner.close()


async def test_an_input_topic_that_ends_before_its_decisions_is_told_and_its_inputs_are_decided(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    """It was made anew, or Kafka lost its end: the city's next messages must not wait until somebody comes."""
    messages = [message(1), message(2, "二"), message(3, "三")]
    await logs.write(connection, [logs.outbound(one) for one in messages[:2]])
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    owner = await owner_of(connection, blobs, partition)
    records = await inputs(connection, partition)
    for record in records:
        record.offset += 1000  # as if a longer topic had been read
    await owner.work_off(records)
    await owner.close()
    before, owner = gone(), await owner_of(connection, blobs, partition)
    assert gone() == before + 1000
    await logs.write(connection, [logs.outbound(messages[2])])
    await owner.work_off(await inputs(connection, partition))
    await owner.close()
    await logs.assert_nothing_lost_or_doubled(connection, messages)
    before, owner = gone(), await owner_of(connection, blobs, partition)
    assert gone() == before
    await owner.close()


def gone() -> float:
    labels = {"topic": topics.MESSAGE, "end": "new"}
    return REGISTRY.get_sample_value("hotline_streams_records_gone_total", labels) or 0


async def test_a_decision_of_a_later_version_is_told_and_never_skipped(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    event = json.loads((GOLDEN / "event.json").read_bytes())
    event["changes"].append({"change": "praised"})
    await logs.write(connection, [Outbound(topics.EVENT, b"x", json.dumps(event).encode(), [], CITY)])
    (record,) = await logs.read(connection, topics.EVENT)
    with pytest.raises(PartitionError, match=f"offset {record.offset} is a decision that this version of hotline"):
        await owner_of(connection, blobs, record.partition)


async def test_open_transactions_are_invisible(connection: KafkaConnection, blobs: LocalStore) -> None:
    await logs.write(connection, [logs.outbound(message(1))])
    partition = (await logs.read(connection, topics.MESSAGE))[0].partition
    committed = []

    class Killed(BaseException):
        pass

    def die(point: str) -> None:
        if point == "sent":
            raise Killed

    owner = await take_over(partition, connection, blobs, POLICY, die)
    with pytest.raises(Killed):
        await owner.work_off(await inputs(connection, partition))
    consumer = KafkaConsumer(**connection.client_options(), isolation_level="read_committed")
    assert TopicPartition(topics.EVENT, partition).partition in consumer.partitions_for_topic(topics.EVENT)
    consumer.close()
    committed += await logs.events(connection)
    assert committed == []
    successor = await owner_of(connection, blobs, partition)
    await successor.work_off(await inputs(connection, partition))
    await logs.assert_nothing_lost_or_doubled(connection, [message(1)])
    await successor.close()
    await owner.close()
