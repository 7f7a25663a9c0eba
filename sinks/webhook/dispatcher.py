"""Dispatches documents to one subscriber: in each ticket's order, retried for two hours, then a dead letter."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from schemas.errors import PipelineError, RecordError, RetriableError, UndeliverableError
from schemas.records import Delivery
from sinks import metrics
from sinks.base import Document, Refusal
from sinks.retry import Bury, Sleep, letter_of
from sinks.webhook.circuit_breaker import LONGEST_ASKED_SECONDS, Gate, pause
from sinks.webhook.client import WebhookSink
from sinks.webhook.erasure_lookahead import Ahead
from sinks.webhook.first_version import Firsts, Stood, knows_all
from sinks.webhook.request import delivery_id, version_of
from sinks.webhook.response import Answer, Outcome
from sinks.webhook.settings import SubscriberSettings

T = TypeVar("T")

Write = Callable[[Delivery], Awaitable[None]]
"""Returns when Kafka holds the line of the delivery log; raises RetriableError when it does not."""

_log = structlog.get_logger(__name__)


class _Journey:
    """One document in delivery."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.attempts = 0
        self.began: float | None = None


class Courier:
    """Shared by all batches of a runner, so that it knows the state of the endpoint."""

    def __init__(
        self,
        sink: WebhookSink,
        subscriber: str,
        settings: SubscriberSettings,
        bury: Bury,
        write: Write,
        *,
        ahead: Ahead | None = None,
        stood: Stood = knows_all,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sink = sink
        self._subscriber = subscriber
        self._settings = settings
        self._bury = bury
        self._write = write
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._jitter = jitter
        self._slots = asyncio.Semaphore(settings.requests_at_once)
        self._gate = Gate(subscriber, settings, clock, sleep, jitter)
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._ahead = ahead or Ahead(sink.may_read)
        self._firsts = Firsts(settings.filter, stood)
        self._reading = asyncio.Lock()
        self._lost: dict[bytes, int] = {}
        self._kafka_trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Return the reason of a failing delivery; without waiting deliveries there is none."""
        away = self._gate.reason if self._turns else None
        return self._kafka_trouble or away or self._ahead.trouble

    async def deliver(self, documents: Sequence[Document]) -> None:
        """Return when each document is delivered, not wanted, or a dead letter in Kafka.

        Waiting deliveries of a ticket are dropped if one of the documents erases, redacts or hides it from the
        subscriber.
        """
        self._ahead.note(documents)
        async with self._reading:  # in the order in which they came
            read = await self._with_kafka(lambda: self._firsts.read(documents, self._now()))
        tasks = [asyncio.create_task(self._in_turn(document)) for document in read]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _in_turn(self, document: Document) -> None:
        """Deliver the versions of a ticket one after the other, in the order in which they were read."""
        turn = self._turns.setdefault(document.key, asyncio.Lock())
        async with turn:
            await self._ahead.known(document.position)
            document = self._firsts.once(document)
            journey = _Journey(document)
            try:
                told = self._sink.outgoing(document, self._lost.get(document.key, 0))
                if told is None:
                    self._count("skipped")
                    return
                journey = _Journey(told)
                await self._travel(journey)
                self._firsts.told(told)
                if lost := self._sink.lost_in(document):
                    self._lost[document.key] = lost
            except RecordError as error:
                await self._bury_it(journey, error.code, str(error), retryable=False)

    async def _travel(self, journey: _Journey) -> None:
        while True:
            answer = await self._tried(journey)
            if answer is None:
                self._count("skipped")
                return
            if answer.outcome is Outcome.DELIVERED:
                await self._kept(self._line(journey, "delivered", answer))
                self._count("stored")
                return
            if answer.outcome is Outcome.REFUSED or self._left(journey) <= 0:
                await self._give_up(journey, answer)
                return
            asked = min(answer.retry_after or 0.0, LONGEST_ASKED_SECONDS)
            wait = max(asked, pause(self._settings, journey.attempts - 1, self._jitter()))
            await self._sleep(min(wait, self._left(journey)))

    async def _tried(self, journey: _Journey) -> Answer | None:
        """Send it; while the endpoint fails, keep the place in the order and send again until the time is over.

        Returns None if a later version removed words of its ticket, or it may no longer be read: no earlier version
        is sent.
        """
        while True:
            async with self._slots:
                while True:
                    async with self._gate.passage() as closings:
                        if self._ahead.is_void(journey.document):
                            return None
                        answer = await self._sent(journey, closings)
                    if answer.outcome in (Outcome.DELIVERED, Outcome.REFUSED):
                        return answer
                    metrics.RETRIES.labels(self._sink.name).inc()
                    if journey.attempts == 1:
                        await self._kept(self._line(journey, "retrying", answer))
                    if self._gate.reason is None or self._left(journey) <= 0:
                        return answer
                    if not self._gate.is_sure:
                        break  # another delivery is tried: the endpoint may fail at this one alone

    async def _sent(self, journey: _Journey, closings: int) -> Answer:
        if journey.began is None:
            journey.began = self._clock()
        journey.attempts += 1
        with metrics.WRITE_SECONDS.labels(self._sink.name).time():
            answer = await self._answer(journey.document)
        if answer.outcome is not Outcome.DELIVERED:
            metrics.FAULTS.labels(self._sink.name, answer.told).inc()
        self._gate.note(answer, self._sink.reason(answer), journey.document.position, closings)
        return answer

    async def _answer(self, document: Document) -> Answer:
        try:
            return await self._sink.send(document)
        except PipelineError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault with one receiver must not end the deliveries to others
            return Answer(Outcome.AWAY, type(error).__name__)

    def _left(self, journey: _Journey) -> float:
        began = self._clock() if journey.began is None else journey.began
        return began + self._settings.retry_seconds - self._clock()

    async def _give_up(self, journey: _Journey, answer: Answer) -> None:
        refused = answer.outcome is Outcome.REFUSED
        minutes = self._settings.retry_seconds / 60
        reason = (
            f"subscriber {self._subscriber} refuses it ({answer.told})"
            if refused
            else f"subscriber {self._subscriber} did not take it in {minutes:.0f} minutes ({answer.told})"
        )
        await self._bury_it(journey, UndeliverableError.code, reason, retryable=not refused, answer=answer)

    async def _bury_it(
        self, journey: _Journey, code: str, reason: str, *, retryable: bool, answer: Answer | None = None
    ) -> None:
        refusal, attempts = Refusal(journey.document, code, reason), max(1, journey.attempts)
        letter = letter_of(refusal, f"sink:{self._sink.name}", retryable=retryable, attempt=attempts)
        await self._with_kafka(lambda: self._bury([letter]))
        line = self._line(journey, "dead", answer or Answer(Outcome.REFUSED, code))
        await self._kept(line)
        self._count("rejected")
        metrics.DEAD_LETTERS.labels(self._sink.name, code).inc()
        _log.warning("delivery_given_up", subscriber=self._subscriber, code=code, attempts=journey.attempts)

    def _line(self, journey: _Journey, outcome: str, answer: Answer) -> Delivery | None:
        """Return a line of the log; None for a record without an id."""
        document, at = journey.document, self._now()
        took = timedelta(seconds=0.0 if journey.began is None else self._clock() - journey.began)
        try:
            identifier, version = delivery_id(self._subscriber, document), version_of(document)
        except RecordError:
            return None
        return Delivery(
            delivery_id=identifier,
            subscriber=self._subscriber,
            ticket_id=document.key.decode(),
            version=version,
            outcome=outcome,
            answer=answer.told,
            attempts=journey.attempts,
            milliseconds=answer.milliseconds,
            first_at=at - took,
            at=at,
        )

    async def _kept(self, line: Delivery | None) -> None:
        if line is not None:
            await self._with_kafka(lambda: self._write(line))

    async def _with_kafka(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Write to Kafka or ask it, and wait while it is unreachable: what is not written yet must not be committed."""
        faults = 0
        while True:
            try:
                answer = await ask()
            except RetriableError as error:
                self._kafka_trouble = str(error)
                metrics.FAULTS.labels(self._sink.name, type(error).__name__).inc()
                await self._sleep(pause(self._settings, faults, self._jitter()))
                faults += 1
            else:
                self._kafka_trouble = None
                return answer

    def _count(self, outcome: str) -> None:
        metrics.DOCUMENTS.labels(self._sink.name, outcome).inc()
