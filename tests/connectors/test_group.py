"""A member of a consumer group that polls in short steps."""

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError

from broker.config import KafkaConnection
from broker.sync_client import finish_joining
from schemas import topics
from tests.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def consumer(kafka: KafkaConnection, account: str) -> Iterator[Any]:
    consumer = KafkaConsumer(**kafka.client_options(), group_id=account, enable_auto_commit=False)
    consumer.subscribe([topics.raw("mailbox")])
    yield consumer
    consumer.close()


def test_a_join_that_ends_between_two_polls_is_not_forgotten(consumer: Any) -> None:
    def polled(milliseconds: int = 100) -> None:
        finish_joining(consumer)
        consumer.poll(timeout_ms=milliseconds)

    until(lambda: polled() or consumer.assignment())
    coordinator = consumer._coordinator
    coordinator._assignment_snapshot = {}  # as when partitions were added since the election
    until(lambda: consumer.poll(timeout_ms=0) is None or coordinator._join_task is not None)
    until(lambda: coordinator._join_task.is_done)
    assert not coordinator.need_rejoin(), "the library has mended it: finish_joining can go"
    assert not coordinator.stable()
    until(lambda: polled() or coordinator.stable())
    assert consumer.assignment()


def test_a_consumer_whose_last_words_fail_leaves_no_socket(consumer: Any) -> None:
    until(lambda: finish_joining(consumer) or consumer.poll(timeout_ms=100) or consumer.assignment())

    class Failing(ConsumerRebalanceListener):
        def on_partitions_assigned(self, assigned: Any) -> None:
            pass

        def on_partitions_revoked(self, revoked: Any) -> None:
            raise ValueError

    consumer._subscription.rebalance_listener = Failing()
    sockets = [connection.transport._sock for connection in consumer._client._manager._conns.values()]
    assert sockets
    with pytest.raises(KafkaError):
        consumer.close()
    assert [one.fileno() for one in sockets] == [-1] * len(sockets)
