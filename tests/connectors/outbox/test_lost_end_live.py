"""Kafka loses the end of the outbox under its owner: what takes those places is answered, or withheld as it says."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from connectors.replies import kafka as outbox_kafka
from connectors.replies import partition as owner_module
from connectors.replies.kafka import Told
from schemas import topics
from schemas.records import Outbox
from tests.assign import logs
from tests.connectors.outbox.answers import outbound, withdrawn
from tests.connectors.outbox.test_outbox_live import (
    SlowService,
    _begun,
    answering,
    intents,
    states,
    until_settled,
)
from tests.fresh import topics_made_anew
from tests.peers.forgetful_kafka import ForgetfulKafka
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.long]

PLACE = TopicPartition(topics.OUTBOX, 0)


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForgetfulKafka]:
    with ForgetfulKafka(tmp_path_factory.mktemp("forgetful")) as kafka:
        yield kafka


@pytest.fixture
def connection(forgetful: ForgetfulKafka) -> KafkaConnection:
    return topics_made_anew(KafkaConnection(bootstrap_servers=forgetful.address, partitions=1))


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AIOKafkaConsumer]:
    """What the owner reads with."""
    made: list[AIOKafkaConsumer] = []

    def make_reader(connection: KafkaConnection) -> AIOKafkaConsumer:
        made.append(outbox_kafka.make_reader(connection))
        return made[-1]

    monkeypatch.setattr(owner_module, "make_reader", make_reader)
    return lambda: made[-1]


async def end(connection: KafkaConnection) -> int:
    return await outbox_kafka.end_of(connection, PLACE)


async def lose(kafka: ForgetfulKafka, connection: KafkaConnection, reader: AIOKafkaConsumer, others: Any) -> None:
    """Let the owner read that some tickets were erased, and lose that before it reads again, after `others`."""
    first = await end(connection)
    await logs.write(connection, map(withdrawn, intents(4, start=90)))
    await soon(lambda: _is_at(reader, first + 4))
    reader.pause(PLACE)
    await asyncio.to_thread(kafka.lose, PLACE.topic, 0, first)
    await logs.write(connection, others)


async def _is_at(reader: AIOKafkaConsumer, offset: int) -> bool:
    return bool(await reader.position(PLACE) == offset)


def gone() -> float:
    told = {"topic": topics.OUTBOX, "end": "new"}
    return REGISTRY.get_sample_value("hotline_connectors_records_gone_total", told) or 0.0


def names(*wanted: Outbox) -> list[str]:
    return [one.outbox_id for one in wanted]


@pytest.mark.parametrize("written", [2, 9], ids=["less than was lost", "more than was lost"])
async def test_what_takes_their_places_is_answered_and_nothing_twice(
    forgetful: ForgetfulKafka, connection: KafkaConnection, reader: Callable[[], AIOKafkaConsumer], written: int
) -> None:
    before, after, later = intents(3), intents(written, start=10), intents(1, start=50)
    service, gone_before = SlowService(), gone()
    service.go_on.set()
    await logs.write(connection, map(outbound, before))
    async with answering(connection, service):
        await until_settled(connection, 3)
        await lose(forgetful, connection, reader(), map(outbound, after))
        reader().resume(PLACE)
        await until_settled(connection, 3 + written)
    assert gone() > gone_before
    async with answering(connection, service):
        await logs.write(connection, map(outbound, later))
        told = await until_settled(connection, 4 + written)
    assert service.sent == names(*before, *after, *later)
    assert list(told.values()) == [["sending", "accepted"]] * len(service.sent)


async def test_what_was_lost_of_answers_is_told_again_so_that_no_later_owner_answers_twice(
    forgetful: ForgetfulKafka, connection: KafkaConnection
) -> None:
    answered, later = intents(3), intents(1, start=50)
    service = SlowService()
    service.go_on.set()
    await logs.write(connection, map(outbound, answered))
    first = await end(connection)
    async with answering(connection, service):
        await until_settled(connection, 3)
        await asyncio.to_thread(forgetful.lose, PLACE.topic, 0, first)
        await logs.write(connection, map(outbound, later))
        await until_settled(connection, 4)
    async with answering(connection, service):
        told = await until_settled(connection, 4)
        await asyncio.sleep(1)
    assert service.sent == names(*answered, *later)
    assert list(told.values()) == [["sending", "accepted"]] * 4


async def test_an_owner_that_fails_by_the_loss_leaves_what_it_knew_to_the_next_in_its_process(
    forgetful: ForgetfulKafka, connection: KafkaConnection
) -> None:
    answered, later = intents(3), intents(1, start=50)
    service, known = SlowService(), Told()
    service.go_on.set()
    await logs.write(connection, map(outbound, answered))
    first = await end(connection)
    async with answering(connection, service, told=known):
        await until_settled(connection, 3)
    await asyncio.to_thread(forgetful.lose, PLACE.topic, 0, first)
    async with answering(connection, service, told=known):
        await logs.write(connection, map(outbound, later))
        told = await until_settled(connection, 4)
    assert service.sent == names(*answered, *later)
    assert list(told.values()) == [["sending", "accepted"]] * 4


@pytest.mark.parametrize("written", [1, 4], ids=["less than was lost", "as much"])
async def test_an_erasure_in_their_places_comes_before_what_is_begun_behind_it(
    forgetful: ForgetfulKafka, connection: KafkaConnection, reader: Callable[[], AIOKafkaConsumer], written: int
) -> None:
    """By the place where it had read to, all that stands before it was folded."""
    first, erased = intents(2)
    service = SlowService()
    await logs.write(connection, map(outbound, (first, erased)))
    async with answering(connection, service):
        await soon(lambda: service.sent == names(first))
        await lose(forgetful, connection, reader(), map(withdrawn, [erased, *intents(written - 1, start=20)]))
        service.go_on.set()
        await soon(lambda: _begun(connection, erased))
        await asyncio.sleep(1)
        assert service.sent == names(first)
        reader().resume(PLACE)
        await until_settled(connection, 2)
    assert service.sent == names(first)
    told = await states(connection)
    assert told[erased.outbox_id][-2:] == ["sending", "withheld"]
