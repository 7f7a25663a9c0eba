"""A broker that is ended says that others lead its partitions, and then nothing: no reader stands still for it."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NodeNotReadyError, NotLeaderForPartitionError
from aiokafka.protocol.fetch import FetchRequest

from broker.leader_epoch_aio import Epochs

FENCED, GONE = 74, 1
PARTITIONS = 100
TOPIC = "test.raw.v1"


class Dying:
    """A client of a broker that answers one fetch, and then nobody; who asks waits as for a connection that fails."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()

    async def send(self, node: int, request: Any) -> Any:
        if isinstance(request, FetchRequest):
            partitions = [(number, FENCED, -1, -1, [], b"") for number in range(PARTITIONS)]
            return SimpleNamespace(topics=[(TOPIC, partitions)])
        self.asked[node] += 1
        await asyncio.sleep(0.2)
        raise NodeNotReadyError(node)


async def test_who_says_nothing_over_one_partition_is_not_asked_of_the_others() -> None:
    client = Dying()
    fetcher = SimpleNamespace(_client=client)
    consumer = cast(AIOKafkaConsumer, SimpleNamespace(_client=client, _fetcher=fetcher, _group_id=None))

    async def lost(_: object) -> None:
        raise AssertionError

    epochs = Epochs(consumer, lost)
    epochs.learn({TopicPartition(TOPIC, number): 3 for number in range(PARTITIONS)})
    request = FetchRequest(100, 1, 1 << 20, 0, [(TOPIC, [(number, 7, 1 << 20) for number in range(PARTITIONS)])])
    async with asyncio.timeout(5):  # 20 s and more when each partition asks for itself
        answer = await cast(Any, fetcher)._client.send(GONE, request)
    told = {code for _, partitions in answer.topics for _, code, *_ in partitions}
    assert told == {NotLeaderForPartitionError.errno}
    assert client.asked == {GONE: 1}
