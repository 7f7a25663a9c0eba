"""Reads the raw topic for the fetcher in a group and commits finished jobs; without Kafka it only fetches."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka import errors as theirs
from kafka.structs import OffsetAndMetadata

from broker.aio_client import METADATA_MS
from broker.config import KafkaConnection
from broker.leader_epoch_sync import UNKNOWN, Epochs
from broker.sync_client import Connect, connected, finish_joining, is_joining, translated
from broker.topic_id_sync import TopicIds
from connectors import metrics
from connectors.groups import FETCHER
from connectors.media_fetch.scheduler import Fetcher
from connectors.runtime.health import Health
from schemas.errors import RetriableError, UnreachableError

POLL_MS = 100

BUSY_MS = 5
"""Poll timeout in milliseconds while a job is running: its end makes room for the next."""

LONGEST_WAIT = 60.0

JOIN_SECONDS = 5.0
"""Seconds that the shutdown waits for a rebalance; without it the next process repeats the fetches of this one."""

_OPTIONS: dict[str, Any] = {
    "group_id": FETCHER,
    "client_id": FETCHER,
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 1_000,
    "bootstrap_timeout_ms": 5_000,
    "request_timeout_ms": 15_000,
    "allow_auto_create_topics": False,
    "metadata_max_age_ms": METADATA_MS,
    "metrics_enabled": False,
}


def run_fetcher(
    fetcher: Fetcher,
    connection: KafkaConnection,
    topics: Sequence[str],
    *,
    stop: threading.Event,
    health: Health,
    connect: Connect = KafkaConsumer,
) -> None:
    """Fetch until `stop` is set. Raises FatalError if Kafka refuses for a reason that an operator must remove.

    Also raises MadeAnewError: jobs for records of the old topic would count as those of the new one.
    """
    tries, ids = 0, TopicIds(topics)
    labelled: dict[TopicPartition, OffsetAndMetadata] = {}
    for topic, end in product(topics, ("new", "old")):  # an alarm on the growth of this metric needs the initial 0
        metrics.RECORDS_GONE.labels(topic, end)
    try:
        while not stop.is_set():
            try:
                reading = _Reading(fetcher, connection, topics, connect, ids, labelled)
                tries = 0
                reading.run(stop, health)
            except RetriableError as error:
                health.troubled(error)
                tries += 1
                _fetch_meanwhile(fetcher, stop, min(2.0 ** min(tries, 10), LONGEST_WAIT))
    finally:
        fetcher.close()
        health.stopped()


def _fetch_meanwhile(fetcher: Fetcher, stop: threading.Event, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stop.wait(POLL_MS / 1000):
        fetcher.step()


class _Reading:
    """One membership in the group, from the connection to its end or fault."""

    def __init__(
        self,
        fetcher: Fetcher,
        connection: KafkaConnection,
        topics: Sequence[str],
        connect: Connect,
        ids: TopicIds,
        labelled: dict[TopicPartition, OffsetAndMetadata],
    ) -> None:
        self._fetcher = fetcher
        self._topics = topics
        self._ids = ids
        self._labelled = labelled
        self._committed: dict[TopicPartition, OffsetAndMetadata] = {}
        self._epochs: dict[TopicPartition, int] = {}
        self.keep(())  # a new member reads from the group's committed offsets
        try:
            self._consumer = connected(connect, **_OPTIONS, **connection.client_options())
        except (theirs.KafkaError, OSError) as error:
            raise translated(error) from error

    def run(self, stop: threading.Event, health: Health) -> None:
        try:
            for topic in self._topics:  # a member that joins before it knows a topic's partitions is assigned none
                if not self._consumer.partitions_for_topic(topic):
                    raise UnreachableError(
                        f"Kafka shows our user no topic {topic}: run `hotline topics create` or `hotline doctor`"
                    )
            self._ids.look(self._consumer)
            self._ids.follow(self._consumer)
            Epochs(self._consumer, self._labelled)
            self._consumer.subscribe(list(self._topics), listener=_Listener(self))
            while not stop.is_set():
                self._turn(health)
            self._fetcher.finish()
            self._join()
            self.commit()
        except (theirs.KafkaError, OSError) as error:
            raise translated(error) from error
        finally:
            with suppress(theirs.KafkaError, OSError):  # sends a leave request to a broker that may be unreachable
                self._consumer.close()

    def commit(self) -> None:
        """Commit changed positions; skipped while the member joins, because Kafka refuses it then."""
        if is_joining(self._consumer):
            return
        reached = {
            place: self._ids.place(place, at, self._epochs.get(place, UNKNOWN))
            for place, at in self._fetcher.positions.items()
        }
        news = {place: at for place, at in reached.items() if self._committed.get(place) != at}
        if news:
            self._consumer.commit(news)
            self._committed |= news

    def keep(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget all partitions but these: another process owns them now, or this one reads them again."""
        kept = frozenset(partitions)
        self._fetcher.keep(kept)
        self._committed = {place: at for place, at in self._committed.items() if place in kept}

    def _join(self) -> None:
        """Wait for a rebalance before the last commit; records read meanwhile are left to the next process."""
        end = time.monotonic() + JOIN_SECONDS
        while is_joining(self._consumer) and time.monotonic() < end:
            finish_joining(self._consumer)
            self._consumer.poll(timeout_ms=POLL_MS)

    def _turn(self, health: Health) -> None:
        finish_joining(self._consumer)
        patience = BUSY_MS if self._fetcher.is_busy else POLL_MS
        for partition, records in self._consumer.poll(timeout_ms=patience, max_records=500).items():
            self._fetcher.take(partition, records)
            self._epochs[partition] = records[-1].leader_epoch
        self._ids.look(self._consumer)
        mine = self._consumer.assignment()
        done = self._fetcher.step(owns_sweep=any(place.partition == 0 for place in mine))
        if self._fetcher.is_full:  # polling must continue, or the group removes the member
            self._consumer.pause(*mine)
        elif paused := self._consumer.paused():
            self._consumer.resume(*paused)
        self.commit()
        health.succeeded(done, 0, self._fetcher.complaints)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python has no types
    """Tracks the partitions that stay: kafka-python continues at its position in them, not at the committed offset.

    It is called in its own thread while the main thread polls; finished jobs were committed before that poll.
    """

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Do nothing: all partitions are revoked before each rebalance, and most of them stay."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._reading.keep(assigned)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self._reading.keep(())
