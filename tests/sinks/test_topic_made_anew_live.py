"""A topic that is deleted and made under a running sink: the sink ends, and the next one stores all that is in it."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.structs import OffsetAndMetadata

from broker import topic_id_aio
from schemas.errors import FatalError
from tests.fresh import made_anew
from tests.sinks.conftest import PARTITIONS, Lane, until
from tests.sinks.test_runner_live import tickets
from tests.waiting import soon

pytestmark = pytest.mark.integration


async def test_the_sink_ends_and_the_next_one_stores_what_the_new_topic_holds(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_id_aio, "ASK_SECONDS", 1.0)
    await lane.publish(tickets(lane, 20))

    async def work() -> None:
        async with lane.running():
            await until(lane.committed, 20)
            await asyncio.to_thread(made_anew, lane.kafka, lane.topic, PARTITIONS)
            await lane.publish(tickets(lane, 60, first=100))
            await soon(lambda: all(task.get_name() != "sink" for task in asyncio.all_tasks()))

    with pytest.raises(FatalError, match="made anew"):
        await work()
    async with lane.running():
        await lane.until_indexed(80)


class Lagging:
    """A client whose broker does not know the topic yet when it is asked for the first time."""

    def __init__(self, client: Any) -> None:
        self.get_random_node = client.get_random_node
        self._client = client
        self.asked = 0

    async def send(self, node: int, question: Any) -> Any:
        answer = await self._client.send(node, question)
        self.asked += 1
        if self.asked == 1:
            code = UnknownTopicOrPartitionError.errno
            answer.topics = [(code, name, 0, 0, *rest) for _, name, _, _, *rest in answer.topics]
        return answer


async def test_an_old_position_counts_for_nothing_while_the_broker_that_is_asked_does_not_know_the_topic_yet(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = topic_id_aio.TopicIds.__init__

    def begun(self: topic_id_aio.TopicIds, consumer: AIOKafkaConsumer, *lost: Any) -> None:
        begin(self, consumer, *lost)
        self._client = Lagging(self._client)

    monkeypatch.setattr(topic_id_aio.TopicIds, "__init__", begun)
    await lane.publish(tickets(lane, 20))
    places = [TopicPartition(lane.topic, number) for number in range(PARTITIONS)]
    servers = lane.endpoints.bootstrap_servers
    async with AIOKafkaConsumer(bootstrap_servers=servers, group_id=lane.group, enable_auto_commit=False) as consumer:
        consumer.assign(places)
        await consumer.commit({place: OffsetAndMetadata(5, "f" * 32) for place in places})
    async with lane.running():
        await lane.until_indexed(20)
