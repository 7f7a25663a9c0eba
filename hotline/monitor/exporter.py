"""`hotline run monitor`: looks at Kafka and Elasticsearch at intervals and exports the results to Prometheus."""

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from hotline.admin.transactions import TOPICS
from hotline.config import clients
from hotline.monitor import metrics
from hotline.monitor.handovers import Unanswered
from hotline.monitor.overdue import overdue
from hotline.monitor.services import elasticsearch
from hotline.monitor.watcher import Seen, Watcher
from schemas.enums import MENTIONED, URGENCIES
from schemas.errors import PipelineError
from tickets.open_handovers import LEVELS
from tickets.sla.overdue import WAITING

if TYPE_CHECKING:
    from prometheus_client import Gauge

    from hotline.config.settings import Settings


_log = structlog.get_logger(__name__)


class Monitor:
    """Looks until it is stopped; an unreachable service sets a gauge and ends nothing."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._watcher = Watcher(settings, clients.kafka(settings))
        self._reminded: dict[str, datetime] = {}
        self._unseen: frozenset[str] = frozenset()
        self.trouble: str | None = None
        self.last_look: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Look every `telemetry.monitor_seconds`; a missing right is reported and ends nothing in this process."""
        while not stop.is_set():
            self.look(datetime.fromtimestamp(time.time(), UTC))
            stop.wait(self._settings.telemetry.monitor_seconds)

    def look(self, now: datetime) -> None:
        """Look once and set the gauges; gauges of unavailable values keep their last ones."""
        archive = elasticsearch(self._settings).reachable
        metrics.REACHABLE.labels("elasticsearch").set(archive)
        unseen = self._count_overdue(now) if archive else None
        try:
            seen = self._watcher.look(now)
        except PipelineError as error:
            metrics.REACHABLE.labels("kafka").set(False)
            self._troubled(str(error))
            return
        metrics.REACHABLE.labels("kafka").set(True)
        show(seen)
        self._tell_unseen(seen)
        self._remind(seen.handovers, now)
        self._troubled(unseen)
        if unseen is None:
            self.last_look = now
            metrics.LOOKED.set(now.timestamp())

    def _count_overdue(self, now: datetime) -> str | None:
        """Count the tickets whose limit has run out; return why that was not possible."""
        try:
            counted = overdue(self._settings, now)
        except PipelineError as error:
            return str(error)
        _set(metrics.TICKETS_OVERDUE, _NOTHING_LATE | counted)
        return None

    def _tell_unseen(self, seen: Seen) -> None:
        """Log once the topics whose transactions Kafka does not show: a right is missing, or Kafka is too old."""
        unseen = frozenset(TOPICS) - seen.transactions_hanging.keys()
        if unseen - self._unseen:
            _log.warning("transactions_unseen", topics=sorted(unseen))
        self._unseen = unseen

    def _remind(self, waiting: Iterable[Unanswered], now: datetime) -> None:
        """Log overdue emergencies, and again after each period that the desk has, until it acknowledges them."""
        overdue = {one.level: one for one in waiting if one.overdue and one.level != MENTIONED}
        self._reminded = {level: at for level, at in self._reminded.items() if level in overdue}
        again_after = timedelta(seconds=self._settings.telemetry.acknowledge_within_seconds)
        for level, one in overdue.items():
            # after a step of the clock backwards, the last time lies in the future
            if level not in self._reminded or not timedelta(0) <= now - self._reminded[level] < again_after:
                self._reminded[level] = now
                metrics.REMINDERS.labels(level).inc()
                _log.error(
                    "handovers_overdue", level=level, count=one.overdue, oldest_seconds=round(one.oldest_seconds)
                )

    def _troubled(self, sentence: str | None) -> None:
        if (sentence is None) != (self.trouble is None):
            _log.warning("monitor_blind" if sentence else "monitor_sees_again", sentence=sentence)
        self.trouble = sentence


def show(seen: Seen) -> None:
    """Set every gauge to the values of a look; gauges of former values are removed."""
    _set(metrics.WORKERS, {(one.stage,): one.workers for one in seen.stages})
    _set(metrics.LAG_RECORDS, {(one.stage,): one.lag_records for one in seen.stages})
    _set(metrics.OLDEST_SECONDS, {(one.stage,): one.oldest_seconds for one in seen.stages})
    known = [one for one in seen.accounts if one.silent_after_seconds is not None]  # others' names are not bounded
    heard = {(one.channel, one.account): one.last_message.timestamp() for one in known if one.last_message}
    _set(metrics.LAST_MESSAGE, heard)
    _set(metrics.SILENT, {(one.channel, one.account): one.silent for one in known if one.silent is not None})
    _set(metrics.DEAD_LETTERS, {(one.stage, one.code): one.count for one in seen.dead_letters})
    _set(metrics.DEAD_LETTERS_LAST_HOUR, {(one.stage, one.code): one.last_hour for one in seen.dead_letters})
    _set(metrics.TRANSACTIONS_HANGING, {(topic,): float(count) for topic, count in seen.transactions_hanging.items()})
    _set(metrics.CLOCK_AHEAD_SECONDS, {("kafka",): seen.clock_ahead} if seen.clock_ahead is not None else {})
    _set(metrics.ANSWERS, {(one.account, one.state): one.count for one in seen.answers})
    _set(metrics.UNACKNOWLEDGED, _NONE | {(one.level,): one.unacknowledged for one in seen.handovers})
    _set(metrics.OVERDUE, _NONE | {(one.level,): float(one.overdue) for one in seen.handovers})
    _set(metrics.OLDEST_UNACKNOWLEDGED_SECONDS, _NONE | {(one.level,): one.oldest_seconds for one in seen.handovers})


_NONE = {(level,): 0.0 for level in LEVELS}
"""Shown from the start: an alarm on a missing series would never ring."""


_NOTHING_LATE = {(clock, urgency): 0 for clock in WAITING for urgency in URGENCIES}


def _set(gauge: "Gauge", wanted: Mapping[Any, float]) -> None:
    (family,) = gauge.collect()
    shown = {tuple(sample.labels.values()) for sample in family.samples}
    for labels, value in wanted.items():
        gauge.labels(*labels).set(value)
    for gone in shown - wanted.keys():
        gauge.remove(*gone)
