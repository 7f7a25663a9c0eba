"""The fetcher: plans the errands of messages, runs them in the lanes of their accounts, and knows what is done."""

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
    """An errand raised what nobody thought of; its cause is the error."""


class Fetcher:
    """One process of the group; `plan` says what a message gives to fetch, `sweep` what to ask for without one."""

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
        """Return how many errands are not done."""
        return len(self._jobs)

    @property
    def is_full(self) -> bool:
        """Say whether no more messages should be read."""
        return self.waiting >= self._settings.waiting_max

    @property
    def is_busy(self) -> bool:
        """Say whether something is being fetched at this moment."""
        return any(lane.is_running for lane in self._lanes.values())

    @property
    def complaints(self) -> tuple[str, ...]:
        """Return what is wrong with which account, in sentences."""
        return tuple(f"{name}: {lane.trouble}" for name, lane in sorted(self._lanes.items()) if lane.trouble)

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """Return where each partition may be read from after a crash."""
        found = {partition: window.position for partition, window in self._windows.items()}
        return {partition: position for partition, position in found.items() if position is not None}

    def take(self, partition: TopicPartition, records: Iterable[Inbound]) -> None:
        """Plan the errands of records that were read."""
        window = self._windows.setdefault(partition, Window())
        for record in records:
            jobs = {self._put(errand) for errand in self._errands_of(record)}
            window.take(record.offset, [job.errand.name for job in jobs])
            for job in jobs:  # a set: after a rebalance a job that still waits is met at the same place again
                job.places.add((partition, record.offset))

    def step(self, *, owns_sweep: bool = False) -> int:
        """Start what is due and settle what ended; return how many errands were done."""
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
        """Let running errands end and settle them, so that their places can be committed; return how many were done."""
        for lane in self._lanes.values():
            lane.wait()
        return self._collect()

    def _collect(self) -> int:
        done = [one for lane in self._lanes.values() for one in lane.collect(self._clock()) if self._settled(one)]
        metrics.ERRANDS_WAITING.set(self.waiting)
        return len(done)

    def keep(self, partitions: Container[TopicPartition]) -> None:
        """Let all other partitions go: whoever has them next begins at the committed position."""
        self._windows = {place: window for place, window in self._windows.items() if place in partitions}

    def close(self) -> None:
        """Let running errands end; those that wait are found again in Kafka."""
        for lane in self._lanes.values():
            lane.close()

    def _put(self, errand: Errand) -> Job:
        """Return the job of an errand; one that comes again while it waits is the same one."""
        job = self._jobs.get(errand.name)
        if job is None:
            job = self._jobs[errand.name] = Job(errand)
            self._lane_of(errand.account).put(job)
        return job

    def _lane_of(self, account: str) -> Lane:
        if account not in self._lanes:
            self._lanes[account] = Lane(account)
            for outcome in ("given_up", "failed"):  # an alarm on their growth has to see them at 0
                metrics.ERRANDS.labels(account, outcome)
        return self._lanes[account]

    def _run(self, errand: Errand) -> None:
        """Run an errand; a fault of ours is tried again, too, or a citizen's file would be lost by it."""
        last = self._now() >= errand.deadline
        try:
            errand.run(self._publish, last=last)
        except (PipelineError, GivenUp, TooEarlyError):
            raise
        except Exception as error:
            if last:
                raise
            raise FaultOfOursError(f"a fault of ours ({type(error).__name__}): it is tried again") from error

    def _settled(self, done: Done) -> bool:
        """Note what became of an errand; a fault of ours ends it at last, or it would hold up its partition for ever.

        A fault of ours is told when it begins and when it has won.
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
        """Return what a record gives to fetch; of how a message begins no file, which would come before it."""
        try:
            raw = raw_of(record)
        except Exception as error:  # noqa: BLE001 - what is wrong with a record is normalize's to tell
            _log.warning("record_not_planned", offset=record.offset, error=type(error).__name__)
            return ()
        errands = self._planned(raw)
        return [errand for errand in errands if not errand.keeps] if is_beginning(record) else errands

    def _planned(self, raw: RawMessage) -> Sequence[Errand]:
        """Return a message's errands. Its files are lost by a fault of ours, which an alarm tells; no other's are."""
        offset = raw.position.offset if raw.position else None  # none in the journal
        try:
            return self._plan(raw)
        except RecordError as error:  # what is wrong with a message is normalize's to tell
            _log.warning("record_not_planned", offset=offset, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a fault of ours over one message: those behind it go on
            _log.error("record_not_planned", offset=offset, error=type(error).__name__)
            metrics.ERRANDS.labels(raw.envelope.account, "failed").inc()
        return ()

    def _rescue(self) -> None:
        """Fetch for messages that wait in the journal: the files of a long outage would expire."""
        for raw in self._journal.news():
            for errand in self._planned(raw):
                if errand.keeps:
                    self._put(_Kept(errand))


class _Kept:
    """An errand whose result is only put aside: the record follows when its message comes through Kafka."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self.account, self.deadline, self.keeps = errand.account, errand.deadline, True
        self.name = f"kept:{errand.name}"

    def run(self, publish: Publish, *, last: bool) -> None:
        self._errand.run(_publish_nothing, last=last)


def _publish_nothing(_: Sequence[RawMessage]) -> None:
    """Leave the record to the errand that comes through Kafka."""
