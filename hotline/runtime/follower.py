"""Follows hand-overs and the log of decisions for the desk, in a thread of its own, as long as the process runs.

::

    hotline.handover.v1 (7 days) ──► Queue ──► snapshot ──► changed()
    hotline.event.v1 (from the oldest hand-over on) ──┘
    the ends, every 2 seconds ──► complete_at, when all before them is read

A consumer that fails is opened again where it stood. Nothing hides that meanwhile: `complete_at` stands still.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from broker.config import KafkaConnection
from broker.kafka_reader import NoTopicError
from broker.sync_client import position, reader
from console import metrics
from console.desk.queue import Queue, Snapshot
from hotline.monitor.kafka import FETCH_BYTES, Kafka, Places
from schemas import topics
from schemas.errors import PipelineError
from tickets.open_handovers import CLOCKS, WINDOW

LOOK_SECONDS = 2.0
"""How often the ends are asked for: the desk calls a page stale after 12 seconds, with a beat every 5."""

PAUSE_SECONDS = 1.0
POLL_MS = 200

_log = structlog.get_logger(__name__)


class Follower:
    """The queue as Kafka has it; `changed` is called in the follower's thread."""

    def __init__(
        self,
        connection: KafkaConnection,
        changed: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connection = connection
        self._changed = changed
        self._now = now
        self._forget()
        self.snapshot = Snapshot()
        self.complete_at: datetime | None = None
        self.trouble: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop`."""
        while not stop.is_set():
            try:
                with reader(self._connection, max_partition_fetch_bytes=FETCH_BYTES) as consumer:
                    self._follow(consumer, stop)
            except PipelineError as error:
                if self.trouble is None:
                    _log.warning("desk_waits", error=type(error).__name__, sentence=str(error))
                self.trouble = str(error)
                stop.wait(PAUSE_SECONDS)

    def _forget(self) -> None:
        self._queue = Queue()
        self._places: Places = {}

    def _follow(self, consumer: Any, stop: threading.Event) -> None:
        kafka = Kafka(consumer, None)
        if not self._places or self._is_other_log(kafka):
            self._forget()
            self._read_all(kafka)
        consumer.assign(list(self._places))
        for place, at in self._places.items():
            consumer.seek(place, at)
        look = 0.0
        asked, ends = self._now(), kafka.ends(self._places)
        while not stop.is_set():
            self._take(consumer.poll(timeout_ms=POLL_MS))
            if ends and all(position(consumer, place) >= end for place, end in ends.items()):
                self._complete(asked)
                ends, look = {}, time.monotonic() + LOOK_SECONDS
            if not ends and time.monotonic() >= look:
                if self._queue.needs_reading or self._places.keys() != set(_places(kafka)):
                    self._places = {}  # everything is read anew
                    return
                asked, ends = self._now(), kafka.ends(self._places)

    def _is_other_log(self, kafka: Kafka) -> bool:
        """Return whether partitions were added, or a topic was made anew."""
        ends = kafka.ends(_places(kafka))
        return ends.keys() != self._places.keys() or any(at > ends[place] for place, at in self._places.items())

    def _read_all(self, kafka: Kafka) -> None:
        """Read the hand-overs of the window, then decisions from the oldest of them on."""
        places = _places(kafka)
        handed = [place for place in places if place.topic == topics.HANDOVER]
        decided = [place for place in places if place.topic == topics.EVENT]
        ends = kafka.ends(decided)  # before the hand-overs: what is decided meanwhile is read behind them
        first = kafka.since(handed, self._now() - WINDOW)
        for record in kafka.read(first, kafka.ends(handed)):
            self._queue.hand_over(record.value or b"", record.timestamp)
        oldest = self._queue.oldest
        later = kafka.since(decided, oldest - CLOCKS) if oldest else ends
        for record in kafka.read(later, kafka.ends(decided)):
            self._queue.decide(record.value or b"", record.timestamp)
        self._places = first | later
        self._show()

    def _take(self, polled: Any) -> None:
        """Fold hand-overs before decisions: what is answered has to be there."""
        for place in sorted(polled, key=lambda one: one.topic != topics.HANDOVER):
            fold = self._queue.hand_over if place.topic == topics.HANDOVER else self._queue.decide
            for record in polled[place]:
                fold(record.value or b"", record.timestamp)
                self._places[place] = record.offset + 1
        if polled:
            self._show()

    def _show(self) -> None:
        self.snapshot = self._queue.snapshot(self._now())
        metrics.DESK_WAITING.set(len(self.snapshot.waiting))
        self._changed()

    def _complete(self, asked: datetime) -> None:
        if self.trouble is not None:
            _log.info("desk_goes_on")
        self.complete_at, self.trouble = asked, None
        metrics.DESK_COMPLETE.set(asked.timestamp())


def _places(kafka: Kafka) -> list[Any]:
    """Return the partitions of both topics. Raises NoTopicError."""
    found = kafka.places([topics.HANDOVER, topics.EVENT])
    if missing := {topics.HANDOVER, topics.EVENT} - {place.topic for place in found}:
        raise NoTopicError(
            f"Kafka shows our user no topic {min(missing)}: run `hotline topics create` or `hotline doctor`."
        )
    return found
