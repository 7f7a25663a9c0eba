"""A desk decides about no city that is not its own: what stands in another city's partition is put aside, whole."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.admin import audit
from hotline.admin.dead_letters import query
from hotline.admin.dead_letters.replay import Replay, plan
from schemas import ids, topics
from streams.assign import Assign
from streams.blobs import Blobs
from streams.engine.partition_worker import Chunk
from tests.assign import logs
from tests.tickets.build import CITY, message
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration


async def written(connection: KafkaConnection, partition: int, *numbers: int) -> list[logs.Record]:
    """Write messages of the city into a partition, as a host with another number of partitions would."""
    async with AIOKafkaProducer(bootstrap_servers=connection.bootstrap_servers) as producer:
        for number in numbers:
            out = logs.outbound(message(number))
            await producer.send_and_wait(out.topic, out.value, key=out.key, headers=out.headers, partition=partition)
    return [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == partition]


async def handled(assign: Assign, partition: int, records: list[logs.Record]) -> None:
    place = TP(topics.MESSAGE, partition)
    await assign.handle(place, Chunk(place, records, SimpleNamespace(ack=lambda: None)))


async def test_a_city_in_a_partition_that_is_not_its_own_is_put_aside_and_decided_when_it_is_put_back(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    own = ids.partition_of(CITY, connection.partitions)
    wrong = 1 - own
    assign = Assign(connection, blobs, TicketPolicy())
    await handled(assign, wrong, await written(connection, wrong, 1))
    assert await logs.read(connection, topics.EVENT) == []
    (letter,) = await logs.dead(connection)
    told = dict(letter.headers)
    assert told["hotline.error.code"] == b"misplaced"
    assert f"its city belongs to partition {own} of 2".encode() in told["__connect.errors.exception.message"]
    found = await asyncio.to_thread(lambda: list(query.letters(connection, query.Filters())))
    run = audit.Run(id="r", author="clerk-7", reason="placed again", jurisdiction=CITY)
    report = await Replay(connection, Blobs(blobs), run, {}).carry_out(plan(found))
    assert report.put_back == {topics.MESSAGE: 1}
    back = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == own]
    await handled(assign, own, back)
    await assign.close()
    await logs.assert_nothing_lost_or_doubled(connection, [message(1)])
