"""A right that is taken away while a sink runs: it ends with a sentence, however the library comes to know."""

import asyncio

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
)

from broker.aio_client import allowed
from schemas.errors import UnauthorizedError
from tests.sinks.conftest import Lane, until
from tests.sinks.test_runner_live import tickets
from tests.waiting import soon

pytestmark = pytest.mark.integration


async def test_what_the_metadata_alone_tell_ends_the_sink(lane: Lane) -> None:
    """aiokafka leaves such a topic out of the assignment and reads the others: nobody would bring it to the archive."""

    async def work() -> None:
        async with lane.running() as runner:
            await until(lane.committed, 20)
            runner._consumer._client.cluster.unauthorized_topics.add(lane.topic)
            await soon(lambda: all(task.get_name() != "sink" for task in asyncio.all_tasks()))

    await lane.publish(tickets(lane, 20))
    with pytest.raises(UnauthorizedError, match=r"Kafka denies this to our user \(TopicAuthorizationFailedError\)"):
        await work()


def test_a_refusal_that_the_library_tells_in_plain_words_is_told_as_one() -> None:
    with pytest.raises(UnauthorizedError, match=r"to our user \(GroupAuthorizationFailedError\)"), allowed():
        raise KafkaError(f"Unexpected error during coordination {GroupAuthorizationFailedError('hotline-sink')!r}")


def test_another_fault_of_kafka_is_no_refusal() -> None:
    with pytest.raises(KafkaConnectionError), allowed():
        raise KafkaConnectionError
