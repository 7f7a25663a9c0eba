"""Kafka loses the end of a topic: what takes the places of records that a fetcher had read is planned, too."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaConnectionError
from kafka.structs import OffsetAndMetadata
from prometheus_client import REGISTRY

from broker.config import KafkaConnection
from broker.leader_epoch_sync import Epochs
from connectors.media_fetch import consumer as runner
from schemas.records import RawMessage
from tests.connectors.fetcher.test_topic_made_anew_live import Run, Topic, topic
from tests.peers.forgetful_kafka import ForgetfulKafka
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.long]
__all__ = ["topic"]

COUNTS = pytest.mark.parametrize("written", [2, 9], ids=["less than was lost", "more than was lost"])


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForgetfulKafka]:
    with ForgetfulKafka(tmp_path_factory.mktemp("forgetful")) as kafka:
        yield kafka


@pytest.fixture
def kafka(forgetful: ForgetfulKafka) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=forgetful.address, partitions=1)


@pytest.fixture
def account() -> str:
    return f"forgotten-{time.time_ns()}"


@contextmanager
def running(kafka: KafkaConnection, topic: Topic) -> Iterator[Run]:
    run = Run(kafka, topic.name)
    try:
        yield run
    finally:
        run.end()


def stands(topic: Topic, offset: int, partition: int = 0) -> None:
    until(lambda: (at := topic.committed(partition)) and at.offset == offset)


def read(kafka: KafkaConnection, topic: Topic) -> None:
    """Let a fetcher read six records, and end."""
    before = topic.put(6, "before")
    with running(kafka, topic) as run:
        until(lambda: run.planned == before)
        stands(topic, 6)


def gone(topic: Topic, end: str) -> float | None:
    return REGISTRY.get_sample_value("hotline_connectors_records_gone_total", {"topic": topic.name, "end": end})


@COUNTS
def test_what_took_their_places_while_nobody_read_is_planned_and_the_loss_is_told(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic, written: int
) -> None:
    read(kafka, topic)
    assert (gone(topic, "new"), gone(topic, "old")) == (0, 0), "what first appears as 3 has grown by nothing"
    forgetful.lose(topic.name, 0, 3)
    after = topic.put(written, "after")
    with running(kafka, topic) as run:
        until(lambda: run.planned == after)
        stands(topic, 3 + written)
    assert (gone(topic, "new"), gone(topic, "old")) == (3, 0)
    more = topic.put(1, "more")
    with running(kafka, topic) as run:
        until(lambda: run.planned == more)


@COUNTS
def test_what_takes_their_places_under_a_fetcher_is_planned(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic, written: int
) -> None:
    before = topic.put(6, "before")
    with running(kafka, topic) as run:
        until(lambda: run.planned == before)
        stands(topic, 6)
        forgetful.lose(topic.name, 0, 3)
        after = topic.put(written, "after")
        until(lambda: run.planned == [*before, *after])
        stands(topic, 3 + written)


@COUNTS
def test_what_takes_them_under_a_fetcher_that_has_read_nothing_yet_is_planned(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic, written: int
) -> None:
    read(kafka, topic)
    with running(kafka, topic) as run:
        until(lambda: run.is_at(topic.name, 6))
        forgetful.lose(topic.name, 0, 3)
        after = topic.put(written, "after")
        until(lambda: run.planned == after)


def test_what_takes_them_under_a_fetcher_whose_commit_tells_no_epoch_is_planned(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic
) -> None:
    """A version before this one made it, or an operator."""
    topic.put(6, "before")
    topic.commit(OffsetAndMetadata(6, "", -1))
    with running(kafka, topic) as run:
        until(lambda: run.is_at(topic.name, 6))
        forgetful.lose(topic.name, 0, 3)
        after = topic.put(9, "after")
        until(lambda: run.planned == after)


def test_what_takes_them_is_planned_also_where_the_fetcher_had_to_connect_anew_meanwhile(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic
) -> None:
    """Nobody but the client that is gone had been told the epoch of the group's place."""
    topic.put(6, "before")
    topic.commit(OffsetAndMetadata(6, "", -1))
    lost = threading.Event()

    def breaks(**_: object) -> None:
        lost.wait(60)
        raise KafkaConnectionError

    with running(kafka, topic) as run:
        until(lambda: run.is_at(topic.name, 6))
        run.interrupt(breaks)
        forgetful.lose(topic.name, 0, 3)
        after = topic.put(9, "after")
        lost.set()
        until(lambda: run.planned == after)


def test_what_takes_them_after_a_rebalance_is_planned(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, raw: Callable[..., RawMessage], topic: Topic, account: str
) -> None:
    """One partition stays where it was, the other one is begun with where the group stood."""
    topic = Topic(kafka, raw, account, partitions=2)
    before = [*topic.put(6, "first", 0), *topic.put(6, "second", 1)]
    with ExitStack() as stack:
        runs = [stack.enter_context(running(kafka, topic))]
        until(lambda: sorted(runs[0].planned) == sorted(before))
        for partition in range(2):
            stands(topic, 6, partition)
        runs.append(stack.enter_context(running(kafka, topic)))
        until(lambda: all(any(run.is_at(topic.name, 6, partition) for partition in range(2)) for run in runs))
        for partition in range(2):
            forgetful.lose(topic.name, partition, 3)
        after = {*topic.put(9, "third", 0), *topic.put(9, "fourth", 1)}
        until(lambda: {name for run in runs for name in run.planned} >= after)


def test_what_is_deleted_before_it_is_read_is_told(kafka: KafkaConnection, topic: Topic) -> None:
    read(kafka, topic)
    unread = topic.put(6, "unread")
    with closing(KafkaAdminClient(**kafka.client_options())) as admin:
        admin.delete_records({TopicPartition(topic.name, 0): 10})
    with running(kafka, topic) as run:
        until(lambda: run.planned == unread[4:])
    assert (gone(topic, "new"), gone(topic, "old")) == (0, 4)


def test_a_broker_that_returns_with_all_of_it_has_lost_nothing(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic
) -> None:
    read(kafka, topic)
    with running(kafka, topic) as run:
        until(lambda: run.is_at(topic.name, 6))
        with forgetful.away():
            pass
        after = topic.put(2, "after")
        until(lambda: run.planned == after)
    assert (gone(topic, "new"), gone(topic, "old")) == (0, 0)


def test_a_fetch_that_brings_nothing_leaves_the_epoch_of_the_position(
    forgetful: ForgetfulKafka, kafka: KafkaConnection, topic: Topic, account: str
) -> None:
    """Between that and the next poll the leader may be another, by whose epoch nobody would look."""
    read(kafka, topic)
    options = {**runner._OPTIONS, **kafka.client_options(), "group_id": account}
    with closing(KafkaConsumer(**options)) as consumer:
        Epochs(consumer)
        consumer.subscribe([topic.name])
        states = consumer._subscription.assignment.values()
        polled, seen = consumer._fetcher.maybe_validate_positions, []

        def poll_begins() -> None:
            seen.extend(state.position.leader_epoch for state in states if state.has_valid_position)
            polled()

        consumer._fetcher.maybe_validate_positions = poll_begins
        until(lambda: consumer.poll(100) or any(state.highwater == 6 for state in states))
        consumer.poll(100)
    assert min(seen) >= 0
