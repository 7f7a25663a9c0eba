"""Lane: runs the jobs of one account, a few in parallel, each with its own backoff, independent of other accounts."""

import heapq
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

from kafka import TopicPartition

from connectors.media_fetch.job import Errand, GivenUp, TooEarlyError
from connectors.publish.disk_buffer import SUFFIX, read
from connectors.publish.segment import Kind, pieces
from schemas.errors import PipelineError, ThrottledError, UnauthorizedError
from schemas.records import RawMessage

# Messages in the receiver's journal while Kafka is unreachable: their files can be fetched before they expire.


class Journaled:
    """Reads the segments of a journal that another process writes; changes nothing there."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def news(self) -> Iterator[RawMessage]:
        """Yield messages that are new since the last call. A half-written end is read when it is complete."""
        there = sorted(self._folder.glob(f"*{SUFFIX}")) if self._folder else []
        self._read = {path: self._read.get(path, 0) for path in there}
        for path in there:
            yield from self._of(path)

    def _of(self, path: Path) -> Iterator[RawMessage]:
        try:
            if path.stat().st_size <= self._read[path]:
                return
            marker, data = bytes.fromhex(path.stem.partition("-")[2]), path.read_bytes()
        except (OSError, ValueError):  # drained and deleted meanwhile, or another kind of file
            return
        for piece in pieces(marker, data, self._read[path]):
            if piece.kind is Kind.TORN:
                return
            self._read[path] = piece.end
            message = read(piece.data) if piece.kind is Kind.RECORD else None
            if message is not None:
                yield message


PARALLEL = 4
FIRST_WAIT, LONGEST_WAIT = 1.0, 900.0
"""Seconds between two tries of one job: 1, 2, 4 .. 900."""

REFUSED_WAIT = 30.0
"""Seconds of pause for all jobs of an account after its credentials were refused; doubled each time."""

Run = Callable[[Errand], None]


class Job:
    """A queued errand with the records that wait for it: none if it comes from the journal or from a sweep."""

    def __init__(self, errand: Errand) -> None:
        self.errand = errand
        self.places: set[tuple[TopicPartition, int]] = set()
        self.tries = 0


class Done(NamedTuple):
    """A tried job and its error, if any."""

    job: Job
    error: BaseException | None


class Lane:
    """Queue of one account. Not thread-safe: one thread puts, starts and collects; only the jobs run elsewhere."""

    def __init__(self, account: str) -> None:
        self._pool = ThreadPoolExecutor(PARALLEL, f"fetch-{account}")
        self._messages: list[tuple[float, int, Job]] = []
        self._files: list[tuple[float, int, Job]] = []
        self._turns = [self._messages, self._files]
        self._count = 0
        self._running: dict[Future[None], Job] = {}
        self._open_at = 0.0
        self._refusals = 0
        self.trouble: PipelineError | None = None
        """Last error of the account, until one of its jobs succeeds."""

    def __len__(self) -> int:
        return len(self._messages) + len(self._files) + len(self._running)

    @property
    def is_running(self) -> bool:
        """Return whether a job is running."""
        return bool(self._running)

    def put(self, job: Job, due: float = 0.0) -> None:
        """Add a job that is due from `due` on (in seconds of the clock)."""
        self._count += 1
        heapq.heappush(self._files if job.errand.keeps else self._messages, (due, self._count, job))

    def start(self, now: float, run: Run) -> None:
        """Start due jobs: a few in parallel, or a single one after an error to test the account."""
        most = 1 if self.trouble else PARALLEL
        while now >= self._open_at and len(self._running) < most and (job := self._next(now)) is not None:
            job.tries += 1
            self._running[self._pool.submit(run, job.errand)] = job

    def _next(self, now: float) -> Job | None:
        """Take a due job: messages and files alternate, so that no message waits for ten thousand pictures."""
        for due in self._turns:
            if due and due[0][0] <= now:
                self._turns = [one for one in self._turns if one is not due] + [due]
                return heapq.heappop(due)[2]
        return None

    def collect(self, now: float) -> list[Done]:
        """Return ended jobs; those with a temporary error are queued again."""
        ended = [future for future in self._running if future.done()]
        return [self._judged(self._running.pop(future), future.exception(), now) for future in ended]

    def wait(self) -> None:
        """Return when running jobs have ended."""
        wait(self._running)

    def close(self) -> None:
        """Wait for running jobs and start no other."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _judged(self, job: Job, error: BaseException | None, now: float) -> Done:
        if error is None or isinstance(error, TooEarlyError):
            self.trouble, self._refusals = None, 0
        if isinstance(error, TooEarlyError):
            job.tries -= 1
            self.put(job, now + error.seconds)
        elif isinstance(error, GivenUp):
            self.trouble = error.fault
            self._wait(error.fault, now)
        elif isinstance(error, PipelineError):
            self.trouble = error
            self._wait(error, now)
            self.put(job, now + min(FIRST_WAIT * 2 ** min(job.tries - 1, 20), LONGEST_WAIT))
        return Done(job, error)

    def _wait(self, error: PipelineError, now: float) -> None:
        if isinstance(error, ThrottledError):
            self._open_at = now + (error.retry_after or FIRST_WAIT)
        elif isinstance(error, UnauthorizedError):
            self._open_at = now + min(REFUSED_WAIT * 2 ** min(self._refusals, 20), LONGEST_WAIT)
            self._refusals += 1
