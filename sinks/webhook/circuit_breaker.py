"""Circuit breaker of a subscriber's endpoint: while it fails, one delivery at a time is tried, with growing pauses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from schemas.codec import Position
from sinks.webhook.response import Answer, Outcome
from sinks.webhook.settings import SubscriberSettings

SUSPICIOUS = 8
"""Deliveries in a row, each another one, after whose failure the fault is the endpoint's."""

LONGEST_ASKED_SECONDS = 3600.0
"""Limit of `Retry-After`: the endpoint is tried once an hour."""

_log = structlog.get_logger(__name__)


class Gate:
    """Closed circuit (open gate) while the endpoint answers. `reason` says why the gate is shut."""

    def __init__(
        self,
        subscriber: str,
        settings: SubscriberSettings,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
    ) -> None:
        self._subscriber = subscriber
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._asking = asyncio.Lock()
        self._not_taken: set[Position] = set()
        self._faults = 0
        self._closings = 0
        self._opens_at = 0.0
        self.reason: str | None = None

    @property
    def is_sure(self) -> bool:
        """Return whether so many different deliveries failed in a row that the endpoint is at fault."""
        return self._faults >= SUSPICIOUS

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[int]:
        """Let a delivery through; at a shut gate one at a time, and not before its time. Returns the argument for
        `note`.
        """
        if self.reason is None:
            yield self._closings
            return
        async with self._asking:
            if self.reason is not None:
                await self._sleep(max(0.0, self._opens_at - self._clock()))
            yield self._closings

    def note(self, answer: Answer, reason: str, position: Position, closings: int) -> None:
        """Record an answer. The answer to an attempt from before the gate was shut does not shut it again."""
        if answer.outcome in (Outcome.DELIVERED, Outcome.REFUSED):
            self._not_taken.clear()
            self._faults = 0
            self._open()
            return
        if answer.outcome is Outcome.LATER:
            self._not_taken.add(position)
        if answer.outcome is Outcome.LATER and len(self._not_taken) < SUSPICIOUS:
            self._open()
        elif closings == self._closings:
            self._shut(reason, answer.retry_after)

    def _open(self) -> None:
        if self.reason is not None:
            _log.info("subscriber_recovered", subscriber=self._subscriber)
        self.reason = None

    def _shut(self, reason: str, asked: float | None) -> None:
        if self.reason is None:
            _log.warning("subscriber_away", subscriber=self._subscriber, reason=reason)
        wait = pause(self._settings, self._faults, self._jitter())
        self._opens_at = self._clock() + max(wait, min(asked or 0.0, LONGEST_ASKED_SECONDS))
        self._faults += 1
        self._closings += 1
        self.reason = reason


def pause(settings: SubscriberSettings, faults: int, jitter: float) -> float:
    """Return the pause after the n-th fault in a row; `jitter` from 0 to 1 spreads it over its upper half."""
    longest = min(settings.backoff_max_seconds, settings.backoff_base_seconds * 2.0 ** min(faults, 20))
    return longest * (0.5 + jitter / 2)
