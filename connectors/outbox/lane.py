"""One account's answers, one after the other: the intent to send is in Kafka before the service hears of it.

An answer that the service does not take now waits for itself; the account waits when it is the account's fault.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import structlog
from tenacity.wait import wait_base

from connectors import metrics
from connectors.base import utc_now
from connectors.outbox.ledger import Ledger, Open
from connectors.outbox.settings import AnswerSettings
from connectors.outbox.turn import turn
from connectors.reply import Reply, Sender, Sent
from connectors.runner import PACE, SLOW_PACE, wait_for
from connectors.sessions import state_of
from connectors.steady import Steady
from schemas.errors import FatalError, PipelineError, RetriableError
from schemas.records import Outbox

Mark = Callable[[Open, str, str | None, str | None], Awaitable[None]]
"""Returns when Kafka holds the new state of an answer, with its code and the service's reference.

When it is `sending`, all that stands before it in the log is known then: the entry says whether its ticket is erased.
"""

Reached = Callable[[str], None]

_log = structlog.get_logger(__name__)


class Tools(NamedTuple):
    """What an account needs to answer; `settings` and `sender` are None for one that does not any more."""

    settings: AnswerSettings | None
    sender: Sender | None
    write: Callable[[Outbox], Reply]


class Lane:
    """The queue of one account; emergencies go first. `reached` is told how far an answer is."""

    def __init__(
        self,
        account: str,
        tools: Tools,
        ledger: Ledger,
        mark: Mark,
        *,
        now: Callable[[], datetime] = utc_now,
        reached: Reached = lambda point: None,
        pace: wait_base = PACE,
        slow_pace: wait_base = SLOW_PACE,
    ) -> None:
        self._account = account
        self._tools = tools
        self._ledger = ledger
        self._mark = mark
        self._now = now
        self._steady = Steady(lambda: now().timestamp())
        self._reached = reached
        self._pace = pace
        self._slow_pace = slow_pace
        self._heap: list[tuple[bool, int, Open]] = []
        self._later: list[tuple[float, int, Open]] = []
        self._count = itertools.count()
        self._news = asyncio.Event()
        self._faults = 0
        self._failed: str | None = None
        self._not_before = 0.0
        self._ended: tuple[Open, Sent] | None = None
        self.trouble: str | None = None

    def put(self, entry: Open) -> None:
        """Queue an open answer."""
        heapq.heappush(self._heap, (not entry.outbox.urgent, next(self._count), entry))
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is being sent is finished first."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._news.clear()
                pause = await self._step()
                if pause != 0:
                    await self._pause(pause, stopping)
            await self._told()
        finally:
            stopping.cancel()

    async def _pause(self, seconds: float | None, stopping: "asyncio.Task[bool]") -> None:
        """Wait for so long, for ever with None, or until there is news."""
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({news, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            with suppress(asyncio.CancelledError):
                await news

    async def _step(self) -> float | None:
        """Do what can be done now with the first answer; return the seconds to wait, None when nothing is there."""
        pause = await self._next()
        if pause != 0:
            await self._told()
        return pause

    async def _next(self) -> float | None:
        now, moment = self._now(), self._steady()
        while self._later and self._later[0][0] <= moment:
            self.put(heapq.heappop(self._later)[2])
        if not self._heap:
            return max(0.001, self._later[0][0] - moment) if self._later else None
        entry = self._heap[0][2]
        judged = turn(entry, self._ledger, self._tools.settings, now)
        if judged.withheld:
            heapq.heappop(self._heap)
            await self._told(self._mark(entry, "withheld", judged.withheld, None))
            return 0
        own_turn = (judged.wait_until - now).total_seconds() if judged.wait_until else 0.0
        if (pause := max(own_turn, self._not_before - moment)) > 0:
            return max(0.001, pause)
        heapq.heappop(self._heap)
        await self._send(entry)
        return 0

    async def _send(self, entry: Open) -> None:
        await self._told(self._mark(entry, "sending", None, None))
        if entry.erased:
            return await self._mark(entry, "withheld", "erased", None)
        self._reached("intended")
        try:
            sent = await self._sent(entry.outbox)
        except (RetriableError, FatalError) as error:  # the service has not got it
            self._troubled(error, entry)
            await self._mark(entry, "waiting", type(error).__name__, None)
            again = self._steady() + self._wait(entry.attempts, error)
            heapq.heappush(self._later, (again, next(self._count), entry))
            return
        self._reached("sent")
        self._faults, self._failed, self._not_before, self.trouble = 0, None, 0.0, None
        self._ended = entry, sent
        if sent.outcome == "accepted":
            waited = (self._now() - entry.outbox.at).total_seconds()
            metrics.ANSWER_SECONDS.labels(self._account).observe(max(0.0, waited))

    async def _told(self, *further: Awaitable[None]) -> None:
        """Return when it is told how the last answer ended, and what is to be told besides.

        So the end of one shares a transaction with the beginning of the next: with one for each, half of the time of
        an account went by between two answers.
        """
        ended, self._ended = self._ended, None
        if ended is not None:
            entry, sent = ended
            further = self._mark(entry, sent.outcome, sent.code, sent.reference), *further
        await asyncio.gather(*further)

    async def _sent(self, outbox: Outbox) -> Sent:
        """Send it. Whatever else is raised in there leaves open whether the service has it."""
        if self._tools.sender is None:
            raise FatalError(f"account {self._account} has no sender in this version of hotline")
        try:
            return await self._tools.sender.send(self._tools.write(outbox))
        except PipelineError as error:
            if isinstance(error, RetriableError | FatalError):
                raise
            return Sent(outcome="refused", code=getattr(error, "code", "internal"))
        except Exception as error:  # noqa: BLE001 - a fault on one answer stops nothing: its end is unknown
            _log.error("answer_failed", account=self._account, error=type(error).__name__)
            return Sent(outcome="unknown", code=type(error).__name__)

    def _troubled(self, error: PipelineError, entry: Open) -> None:
        """Hold the account back where the fault is its own: it cannot log in, or two answers in a row were not taken.

        One address that the service does not serve just now holds up no other one.
        """
        self._faults += 1
        if isinstance(error, FatalError) or self._failed not in (None, entry.outbox.outbox_id):
            self._not_before = self._steady() + self._wait(self._faults, error)
        self._failed = entry.outbox.outbox_id
        metrics.ERRORS.labels("outbox", self._account, type(error).__name__).inc()
        if self.trouble is None:
            _log.warning("answers_wait", account=self._account, error=type(error).__name__, sentence=str(error))
        self.trouble = str(error)

    def _wait(self, attempts: int, error: PipelineError) -> float:
        return wait_for(state_of(max(1, attempts), error), self._pace, self._slow_pace)
