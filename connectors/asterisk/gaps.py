"""Gaps: how long nobody listened to an Asterisk. What it told meanwhile nobody can be asked for: it must be told of."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from connectors import metrics
from connectors.base import Emit
from schemas.errors import RetriableError

KEEP_SECONDS = 30.0
"""So often it is kept for the next process that somebody listens; a gap is measured no finer."""

_HEARD = "heard"

_log = structlog.get_logger(__name__)


class Gaps:
    """Of one account: between two connections, and between two processes."""

    def __init__(self, account: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._heard: float | None = None
        self._begun: float | None = None
        metrics.ASTERISK_GAP_SECONDS.labels(account)  # an alarm on its growth has to see it at 0

    def heard(self) -> None:
        """Note that something was just heard."""
        self._heard = self._now().timestamp()

    def logged_in(self) -> None:
        """Count the gap that ends with a login; the one before our first `follow` has to ask for."""
        before = self._heard
        self.heard()
        if before is None:
            self._begun = self._heard
        else:
            self._ended(before, self._heard)

    async def follow(self, emit: Emit) -> None:
        """Count the gap before our first login, and keep for the next process that somebody listens; until cancelled.

        Kafka may be long in answering: nothing that Asterisk says may wait for this.
        """
        while True:
            with suppress(RetriableError):
                if self._begun is not None:
                    self._ended((await emit.recall()).get(_HEARD), self._begun)
                    self._begun = None
                await emit.keep({_HEARD: self._heard})
            await asyncio.sleep(KEEP_SECONDS)

    def _ended(self, before: Any, at: float | None) -> None:
        seconds = (at or 0.0) - before if isinstance(before, int | float) else 0.0  # nothing is kept on a first start
        if seconds > 0:
            metrics.ASTERISK_GAP_SECONDS.labels(self._account).inc(seconds)
            _log.warning("asterisk_not_heard", connector=self._account, seconds=round(seconds))
