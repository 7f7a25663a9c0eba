"""A partition whose log has a transaction that Kafka forgot is taken over by nobody until that is ended."""

import asyncio
from pathlib import Path

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.admin import transactions
from schemas import topics
from schemas.codec import Outbound
from schemas.errors import UnreachableError
from streams.engine.groups import transactional_id
from streams.state.partition import Owner, take_over
from tests.assign import logs
from tests.hanging import hang
from tests.tickets.build import message
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration


async def owner_of(connection: KafkaConnection, folder: Path, partition: int) -> Owner:
    return await take_over(partition, connection, LocalStore(folder), TicketPolicy(), lambda point: None)


@pytest.mark.parametrize("topic", [topics.EVENT, topics.TICKET])
async def test_what_is_behind_it_is_not_decided_a_second_time(
    fresh_topics: KafkaConnection, tmp_path: Path, topic: str
) -> None:
    await logs.write(fresh_topics, map(logs.outbound, (message(1), message(2, "井盖丢了", sender="13800000002"))))
    first, second = await logs.read(fresh_topics, topics.MESSAGE)
    partition = first.partition
    owner = await owner_of(fresh_topics, tmp_path, partition)
    await owner.work_off([first])
    await owner.close()
    await hang(fresh_topics, transactional_id(partition), [Outbound(topic, b"k", b"{}", [], "210100")], partition)
    for _ in range(2):
        with pytest.raises(UnreachableError, match=rf"partition {partition} of {topic} .* `hotline topics hanging`"):
            await owner_of(fresh_topics, tmp_path, partition)
    (found,) = await asyncio.to_thread(transactions.find, fresh_topics, [topic])
    await asyncio.to_thread(transactions.end, fresh_topics, found, "abort")
    owner = await owner_of(fresh_topics, tmp_path, partition)
    await owner.work_off([second])
    await owner.close()
    await logs.settle(fresh_topics)
    assert len(await logs.events(fresh_topics)) == 2
