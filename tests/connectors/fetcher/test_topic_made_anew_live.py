"""A topic that is deleted and made under a running fetcher: it ends, and the next one reads all of the new one."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.structs import OffsetAndMetadata

from broker.config import KafkaConnection
from connectors.media_fetch import consumer as runner
from connectors.media_fetch.consumer import run_fetcher
from connectors.media_fetch.scheduler import Fetcher
from connectors.runtime.health import Health
from schemas.errors import FatalError
from schemas.records import RawMessage
from tests.connectors.fetcher.errands import Fake
from tests.fresh import admin_of, made_anew
from tests.waiting import until

pytestmark = pytest.mark.integration


class Run:
    """A fetcher in a thread, with what it planned and what ended it."""

    def __init__(self, kafka: KafkaConnection, topic: str) -> None:
        self.planned: list[str] = []
        self.ended_by: BaseException | None = None
        self._consumer: KafkaConsumer | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(kafka, topic))
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def is_at(self, topic: str, offset: int, partition: int = 0) -> bool:
        """Say whether it has a partition, and has asked what is there from this offset on."""
        place = TopicPartition(topic, partition)
        state = self._consumer and self._consumer._subscription.assignment.get(place)
        return bool(state and state.highwater == offset and state._position and state._position.offset == offset)

    def interrupt(self, poll: Callable[..., None]) -> None:
        """Let its client poll in this way instead, until it makes another."""
        self._consumer.poll = poll

    def end(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert self.is_over

    def _plan(self, raw: RawMessage) -> list[Fake]:
        self.planned.append(raw.envelope.id)
        return [Fake(raw.envelope.id)]

    def _connect(self, **options: Any) -> KafkaConsumer:
        self._consumer = KafkaConsumer(**options)
        return self._consumer

    def _run(self, kafka: KafkaConnection, topic: str) -> None:
        fetcher = Fetcher(self._plan, lambda _: None)
        try:
            run_fetcher(
                fetcher, kafka, [topic], stop=self._stop, health=Health("fetcher", "wechat"), connect=self._connect
            )
        except FatalError as error:
            self.ended_by = error


class Topic:
    """One of this test alone."""

    def __init__(self, kafka: KafkaConnection, raw: Callable[..., RawMessage], group: str, partitions: int = 1) -> None:
        self.name = f"anew-{time.time_ns()}"
        self._kafka, self._raw, self._group = kafka, raw, group
        self._place = TopicPartition(self.name, 0)
        with admin_of(kafka) as admin:
            admin.create_topics([NewTopic(self.name, partitions, 1)])

    def make_anew(self) -> None:
        made_anew(self._kafka, self.name, 1)

    def put(self, count: int, word: str, partition: int = 0) -> list[str]:
        names = [f"{word} {number}" for number in range(count)]
        with KafkaProducer(**self._kafka.client_options()) as producer:
            for name in names:
                out = self._raw(b"x", name, channel="wechat").outbound()
                producer.send(self.name, out.value, out.key, list(out.headers), partition=partition).get(60)
        return names

    def committed(self, partition: int = 0) -> OffsetAndMetadata | None:
        with KafkaConsumer(group_id=self._group, **self._kafka.client_options()) as consumer:
            return consumer.committed(TopicPartition(self.name, partition), metadata=True)

    def commit(self, at: OffsetAndMetadata) -> None:
        with KafkaConsumer(group_id=self._group, enable_auto_commit=False, **self._kafka.client_options()) as consumer:
            consumer.assign([self._place])
            consumer.commit({self._place: at})


@pytest.fixture
def topic(
    kafka: KafkaConnection, raw: Callable[..., RawMessage], account: str, monkeypatch: pytest.MonkeyPatch
) -> Topic:
    monkeypatch.setitem(runner._OPTIONS, "group_id", account)
    monkeypatch.setitem(runner._OPTIONS, "metadata_max_age_ms", 500)
    return Topic(kafka, raw, account)


@pytest.mark.parametrize("written", [3, 12], ids=["less than before", "more than before"])
def test_the_fetcher_ends_and_the_next_one_reads_it_from_its_beginning(
    kafka: KafkaConnection, topic: Topic, written: int
) -> None:
    before = topic.put(6, "before")
    run = Run(kafka, topic.name)
    try:
        until(lambda: run.planned == before)
        until(lambda: (at := topic.committed()) and at.offset == 6)
        topic.make_anew()
        after = topic.put(written, "after")
        until(lambda: run.is_over)
    finally:
        run.end()
    assert "made anew" in str(run.ended_by)
    again = Run(kafka, topic.name)
    try:
        until(lambda: again.planned == after)
    finally:
        again.end()


def test_what_a_fetcher_committed_late_counts_for_nothing_in_the_new_topic(
    kafka: KafkaConnection, topic: Topic
) -> None:
    """Killed before it noticed: its position is of the old topic, and the new one has grown past it."""
    names = topic.put(6, "name")
    topic.commit(OffsetAndMetadata(4, "f" * 32, -1))
    run = Run(kafka, topic.name)
    try:
        until(lambda: run.planned == names)
    finally:
        run.end()


def test_a_position_of_before_and_one_that_an_operator_set_count(kafka: KafkaConnection, topic: Topic) -> None:
    names = topic.put(6, "name")
    topic.commit(OffsetAndMetadata(4, "", -1))
    run = Run(kafka, topic.name)
    try:
        until(lambda: run.planned == names[4:])
    finally:
        run.end()
    last = topic.committed()
    assert last is not None
    assert (last.offset, len(last.metadata)) == (6, 32)
