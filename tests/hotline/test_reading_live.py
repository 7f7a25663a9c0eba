"""Records read for people: what is asked for and not there any more ends the reading instead of holding it up."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition
from kafka.admin import NewTopic

from connectors.clients import reader
from hotline import reading
from hotline.local.stack import Endpoints
from schemas.connection import KafkaConnection
from tests.fresh import admin_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


async def write(connection: KafkaConnection, topic: str) -> None:
    """Write three records in a transaction, whose marker stands behind them."""
    made = AIOKafkaProducer(**connection.aiokafka_options(), transactional_id=topic)
    async with made as producer, producer.transaction():
        for number in range(3):
            await producer.send_and_wait(topic, b"%d" % number)


def test_an_offset_that_holds_no_record_is_passed_over_at_the_end_of_a_partition(stack: Endpoints) -> None:
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=1)
    topic = f"reading-{time.time_ns()}"
    with admin_of(connection) as admin:
        admin.create_topics([NewTopic(topic, 1, 1)])
    asyncio.run(write(connection, topic))
    marker = 3
    while reading.bounds(connection, topic)[0][1] <= marker:
        time.sleep(0.1)
    with reader(connection) as consumer:
        found = list(reading.records_at(consumer, TopicPartition(topic, 0), [1, marker]))
    assert [one.offset for one in found] == [1]
