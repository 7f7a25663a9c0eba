"""An event log that lost decisions: nobody goes on as if they had never been made."""

import pytest
from aiokafka.errors import OffsetOutOfRangeError
from kafka import TopicPartition
from obstore.store import LocalStore

from hotline.cluster import admin
from schemas import topics
from schemas.connection import KafkaConnection
from schemas.errors import MisconfiguredError
from streams import logs as read_logs
from streams.checkpoint_store import save_checkpoint
from streams.owner import Owner, take_over
from tests.assign import logs
from tests.tickets.build import message
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration

SAID = [message(number, f"第{number}件事", sender=str(13800000000 + number)) for number in range(4)]


async def owner_of(connection: KafkaConnection, blobs: LocalStore, partition: int) -> Owner:
    return await take_over(partition, connection, blobs, TicketPolicy(), lambda point: None)


async def decided(connection: KafkaConnection, blobs: LocalStore, *, checkpoint_after: int = 0) -> int:
    """Decide in transactions of their own, and return the partition."""
    await logs.write(connection, map(logs.outbound, SAID))
    records = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, records[0].partition)
    for number, record in enumerate(records, 1):
        await owner.work_off([record])
        if number == checkpoint_after:
            await save_checkpoint(blobs, records[0].partition, owner.restored)
    await owner.close()
    return records[0].partition


async def lose(connection: KafkaConnection, partition: int, decisions: int) -> None:
    """Delete the oldest decisions, each with the marker behind it."""
    await logs.settle(connection)
    with admin(connection) as client:
        client.delete_records({TopicPartition(topics.EVENT, partition): 2 * decisions})


@pytest.mark.parametrize("left", [0, 2])
async def test_lost_decisions_are_told_and_numbers_are_not_given_again(
    connection: KafkaConnection, blobs: LocalStore, left: int
) -> None:
    partition = await decided(connection, blobs)
    await lose(connection, partition, len(SAID) - left)
    with pytest.raises(MisconfiguredError, match=rf"partition {partition} begins at {2 * (len(SAID) - left)}, but"):
        await owner_of(connection, blobs, partition)


async def test_those_behind_a_checkpoint_are_told_too(connection: KafkaConnection, blobs: LocalStore) -> None:
    partition = await decided(connection, blobs, checkpoint_after=1)
    await lose(connection, partition, 3)
    with pytest.raises(MisconfiguredError, match="from 1 on is in no checkpoint"):
        await owner_of(connection, blobs, partition)


@pytest.mark.parametrize("lost", [1, 2, 4])
async def test_what_a_checkpoint_holds_may_go(connection: KafkaConnection, blobs: LocalStore, lost: int) -> None:
    partition = await decided(connection, blobs, checkpoint_after=lost)
    await lose(connection, partition, lost)
    owner = await owner_of(connection, blobs, partition)
    assert len(owner.restored.state.tickets) == len(SAID)
    await owner.close()


async def test_what_retention_took_after_years_is_not_missed(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_logs, "_LONG_AGO", -3600.0)
    partition = await decided(connection, blobs)
    await lose(connection, partition, 2)
    owner = await owner_of(connection, blobs, partition)
    assert len(owner.restored.state.tickets) == 2
    await owner.close()


async def test_decisions_that_go_while_they_are_read_are_not_skipped(
    connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition = await decided(connection, blobs)
    await lose(connection, partition, 2)
    bounds = read_logs.Logs._bounds

    async def before(self: read_logs.Logs, tp: TopicPartition) -> tuple[int, int]:
        return 0, (await bounds(self, tp))[1]

    monkeypatch.setattr(read_logs.Logs, "_bounds", before)
    with pytest.raises(OffsetOutOfRangeError):
        await owner_of(connection, blobs, partition)
