"""A ticket that changes in the chunk which opened it is written once: who wants first versions gets it all the same."""

import asyncio

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import ids, topics
from sinks import Source
from sinks.webhook.run import run_subscriber
from streams.state.partition import take_over
from tests.assign import logs
from tests.sinks.webhook.receiver import Receiver, receiving
from tests.sinks.webhook.snapshots import subscriber
from tests.tickets.build import message
from tests.tickets.pieces import TEXT, parts_of
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration


async def delivered(connection: KafkaConnection, receiver: Receiver, count: int) -> list[str]:
    """Return what a subscriber of first versions is told, in the order in which it came."""
    stop, source = asyncio.Event(), Source(topic=topics.TICKET_MASKED)
    settings = subscriber(receiver.url, filter={"first_version_only": True})
    task = asyncio.create_task(run_subscriber("desk", settings, connection, stop, source=source))
    try:
        await receiver.until(count)
    finally:
        stop.set()
        await task
    return [f"{one.ticket}:{one.id.rpartition(':')[2]}" for one in receiver.got]


async def test_the_first_that_is_written_of_a_ticket_reaches_who_wants_first_versions(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    parts, other = parts_of(TEXT, 40), message(1, "和平街3号的井盖丢了")
    opening = len(parts) + 1
    assert other.jurisdiction == parts[0].jurisdiction
    partition = ids.partition_of(other.jurisdiction, connection.partitions)
    await logs.write(connection, map(logs.outbound, [*parts, other, message(2, "井盖又丢了", answers=(other.id,))]))
    found = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == partition]
    owner = await take_over(partition, connection, blobs, TicketPolicy(), lambda _: None)
    await owner.work_off(found[:opening])
    await owner.work_off(found[opening:])
    await owner.close()
    await logs.settle(connection)
    long, short = (ids.ticket_id(one.jurisdiction, one.message_id) for one in (parts[0], other))
    async with receiving() as receiver:
        assert sorted(await delivered(connection, receiver, 2)) == sorted([f"{long}:{len(parts)}", f"{short}:1"])
