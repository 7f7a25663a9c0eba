"""Delivers one batch: writes until every document is stored or is a dead letter in Kafka."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import structlog

from schemas.codec import Position
from schemas.errors import RecordError, RetriableError, ThrottledError
from schemas.records import DeadLetter
from sinks import metrics
from sinks.base import Document, Refusal, Sink, Verdicts
from sinks.settings import SinkSettings

Bury = Callable[[Sequence[DeadLetter]], Awaitable[None]]
"""Returns when Kafka holds the dead letters; raises RetriableError when it does not."""

Sleep = Callable[[float], Awaitable[None]]

LONGEST_ASKED_SECONDS = 60.0
"""A longer pause that a service asks for is cut to this."""

_EXCEPTIONS = {kind.code: f"{kind.__module__}.{kind.__name__}" for kind in RecordError.__subclasses__()}

_log = structlog.get_logger(__name__)


class Delivery:
    """Writes, waits and writes again; shared by all batches of a runner, so that it knows the state of the service."""

    def __init__(
        self,
        sink: Sink,
        settings: SinkSettings,
        bury: Bury,
        sleep: Sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sink = sink
        self._settings = settings
        self._bury = bury
        self._sleep = sleep
        self._jitter = jitter
        self.trouble: str | None = None

    async def deliver(self, documents: Sequence[Document]) -> None:
        """Return when each document is stored, or is a dead letter in Kafka."""
        round_ = _Round(list(documents))
        while round_.pending:
            await self._step(round_)

    async def _step(self, round_: "_Round") -> None:
        """Write the next documents, at most `round_.limit`, and wait after an error."""
        part = round_.pending[: round_.limit]
        try:
            verdicts = await self._write(part)
            again, hopeless = round_.sort(verdicts.retry, self._settings.internal_max_tries)
            await self._dead([*verdicts.rejected, *hopeless])
        except RetriableError as error:
            await self._trouble(error, part, round_)
        except RecordError as error:
            await self._refused_whole(error, part, round_)
        else:
            await self._judged(again, part, round_)

    async def _write(self, part: Sequence[Document]) -> Verdicts:
        with metrics.WRITE_SECONDS.labels(self._sink.name).time():
            verdicts = await self._sink.write(part)
        for outcome, heap in (("stored", verdicts.stored), ("stale", verdicts.stale)):
            if heap:
                metrics.DOCUMENTS.labels(self._sink.name, outcome).inc(len(heap))
        return verdicts

    async def _judged(self, again: Sequence[Refusal], part: Sequence[Document], round_: "_Round") -> None:
        """Go on; documents to repeat come after those that have not been tried."""
        round_.pending = [*round_.pending[len(part) :], *(refusal.document for refusal in again)]
        if not again:
            self._well()
            round_.went_well()
            return
        metrics.RETRIES.labels(self._sink.name).inc(len(again))
        round_.shrink(len(part))
        await self._wait(again[0].reason, round_)

    async def _trouble(self, error: RetriableError, part: Sequence[Document], round_: "_Round") -> None:
        """No document got a verdict: wait and repeat, with fewer documents if the service is overloaded."""
        metrics.FAULTS.labels(self._sink.name, type(error).__name__).inc()
        asked = None
        if isinstance(error, ThrottledError):
            round_.shrink(len(part))
            asked = min(error.retry_after or 0.0, LONGEST_ASKED_SECONDS)
        await self._wait(str(error), round_, asked)

    async def _refused_whole(self, error: RecordError, part: Sequence[Document], round_: "_Round") -> None:
        """Halve the request until the one document that spoils it is alone; that one becomes a dead letter."""
        metrics.FAULTS.labels(self._sink.name, type(error).__name__).inc()
        if len(part) > 1:
            round_.shrink(len(part))
            return
        try:
            await self._dead([Refusal(part[0], error.code, str(error))])
        except RetriableError as fault:
            await self._trouble(fault, part, round_)
        else:
            round_.pending = round_.pending[1:]

    async def _dead(self, refusals: Sequence[Refusal]) -> None:
        if not refusals:
            return
        await self._bury([letter_of(one, "sink", retryable=one.code == RecordError.code) for one in refusals])
        metrics.DOCUMENTS.labels(self._sink.name, "rejected").inc(len(refusals))
        codes = Counter(refusal.code for refusal in refusals)
        for code, count in codes.items():
            metrics.DEAD_LETTERS.labels(self._sink.name, code).inc(count)
        _log.warning("documents_rejected", sink=self._sink.name, codes=dict(codes))

    async def _wait(self, reason: str, round_: "_Round", asked: float | None = None) -> None:
        if self.trouble is None:
            _log.warning("sink_troubled", sink=self._sink.name, reason=reason)
        self.trouble = reason
        longest = self._settings.backoff_base_seconds * 2 ** min(round_.faults, 20)
        round_.faults += 1
        seconds = min(self._settings.backoff_max_seconds, longest) * (0.5 + self._jitter() / 2)
        await self._sleep(max(asked or 0.0, seconds))

    def _well(self) -> None:
        if self.trouble is not None:
            _log.info("sink_recovered", sink=self._sink.name)
        self.trouble = None


class _Round:
    """The rest of one batch, and the size of the next write."""

    def __init__(self, documents: list[Document]) -> None:
        self.pending = documents
        self.limit = len(documents)
        self.faults = 0
        self._failures: Counter[Position] = Counter()

    def shrink(self, tried: int) -> None:
        """Halve the size of the next write."""
        self.limit = max(1, tried // 2)

    def went_well(self) -> None:
        """Double the size of the next write, and reset the count of faults."""
        self.limit *= 2
        self.faults = 0

    def sort(self, retry: Sequence[Refusal], tries: int) -> tuple[list[Refusal], list[Refusal]]:
        """Separate the documents to repeat from those that made the service itself fail `tries` times."""
        self._failures.update(refusal.document.position for refusal in retry if refusal.code == RecordError.code)
        hopeless = [refusal for refusal in retry if self._failures[refusal.document.position] >= tries]
        again = [refusal for refusal in retry if self._failures[refusal.document.position] < tries]
        return again, hopeless


def letter_of(refusal: Refusal, stage: str, *, retryable: bool, attempt: int = 1) -> DeadLetter:
    """Return the dead letter of a document that a service did not take."""
    document = refusal.document
    return DeadLetter(
        position=document.position,
        key=document.key,
        value=document.value,
        headers=document.headers,
        stage=stage,
        code=refusal.code,
        reason=refusal.reason,
        exception=_EXCEPTIONS.get(refusal.code, RecordError.__name__),
        retryable=retryable,
        attempt=attempt,
    )
