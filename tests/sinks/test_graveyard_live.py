"""The producer of dead letters on the real Kafka, whose topic takes little."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError
from msgspec.structs import replace

from broker.aio_client import running
from schemas import topics
from schemas.codec import Position
from schemas.errors import FatalError, UnreachableError
from schemas.records import DeadLetter
from sinks.kafka import Graveyard, make_producer
from tests.fakes.sinks import document
from tests.peers.secured_kafka import SecuredKafka
from tests.sinks.conftest import Lane, until

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
        "Kafka does not let our user write dead letters (TopicAuthorizationFailedError): `hotline doctor` "
        "names the missing right"
    )


@asynccontextmanager
async def limited(lane: Lane, size: int) -> AsyncIterator[None]:
    """Return when Kafka, which takes a moment to apply it, takes no dead letter over a size any more."""
    servers = lane.endpoints.bootstrap_servers
    await limit(servers, size)
    try:
        async with running(make_producer(lane.kafka)) as producer:
            await until(lambda: is_refused(producer, letter(size)), True)
        yield
    finally:
        await limit(servers, 2 * topics.MAX_BYTES)


async def is_refused(producer: AIOKafkaProducer, one: DeadLetter) -> bool:
    out = one.outbound()
    try:
        await producer.send_and_wait(out.topic, out.value, key=out.key, headers=out.headers)
    except MessageSizeTooLargeError:
        return True
    return False


async def buried(lane: Lane) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    """Return the dead letters of what stood in the lane's topics, in the order in which it stood there."""
    found = [(key, value, dict(headers)) for key, value, headers in await lane.dead()]
    return sorted(found, key=lambda one: one[2]["__connect.errors.offset"])


async def test_a_letter_that_is_too_large_goes_as_whole_as_its_topic_takes_it_and_the_next_one_goes_on(
    lane: Lane,
) -> None:
    whole = replace(letter(10), position=Position(lane.topic, 0, 1))
    headed = replace(whole, position=Position(lane.topic, 0, 3), headers=[("x", bytes(5_000))])
    large = replace(whole, position=Position(lane.topic, 0, 2), value=bytes(5_000), headers=[("x", b"y")])
    async with limited(lane, 2_000), running(make_producer(lane.kafka)) as producer:
        graveyard = Graveyard(producer)
        await graveyard.bury([large, headed])
        await graveyard.bury([whole])
    found = await buried(lane)
    assert [(key, value) for key, value, _ in found] == [(b"k", bytes(10)), (b"k", b""), (b"", b"")]
    assert [headers.get("x") for _, _, headers in found] == [None, b"y", None]
    assert {headers["hotline.error.code"] for _, _, headers in found} == {b"malformed"}


async def test_where_none_is_small_enough_a_person_is_told(lane: Lane) -> None:
    async with limited(lane, 200), running(make_producer(lane.kafka)) as producer:
        with pytest.raises(FatalError, match="raise max"):
            await Graveyard(producer).bury([letter(10)])


async def test_a_refused_document_without_room_for_its_letter_stops_none_behind_it(lane: Lane) -> None:
    refused = document("bad", topic=lane.topic)._replace(value=b'{"location":"%s"}' % bytes(5_000).hex().encode())
    behind = [document(f"t{number}", topic=lane.topic) for number in range(5)]
    async with limited(lane, 2_000):
        await lane.publish([refused, *behind])
        async with lane.running():
            await until(lane.committed, 6)
    assert await lane.indexed() == 5
    ((key, value, headers),) = await buried(lane)
    assert (key, value, headers["hotline.error.code"]) == (b"bad", b"", b"mapping_conflict")
