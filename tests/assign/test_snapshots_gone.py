"""A ticket topic that is another than it was: no ticket goes on from an older snapshot of it."""

import asyncio

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import decode
from schemas.errors import PartitionError
from schemas.records import Message, Ticket
from streams.state.checkpoint import save_checkpoint
from streams.state.partition import Owner, take_over
from tests.assign import logs
from tests.fresh import made_anew
from tests.tickets.build import CITY, message
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration

FIRST = [message(number, f"第{number}件事", sender=str(13800000000 + number)) for number in range(4)]
"""Each opens a ticket."""


def answer(number: int, text: str) -> Message:
    """Return what the author of the first one writes in its thread."""
    return message(number, text, sender="13800000000", answers=(f"{CITY}-0",))


ANSWERS = [answer(10, "还没有人来修"), answer(11, "已经三天了")]


async def owner_of(connection: KafkaConnection, blobs: LocalStore, partition: int) -> Owner:
    return await take_over(partition, connection, blobs, TicketPolicy(), lambda point: None)


@pytest.fixture
async def owner(connection: KafkaConnection, blobs: LocalStore) -> Owner:
    """One that has decided about four messages and keeps them in a checkpoint."""
    await logs.write(connection, map(logs.outbound, [*FIRST, *ANSWERS]))
    found = await logs.read(connection, topics.MESSAGE)
    owner = await owner_of(connection, blobs, found[0].partition)
    for record in found[: len(FIRST)]:
        await owner.work_off([record])
    assert await save_checkpoint(blobs, owner._partition, owner.restored)
    return owner


async def decided(connection: KafkaConnection, owner: Owner, *numbers: int) -> None:
    found = await logs.read(connection, topics.MESSAGE)
    for number in numbers:
        await owner.work_off([found[len(FIRST) + number]])


async def anew(connection: KafkaConnection) -> None:
    await logs.settle(connection)
    await asyncio.to_thread(made_anew, connection, topics.TICKET, connection.partitions)


async def test_snapshots_in_a_topic_that_was_made_anew_are_found_before_a_checkpoint_s_position(
    connection: KafkaConnection, blobs: LocalStore, owner: Owner
) -> None:
    """The body was the checkpoint's: what was filed since was in no later snapshot of the ticket."""
    await anew(connection)
    await decided(connection, owner, 0)
    await owner.close()
    again = await owner_of(connection, blobs, owner._partition)
    await decided(connection, again, 1)
    await again.close()
    await logs.settle(connection)
    (ticket,) = [versions[-1] for versions in (await logs.tickets(connection)).values()]
    assert (ticket.version, ticket.message_count) == (3, 3)
    assert all(one.text in ticket.text for one in (FIRST[0], *ANSWERS))


async def test_a_snapshot_that_is_gone_is_told(connection: KafkaConnection, blobs: LocalStore, owner: Owner) -> None:
    await decided(connection, owner, 0)
    await owner.close()
    await anew(connection)
    with pytest.raises(PartitionError, match="at version 2 in the event log"):
        await owner_of(connection, blobs, owner._partition)


async def test_older_snapshots_of_a_topic_that_was_restored_take_the_place_of_none(
    connection: KafkaConnection, blobs: LocalStore, owner: Owner
) -> None:
    """It was copied before the first answer; of what came since it has what was written into it again."""
    old = await logs.read(connection, topics.TICKET)
    await decided(connection, owner, 0)
    assert await save_checkpoint(blobs, owner._partition, owner.restored)
    await anew(connection)
    await copied(connection, old)
    other = message(12, "也没有人来", sender="13800000001", answers=(f"{CITY}-1",))
    await logs.write(connection, [logs.outbound(other)])
    await owner.work_off((await logs.read(connection, topics.MESSAGE))[-1:])
    await owner.close()
    again = await owner_of(connection, blobs, owner._partition)
    bodies = [decode(again.restored.state.bodies[name], Ticket) for name in again.restored.state.bodies]
    assert sorted(one.version for one in bodies) == [1, 1, 2, 2]
    await again.close()


async def copied(connection: KafkaConnection, records: list[logs.Record]) -> None:
    producer = logs.make_producer(connection)
    await producer.start()
    try:
        for one in records:
            await producer.send_and_wait(
                one.topic, one.value, key=one.key, headers=list(one.headers), partition=one.partition
            )
    finally:
        await producer.stop()
