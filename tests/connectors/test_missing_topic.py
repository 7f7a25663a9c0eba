"""A raw topic that was deleted keeps its own messages waiting, and no other topic's; when it is there they all come."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from broker.config import KafkaConnection
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from schemas import topics
from schemas.errors import TopicMissingError, UnreachableError
from schemas.records import RawMessage
from tests.connectors.looking import seldom
from tests.connectors.reader import Reader
from tests.fresh import admin_of
from tests.waiting import until

pytestmark = pytest.mark.integration

CHANNEL = "demolished"
GONE = topics.raw(CHANNEL)


@pytest.fixture
def admin(kafka: KafkaConnection) -> Iterator[KafkaAdminClient]:
    with admin_of(kafka) as made:
        create(made)
        yield made
        delete(made)


def create(admin: KafkaAdminClient) -> None:
    admin.create_topics([NewTopic(GONE, 1, 1)])
    until(lambda: GONE in admin.list_topics())


def delete(admin: KafkaAdminClient) -> None:
    admin.delete_topics([GONE])
    until(lambda: GONE not in admin.list_topics())


def test_a_topic_that_was_deleted_is_told_from_a_kafka_that_is_away(
    admin: KafkaAdminClient, publisher: Publisher, raw: Callable[..., RawMessage], reader: Reader, account: str
) -> None:
    publisher.publish([raw(b"before", channel=CHANNEL)])
    delete(admin)
    with seldom(publisher._producer):
        for _ in range(3):
            with pytest.raises(TopicMissingError):
                publisher.publish([raw(b"after", "2", channel=CHANNEL)])
    publisher.publish([raw(b"another's")])
    create(admin)
    publisher.publish([raw(b"after", "2", channel=CHANNEL)])
    assert [record.value for record in reader.read(GONE, account)][-1] == b"after"


def test_a_topic_that_never_was_is_told_as_well(publisher: Publisher, raw: Callable[..., RawMessage]) -> None:
    nowhere = [raw(b"nowhere", channel="neverwas")]

    def is_missing() -> bool:
        try:
            publisher.publish(nowhere)
        except TopicMissingError:
            return True
        except UnreachableError:  # Kafka is busy: it did not say within a second which topics there are
            return False
        raise AssertionError("published to a topic that never was")

    until(is_missing)
    with pytest.raises(TopicMissingError):
        publisher.publish(nowhere)


@pytest.mark.asyncio
async def test_a_missing_topic_keeps_only_its_own_messages_in_the_journal(
    admin: KafkaAdminClient,
    publisher: Publisher,
    raw: Callable[..., RawMessage],
    reader: Reader,
    account: str,
    tmp_path: Path,
) -> None:
    intake = DurablePublisher.of_journal(publisher, Journal(tmp_path / "journal"))
    working = asyncio.create_task(intake.run())
    await intake.publish([raw(b"before", channel=CHANNEL), raw(b"before")])
    await asyncio.to_thread(delete, admin)
    for number in range(3):
        waiting, going = raw(b"%d" % number, f"{number}", channel=CHANNEL), raw(b"goes", f"{number}")
        assert await intake.publish([waiting, going]) == "journaled"
        await asyncio.to_thread(
            until,
            lambda told=number + 2: len(reader.read(topics.raw("sms"), account)) >= told,  # type: ignore[misc] # bound early
        )
        assert intake.journal_bytes
    await asyncio.to_thread(create, admin)
    await asyncio.to_thread(until, lambda: not intake.journal_bytes)
    came = dict.fromkeys(record.value for record in reader.read(GONE, account))
    assert list(came) == [b"0", b"1", b"2"]  # what was given up may come as well, as a repeat
    working.cancel()
    await asyncio.wait({working})
    await intake.close()
