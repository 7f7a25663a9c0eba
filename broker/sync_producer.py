"""Send records by kafka-python; each is acknowledged by the broker or ends with an error of the pipeline."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka import errors as theirs

from broker.config import KafkaConnection
from broker.sync_client import connected, translated
from schemas.codec import Outbound
from schemas.errors import PipelineError, TopicMissingError, UnreachableError

DELIVERY_SECONDS = 30.0
"""Delivery limit of a record, in seconds, so that an unreachable broker does not accumulate old attempts."""

GRACE_SECONDS = 5.0
"""Further seconds until a producer that has not even failed a delivery is replaced.

kafka-python 3.0.12 was seen to hang for good after a kill of the broker, while new clients worked.
"""

ABORT_SECONDS = 1.0
"""Seconds for failing the remaining records; one of the library's batches may be in the way for a moment."""

ASK_SECONDS = 1.0
"""Limit in seconds for the question whether Kafka has a topic, and the interval at which the answer is looked for."""

CONNECTING_MS = 20
"""Milliseconds between two looks whether a connection is made; what comes meanwhile wakes the sender."""

SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "linger_ms": 20,
    "batch_size": 256 * 1024,
    "max_block_ms": 5_000,
    "bootstrap_timeout_ms": 5_000,
    "request_timeout_ms": 10_000,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}
"""Measured (docs/reference/performance.md): without linger and batches it has a quarter of the throughput."""


class Producer:
    """Idempotent producer that is created at first use and replaced if it cannot continue. Thread-safe."""

    def __init__(
        self,
        connection: KafkaConnection,
        delivery_seconds: float = DELIVERY_SECONDS,
    ) -> None:
        self._connection = connection
        self._delivery_seconds = delivery_seconds
        self._lock = threading.Lock()
        self._theirs: Any = None
        self._missing: set[str] = set()
        self._unsettled = _Unsettled()
        self._closed = False

    def is_ready(self, records: Sequence[Outbound]) -> bool:
        """Return whether `deliver` would not block: connected, with known topics."""
        producer = self._theirs
        return producer is not None and all(_has(producer, record.topic) for record in records)

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        """Send records and return when the broker holds all of them; raises an error of the pipeline if it may not.

        A deleted topic is reported at once: kafka-python would wait for it until the delivery limit.
        """
        delivery = self.deliver(records)
        producer, end = self._theirs, time.monotonic() + self._delivery_seconds + GRACE_SECONDS
        while not wait((delivery,), min(ASK_SECONDS, max(0.0, end - time.monotonic()))).done:
            gone = next((one.topic for one in records if producer is not None and not _has(producer, one.topic)), None)
            if gone is not None:
                raise self._is_missing(gone)
            if time.monotonic() >= end:
                self._drop(producer)
                raise UnreachableError("Kafka confirmed nothing: check that it runs")
        delivery.result()

    def replace_hung(self) -> None:
        """Replace a client that has not even failed a delivery in time; callers that waited in vain call it."""
        producer = self._theirs
        if producer is not None and self._unsettled.oldest_seconds() > self._delivery_seconds + GRACE_SECONDS:
            self._unsettled.forget()
            self._drop(producer)

    def deliver(self, records: Sequence[Outbound]) -> Future[None]:
        """Queue records; the future is done when all have settled: acknowledged, or failed with the first error.

        Blocks only while a topic is unknown, for `max_block_ms` at most. Raises UnreachableError once closed.
        """
        count = _Countdown(len(records))
        self._unsettled.begin(count.done)
        fault: PipelineError | None = None
        for record in records:
            # After the first fault the others fail with it: each would wait as long for a broker that is away.
            fault = fault or self._queue(record, count)
            if fault:
                count.failed(fault)
        return count.done

    def _queue(self, record: Outbound, count: "_Countdown") -> PipelineError | None:
        producer: Any = None
        try:
            producer = self._producer()
            if record.topic in self._missing and _lacks(producer, record.topic):
                return self._is_missing(record.topic)
            delivery = producer.send(record.topic, value=record.value, key=record.key, headers=record.headers)
        except (theirs.KafkaError, OSError, ValueError) as error:
            if not getattr(error, "retriable", True):
                self._drop(producer)
            elif producer is not None and _lacks(producer, record.topic):
                return self._is_missing(record.topic)
            return translated(error)
        self._missing.discard(record.topic)
        delivery.add_callback(count.arrived)
        delivery.add_errback(lambda error: count.failed(self._judge(error, producer)))
        return None

    def close(self) -> None:
        """Flush and close. Idempotent."""
        with self._lock:
            self._closed = True
            producer, self._theirs = self._theirs, None
        if producer is not None:
            _end(producer, self._delivery_seconds)

    def _is_missing(self, topic: str) -> TopicMissingError:
        """Remember a missing topic, so that no caller waits for it again before it exists."""
        self._missing.add(topic)
        return TopicMissingError(f"Kafka has no topic {topic}: run `hotline topics create` or `hotline doctor`")

    def _judge(self, error: BaseException, producer: Any) -> PipelineError:
        """Return the pipeline's error for one of kafka-python's, and drop a producer that will not recover."""
        if not getattr(error, "retriable", True):
            self._drop(producer)
        return translated(error)

    def _producer(self) -> Any:
        with self._lock:
            if self._closed:
                raise UnreachableError("the Kafka producer is closed: this process stops")
            if self._theirs is None:
                self._theirs = connected(KafkaProducer, **self._settings())
                _pause_while_away(self._theirs)
            return self._theirs

    def _settings(self) -> dict[str, Any]:
        milliseconds = int(self._delivery_seconds * 1000)
        limits = {
            "delivery_timeout_ms": milliseconds,
            "request_timeout_ms": min(SETTINGS["request_timeout_ms"], milliseconds - SETTINGS["linger_ms"]),
        }
        return {**SETTINGS, **limits, **self._connection.client_options()}

    def _drop(self, producer: Any) -> None:
        """Drop this producer; late errors of an earlier one do not count against its successor."""
        with self._lock:
            if producer is None or self._theirs is not producer:
                return
            self._theirs = None
        # not here: this may be the producer's own thread
        threading.Thread(target=_end, args=(producer, 1.0), daemon=True).start()


def _pause_while_away(producer: Any) -> None:
    """Let the sender wait for a broker that is not connected; it would look again without a pause.

    kafka-python 3.0.12 takes the seconds of a back-off for milliseconds, and 0 of them while it connects: its thread
    took a whole core for as long as a broker hung. For a topic without a leader it asks for metadata at each look, and
    so wakes itself at once, although it has asked before and the answer is on its way.
    """
    client = producer._sender._client
    delay = client.connection_delay
    client.connection_delay = lambda node: max(1000 * delay(node), CONNECTING_MS)
    metadata = producer._metadata
    ask = metadata.request_update

    def ask_once() -> Any:
        asked = metadata._future
        return asked if metadata.need_update and asked is not None and not asked.is_done else ask()

    metadata.request_update = ask_once


def _has(producer: Any, topic: str) -> bool:
    """Return whether Kafka had a topic according to the last answer; does not block."""
    return producer._metadata.partitions_for_topic(topic) is not None


def _lacks(producer: Any, topic: str) -> bool:
    """Return whether Kafka answers and lacks the topic; `send` reports a topic that this user may not see."""
    if _has(producer, topic):
        return False
    answered = threading.Event()
    asked = producer._metadata.request_update()
    asked.add_both(lambda *_: answered.set())
    if not answered.wait(ASK_SECONDS):
        return False
    told = asked.succeeded() or isinstance(asked.exception, theirs.UnknownTopicOrPartitionError)
    return told and not _has(producer, topic) and topic not in producer._metadata.unauthorized_topics


class _Unsettled:
    """Deliveries that have not settled, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[Future[None], float] = {}

    def begin(self, delivery: Future[None]) -> None:
        with self._lock:
            self._since[delivery] = time.monotonic()
        delivery.add_done_callback(self._end)

    def oldest_seconds(self) -> float:
        with self._lock:
            since = next(iter(self._since.values()), None)
        return 0.0 if since is None else time.monotonic() - since

    def forget(self) -> None:
        with self._lock:
            self._since.clear()

    def _end(self, delivery: Future[None]) -> None:
        with self._lock:
            self._since.pop(delivery, None)


class _Countdown:
    """Completes `done` when a number of records have settled."""

    def __init__(self, records: int) -> None:
        self.done: Future[None] = Future()
        self._left = records
        self._fault: PipelineError | None = None
        self._lock = threading.Lock()
        if not records:
            self.done.set_result(None)

    def arrived(self, _: object) -> None:
        self._settle(None)

    def failed(self, fault: PipelineError) -> None:
        self._settle(fault)

    def _settle(self, fault: PipelineError | None) -> None:
        with self._lock:
            self._left -= 1
            self._fault = self._fault or fault
            last = self._left == 0
        if last and self._fault:
            self.done.set_exception(self._fault)
        elif last:
            self.done.set_result(None)


def _end(producer: Any, seconds: float) -> None:
    # close() raises and leaves its thread behind if its flush takes too long.
    with suppress(theirs.KafkaError, OSError):
        producer.flush(seconds)
    _abort(producer)
    with suppress(theirs.KafkaError, OSError):
        producer.close(1.0)


def _abort(producer: Any) -> None:
    """Fail all remaining records, so that no caller waits for them.

    kafka-python stops at a batch that its own thread has just settled and is about to remove. This batch is gone a
    moment later, and those behind it must still be failed.
    """
    end = time.monotonic() + ABORT_SECONDS
    while time.monotonic() < end:
        with suppress(theirs.IllegalStateError):
            producer._accumulator.abort_incomplete_batches()
            return
        time.sleep(0.01)
