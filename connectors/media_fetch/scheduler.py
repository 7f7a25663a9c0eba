"""The fetcher: plans the jobs of messages, runs them in a lane for each account, and tracks finished records."""

import time
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from kafka import TopicPartition

from connectors import metrics
from connectors.base import utc_now
from connectors.media_fetch.job import Errand, GivenUp, Plan, Publish, TooEarlyError
from connectors.media_fetch.offset_tracker import Window
from connectors.media_fetch.settings import FetcherSettings
from connectors.media_fetch.worker import Done, Job, Journaled, Lane
from schemas.codec import Inbound
from schemas.errors import PipelineError, RecordError, RetriableError
from schemas.records import RawMessage, raw_of
from schemas.records.raw import is_beginning

_log = structlog.get_logger(__name__)


class FaultOfOursError(RetriableError):
    """A job raised an unexpected error, which is the cause."""


class Fetcher:
    """One process of the group; `plan` returns the jobs of a message, `sweep` those that need no message."""

    def __init__(
        self,
        plan: Plan,
        publish: Publish,
        settings: FetcherSettings | None = None,
        *,
        sweep: Callable[[], Sequence[Errand]] = tuple,
        journal: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings or FetcherSettings()
        self._plan = plan
        self._publish = publish
        self._sweep = sweep
        self._journal = Journaled(journal)
        self._clock = clock
        self._now = now
        self._lanes: dict[str, Lane] = {}
        self._jobs: dict[str, Job] = {}
        self._windows: dict[TopicPartition, Window] = {}
        self._journal_at = self._sweep_at = 0.0

    @property
    def waiting(self) -> int:
        """Return the number of unfinished jobs."""
        return len(self._jobs)

    @property
    def is_full(self) -> bool:
        """Return whether reading messages should pause."""
        return self.waiting >= self._settings.waiting_max

    @property
    def is_busy(self) -> bool:
        """Return whether a job is running now."""
        return any(lane.is_running for lane in self._lanes.values())

    @property
    def complaints(self) -> tuple[str, ...]:
        """Return the errors of the accounts, as sentences."""
        return tuple(f"{name}: {lane.trouble}" for name, lane in sorted(self._lanes.items()) if lane.trouble)

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """Return the offset of each partition at which reading resumes after a crash."""
        found = {partition: window.position for partition, window in self._windows.items()}
        return {partition: position for partition, position in found.items() if position is not None}

    def take(self, partition: TopicPartition, records: Iterable[Inbound]) -> None:
        """Plan the jobs of the records."""
        window = self._windows.setdefault(partition, Window())
        for record in records:
            jobs = {self._put(errand) for errand in self._errands_of(record)}
            window.take(record.offset, [job.errand.name for job in jobs])
            for job in jobs:  # a set: after a rebalance a waiting job may be planned again for the same record
                job.places.add((partition, record.offset))

    def step(self, *, owns_sweep: bool = False) -> int:
        """Start due jobs and settle ended ones; return the number of finished jobs."""
        now = self._clock()
        if now >= self._journal_at:
            self._journal_at = now + self._settings.journal_seconds
            self._rescue()
        if owns_sweep and now >= self._sweep_at:
            self._sweep_at = now + self._settings.sweep_seconds
            for errand in self._sweep():
                self._put(errand)
        for lane in self._lanes.values():
            lane.start(now, self._run)
        return self._collect()

    def finish(self) -> int:
        """Wait for running jobs and settle them, so that their offsets can be committed; return their number."""
        for lane in self._lanes.values():
            lane.wait()
        return self._collect()

    def _collect(self) -> int:
        done = [one for lane in self._lanes.values() for one in lane.collect(self._clock()) if self._settled(one)]
        metrics.ERRANDS_WAITING.set(self.waiting)
        return len(done)

    def keep(self, partitions: Container[TopicPartition]) -> None:
        """Drop all other partitions: their next owner begins at the committed offset."""
        self._windows = {place: window for place, window in self._windows.items() if place in partitions}

    def close(self) -> None:
        """Wait for running jobs; waiting ones are found again in Kafka."""
        for lane in self._lanes.values():
            lane.close()

    def _put(self, errand: Errand) -> Job:
        """Return the queued job of an errand; a repeated errand shares the waiting one."""
        job = self._jobs.get(errand.name)
        if job is None:
            job = self._jobs[errand.name] = Job(errand)
            self._lane_of(errand.account).put(job)
        return job

    def _lane_of(self, account: str) -> Lane:
        if account not in self._lanes:
            self._lanes[account] = Lane(account)
            for outcome in ("given_up", "failed"):  # an alarm on the growth of this metric needs the initial 0
                metrics.ERRANDS.labels(account, outcome)
        return self._lanes[account]

    def _run(self, errand: Errand) -> None:
        """Run a job; internal errors are retried as well, because a citizen's file would be lost otherwise."""
        last = self._now() >= errand.deadline
        try:
            errand.run(self._publish, last=last)
        except (PipelineError, GivenUp, TooEarlyError):
            raise
        except Exception as error:
            if last:
                raise
            raise FaultOfOursError(f"internal error ({type(error).__name__}): it is tried again") from error

    def _settled(self, done: Done) -> bool:
        """Record the result of a job; an internal error at the last try ends it, so that its partition is not blocked.

        An internal error is logged at the first try and when it ends the job.
        """
        job, error = done
        if isinstance(error, TooEarlyError):
            return False
        if isinstance(error, PipelineError):
            if isinstance(error, FaultOfOursError) and job.tries == 1:
                _log.error("errand_faulted", account=job.errand.account, error=type(error.__cause__).__name__)
            metrics.ERRANDS.labels(job.errand.account, "retried").inc()
            return False
        if error is not None:
            fault = error.fault if isinstance(error, GivenUp) else error
            _log.error("errand_failed", account=job.errand.account, error=type(fault).__name__)
        outcome = "given_up" if isinstance(error, GivenUp) else "failed" if error else "done"
        metrics.ERRANDS.labels(job.errand.account, outcome).inc()
        self._jobs.pop(job.errand.name, None)
        for partition, offset in job.places:
            window = self._windows.get(partition)
            if window is not None:
                window.finish(offset, job.errand.name)
        return True

    def _errands_of(self, record: Inbound) -> Sequence[Errand]:
        """Return the jobs of a record; a message's beginning gets no file jobs, whose results would precede it."""
        try:
            raw = raw_of(record)
        except Exception as error:  # noqa: BLE001 - the normalizer reports faults of a record
            _log.warning("record_not_planned", offset=record.offset, error=type(error).__name__)
            return ()
        errands = self._planned(raw)
        return [errand for errand in errands if not errand.keeps] if is_beginning(record) else errands

    def _planned(self, raw: RawMessage) -> Sequence[Errand]:
        """Return the jobs of a message. An internal error loses only this message's files; an alarm reports it."""
        offset = raw.position.offset if raw.position else None  # None for a message of the journal
        try:
            return self._plan(raw)
        except RecordError as error:  # the normalizer reports faults of a message
            _log.warning("record_not_planned", offset=offset, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - an internal error over one message: later ones continue
            _log.error("record_not_planned", offset=offset, error=type(error).__name__)
            metrics.ERRANDS.labels(raw.envelope.account, "failed").inc()
        return ()

    def _rescue(self) -> None:
        """Fetch for messages in the journal: their files would expire during a long outage."""
        for raw in self._journal.news():
            for errand in self._planned(raw):
                if errand.keeps:
                    self._put(_Kept(errand))


class _Kept:
    """A job whose result is only stored: the record follows when its message comes through Kafka."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self.account, self.deadline, self.keeps = errand.account, errand.deadline, True
        self.name = f"kept:{errand.name}"

    def run(self, publish: Publish, *, last: bool) -> None:
        self._errand.run(_publish_nothing, last=last)


def _publish_nothing(_: Sequence[RawMessage]) -> None:
    """Publish nothing: the job that comes through Kafka publishes the record."""
