"""A cursor is what was saved last, in this process or in the one before."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from kafka import TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from broker.config import KafkaConnection
from broker.sync_producer import Producer
from connectors.runtime.cursor_store import Cursors
from hotline.dev.stack.stack import Stack
from schemas import topics
from schemas.codec import Outbound
from schemas.errors import UnreachableError
from schemas.records import Cursor
from tests.frozen import frozen

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def cursors(kafka: KafkaConnection, account: str) -> Iterator[Cursors]:
    cursors = Cursors(kafka, account, now=lambda: NOW)
    yield cursors
    cursors.close()


def again(kafka: KafkaConnection, connector: str) -> Cursor:
    """Read as a process that has just started."""
    other = Cursors(kafka, connector)
    try:
        return other.load()
    finally:
        other.close()


def test_a_first_start_has_an_empty_cursor(cursors: Cursors, account: str) -> None:
    @retry(
        retry=retry_if_exception_type(UnreachableError), stop=stop_after_delay(60), wait=wait_fixed(0.5), reraise=True
    )
    def loaded() -> Cursor:  # the controller may fence the broker of a busy machine for a moment
        return cursors.load()

    assert loaded() == Cursor(connector_id=account)


def test_the_newest_cursor_of_this_connector_counts(cursors: Cursors, kafka: KafkaConnection, account: str) -> None:
    neighbour = Cursors(kafka, account + "-neighbour")
    for uid in range(3):
        cursors.save(Cursor(connector_id=account, position={"INBOX": {"uidvalidity": 7, "uid": uid}}))
        neighbour.save(Cursor(connector_id=account, position={"uid": 99}))
    neighbour.close()
    saved = Cursor(connector_id=account, position={"INBOX": {"uidvalidity": 7, "uid": 2}}, at=NOW, epoch=1)
    assert cursors.load() == saved
    assert again(kafka, account) == saved


def test_an_unreadable_cursor_gives_way_to_the_one_before(
    cursors: Cursors, kafka: KafkaConnection, account: str
) -> None:
    cursors.save(Cursor(connector_id=account, position={"uid": 1}))
    producer = Producer(kafka)
    producer.deliver_now([Outbound(topics.CURSOR, account.encode(), b"not json", [])])
    producer.close()
    assert again(kafka, account).position == {"uid": 1}


def test_a_cursor_that_was_not_confirmed_is_not_believed(
    cursors: Cursors, kafka: KafkaConnection, local_stack: Stack, account: str
) -> None:
    cursors.save(Cursor(connector_id=account, position={"uid": 1}))
    impatient = Cursors(kafka, account, producer=Producer(kafka, delivery_seconds=1))
    assert impatient.load().position == {"uid": 1}
    with frozen(local_stack.pid("kafka")), pytest.raises(UnreachableError):
        impatient.save(Cursor(connector_id=account, position={"uid": 2}))
    assert impatient.load().position == {"uid": 1}
    impatient.close()


def test_what_a_former_owner_saves_late_takes_nothing_back(kafka: KafkaConnection, account: str) -> None:
    former, owner = Cursors(kafka, account), Cursors(kafka, account)
    former.save(Cursor(connector_id=account, position={"uid": 1}))
    owner.save(Cursor(connector_id=account, position={"uid": 5}))
    former.save(Cursor(connector_id=account, position={"uid": 2}))
    assert again(kafka, account).position == {"uid": 5}
    former.forget()
    assert former.load().position == {"uid": 5}
    former.save(Cursor(connector_id=account, position={"uid": 6}))
    assert again(kafka, account).position == {"uid": 6}
    former.close()
    owner.close()


class Silent:
    """A client that knows of more, and gives nothing."""

    closed = False

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, places: list[TopicPartition]) -> None: ...

    def seek_to_beginning(self, place: TopicPartition) -> None: ...

    def end_offsets(self, places: list[TopicPartition], timeout_ms: float) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 5)

    def position(self, place: TopicPartition, timeout_ms: float) -> int:
        return 0

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[object]]:
        time.sleep(0.02)
        return {}

    def close(self) -> None:
        self.closed = True


def test_a_client_that_gives_nothing_holds_up_no_account_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.sync_client.READ_SECONDS", 0.1)
    client, producer = Silent(), Producer(KafkaConnection(bootstrap_servers="127.0.0.1:1"))
    silent = Cursors(producer._connection, "mayor", producer=producer, connect=lambda **_: client)
    with pytest.raises(UnreachableError, match=r"has sent no hotline\.cursor"):
        silent.load()
    assert client.closed
