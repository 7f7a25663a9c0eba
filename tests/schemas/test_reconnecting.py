"""Clients of Kafka pause longer and longer before a load balancer that hangs up on everybody, and find Kafka again.

They find it beside hosts that are off, too.
"""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from aiokafka import client as theirs
from aiokafka.client import CoordinationType
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import (
    CoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest

from broker import aio_client
from broker.aio_client import ANSWER_SECONDS, MOST_SECONDS, REACH_SECONDS, running
from broker.aio_producer import make_producer
from broker.config import KafkaConnection
from schemas import topics
from sinks.kafka import make_consumer
from tests.peers.balancer import Balancer
from tests.peers.swallowing import swallowing

pytestmark = pytest.mark.integration

LOOK_SECONDS = 6.0


@pytest.fixture
def balancer(fresh_topics: KafkaConnection) -> Iterator[Balancer]:
    with Balancer(int(fresh_topics.bootstrap_servers.rpartition(":")[2])) as balancer:
        yield balancer


async def left(balancer: Balancer) -> int:
    """Return how many connections it hung up on within a while, once its clients have been used to that."""
    balancer.leave()
    await asyncio.sleep(2 * MOST_SECONDS + LOOK_SECONDS)
    count = balancer.hung_up(LOOK_SECONDS)
    balancer.empty = False
    return count


@pytest.fixture
def behind(balancer: Balancer) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=f"127.0.0.1:{balancer.port}", partitions=2)


async def test_a_member_of_a_group(balancer: Balancer, behind: KafkaConnection, fresh_topics: KafkaConnection) -> None:
    async with running(make_consumer(behind, "balanced")) as consumer:
        consumer.subscribe([topics.AUDIT])
        while not consumer.assignment():
            await consumer.getmany(timeout_ms=100)
        reading = asyncio.create_task(consumer.getone())
        count = await left(balancer)
        assert 0 < count <= 6 * LOOK_SECONDS / MOST_SECONDS
        async with running(make_producer(fresh_topics)) as producer:
            await producer.send_and_wait(topics.AUDIT, b"again")
        assert (await asyncio.wait_for(reading, 60)).value == b"again"


async def test_one_that_writes_in_transactions(balancer: Balancer, behind: KafkaConnection) -> None:
    async with running(make_producer(behind, transactional_id="balanced")) as producer:

        async def write() -> None:
            async with producer.transaction():
                await producer.send_and_wait(topics.AUDIT, b"v")

        await write()
        writing = asyncio.create_task(write())
        count = await left(balancer)
        assert count <= 6 * LOOK_SECONDS / MOST_SECONDS
        await asyncio.wait_for(writing, 60)


async def test_a_host_that_is_off_does_not_keep_one_from_the_next(
    fresh_topics: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theirs, "collect_hosts", lambda hosts: [(*each.split(":"), 0) for each in hosts])  # no lot
    with swallowing() as off:
        servers = f"{off},{fresh_topics.bootstrap_servers}"
        began = time.monotonic()
        async with running(make_producer(KafkaConnection(bootstrap_servers=servers, partitions=2))) as producer:
            assert time.monotonic() - began < REACH_SECONDS + 3
            await producer.send_and_wait(topics.AUDIT, b"v")


async def test_a_broker_that_is_slow_to_speak_has_the_librarys_own_time(fresh_topics: KafkaConnection) -> None:
    """Only reaching it is cut short: one with too much to do is not asked again for what it is about to say."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connecting = asyncio.create_task(theirs.create_conn(*silent.getsockname()))
        await asyncio.sleep(REACH_SECONDS + 1)
        assert not connecting.done()
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [(FetchRequest, ANSWER_SECONDS), (ProduceRequest, ANSWER_SECONDS), (JoinGroupRequest, 40), (SyncGroupRequest, 40)],
)
async def test_a_broker_that_says_nothing_is_given_up_unless_others_are_waited_for(
    kind: type, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aio_client, "_send", lambda self, *_: self._request_timeout)
    connection = AIOKafkaConnection("127.0.0.1", 1, request_timeout_ms=40_000)
    assert connection.send(kind.__new__(kind)) == seconds
    assert connection._request_timeout == 40


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (KafkaConnectionError, NodeNotReadyError),
        (GroupLoadInProgressError, NodeNotReadyError),
        (CoordinatorNotAvailableError, CoordinatorNotAvailableError),
        (TransactionalIdAuthorizationFailed, TransactionalIdAuthorizationFailed),
    ],
)
async def test_a_broker_that_goes_while_it_is_asked_for_the_coordinator_ends_no_producer(
    fault: type[KafkaError], told: type[KafkaError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's producer asks again after a node that is not ready; after a broken connection it would end."""
    client = theirs.AIOKafkaClient()

    async def breaks(*_: object) -> None:
        raise fault("the connection is closed")

    monkeypatch.setattr(client, "send", breaks)
    monkeypatch.setattr(client, "get_random_node", lambda: 1)
    with pytest.raises(told) as caught:
        await client.coordinator_lookup(CoordinationType.TRANSACTION, "hotline-assign-0")
    assert type(caught.value) is told


def test_the_clients_that_faust_makes_for_a_stage_are_among_them() -> None:
    look = "import streams.engine.transport, aiokafka.client as c; print(c.AIOKafkaClient._get_conn.__module__)"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "broker.aio_client"
