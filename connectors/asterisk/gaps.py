"""Gaps: how long nobody listened to an Asterisk. What it told meanwhile nobody can be asked for: it must be told of."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

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
        metrics.ASTERISK_GAP_SECONDS.labels(account)  # an alarm on its growth has to see it at 0

    def heard(self) -> None:
        """Note that something was just heard."""
        self._heard = self._now().timestamp()

    async def ended(self, emit: Emit) -> None:
        """Count the gap that ends with a login; nothing on a first start."""
        before = self._heard
        if before is None:
            with suppress(RetriableError):
                kept = (await emit.recall()).get(_HEARD)
                before = kept if isinstance(kept, int | float) else None
        self.heard()
        seconds = (self._heard or 0.0) - before if before is not None else 0.0
        if seconds > 0:
            metrics.ASTERISK_GAP_SECONDS.labels(self._account).inc(seconds)
            _log.warning("asterisk_not_heard", connector=self._account, seconds=round(seconds))

    async def keep(self, emit: Emit) -> None:
        """Keep it for the next process, until this is cancelled."""
        while True:
            with suppress(RetriableError):
                await emit.keep({_HEARD: self._heard})
            await asyncio.sleep(KEEP_SECONDS)
