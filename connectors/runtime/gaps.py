"""Gaps: time without a listener at a source that stores nothing (`Listening`), so that losses can be counted."""

from asyncio import sleep
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import prometheus_client
import structlog

from connectors.base import Emit, utc_now
from schemas.errors import PipelineError

KEEP_SECONDS = 30.0
"""Interval in seconds at which the time of a live connection is saved; gaps are measured no finer."""

_HEARD = "heard"

_log = structlog.get_logger(__name__)


class Gaps:
    """The gaps of one account, between two connections and between two processes; each is logged as `event`."""

    def __init__(
        self, event: str, account: str, seconds: prometheus_client.Counter, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._event = event
        self._account = account
        self._now = now
        self._heard: float | None = None
        self._first_login: float | None = None
        self._seconds = seconds.labels(account)  # an alarm on its growth has to see it at 0

    def heard(self) -> None:
        """Record that something was just heard."""
        self._heard = self._now().timestamp()

    def logged_in(self) -> None:
        """Count the gap that ends with a login; `follow` counts the one before the first."""
        before = self._heard
        self.heard()
        if before is None:
            self._first_login = self._heard
        self._count(before, self._heard)

    async def follow(self, emit: Emit) -> None:
        """Count the gap before the first login, and save the time of listening at intervals; runs until cancelled.

        Kafka may answer slowly: no event of the source may wait for this.
        """
        while True:
            with suppress(PipelineError):  # a lasting error also ends the way of the messages
                if self._first_login is not None:
                    self._count((await emit.recall()).get(_HEARD), self._first_login)
                    self._first_login = None
                await emit.keep({_HEARD: self._heard})
            await sleep(KEEP_SECONDS)

    def _count(self, before: Any, at: float | None) -> None:
        seconds = (at or 0.0) - before if isinstance(before, int | float) else 0.0  # nothing is kept on a first start
        if seconds > 0:
            self._seconds.inc(seconds)
            _log.warning(self._event, connector=self._account, seconds=round(seconds))
