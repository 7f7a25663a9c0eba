"""The producer of dead letters on the real Kafka, after it was refused one."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas import topics
from schemas.clients import running
from schemas.errors import FatalError, UnreachableError
from schemas.records import DeadLetter
from schemas.wire import Position
from sinks.kafka import Graveyard, make_producer
from tests.peers.secured_kafka import SecuredKafka
from tests.sinks.conftest import Lane

pytestmark = pytest.mark.integration


def letter(size: int) -> DeadLetter:
    return DeadLetter(
        position=Position("hotline.ticket.v1", 0, 1),
        key=b"k",
        value=bytes(size),
        headers=[],
        stage="sink",
        code="malformed",
        reason="a test",
        exception="Malformed",
        retryable=False,
    )


async def limit(servers: str, size: int) -> None:
    """Let Kafka take dead letters up to a size."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        chosen = {"max.message.bytes": str(size)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.DEAD, configs=chosen)])
    finally:
        await admin.close()


async def test_a_letter_that_may_not_be_written_waits_and_names_the_right(secured: SecuredKafka) -> None:
    kafka = secured.connection("hotline-outbox")  # writes other things
    async with running(make_producer(kafka)) as producer:
        with pytest.raises(UnreachableError) as refused:
            await Graveyard(producer).bury([letter(10)])
    assert str(refused.value) == (
        "Kafka lets our user write no dead letters (TopicAuthorizationFailedError): `hotline doctor` names the right "
        "that is missing"
    )


async def test_a_client_that_was_refused_a_letter_is_replaced_by_a_new_one(lane: Lane) -> None:
    servers = lane.endpoints.bootstrap_servers
    async with running(make_producer(lane.kafka)) as producer:
        graveyard = Graveyard(producer)
        await graveyard.bury([letter(10)])
        await limit(servers, 2_000)
        try:
            for _ in range(100):  # Kafka takes a moment to apply it
                await graveyard.bury([letter(5_000)])
                await asyncio.sleep(0.1)
        except UnreachableError:
            pass
        finally:
            await limit(servers, 2 * topics.MAX_BYTES)
        with pytest.raises(FatalError):  # only then is the worker started again
            await graveyard.bury([letter(10)])
    async with running(make_producer(lane.kafka)) as producer:
        await Graveyard(producer).bury([letter(10)])
