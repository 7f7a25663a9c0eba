"""Sends one account's receipts, several in parallel: Kafka has the state `sending` before the service gets the text.

A slow recipient therefore delays no other. A receipt that the service refuses for now waits alone; the account waits
only if the fault is the account's.
"""

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

import structlog
from tenacity.wait import wait_base

from connectors import metrics
from connectors.base import utc_now
from connectors.replies.base import Reply, Sender, Sent
from connectors.replies.ledger import Ledger, Open, address
from connectors.replies.policy import turn
from connectors.replies.settings import AnswerSettings
from connectors.runtime.clock import Steady
from connectors.runtime.pull import PACE, SLOW_PACE, wait_for
from connectors.runtime.session import state_of
from schemas.errors import FatalError, PipelineError, RetriableError
from schemas.records import Outbox

# Queue of the open receipts of one account: emergencies first, and one receipt at a time per citizen.


class Place(NamedTuple):
    """Place of a receipt in the queue as long as it is open."""

    calm: bool
    number: int
    entry: Open

    @property
    def citizen(self) -> int:
        """Return the digest that identifies the recipient."""
        return address(self.entry.outbox.recipient)


class Queue:
    """Open receipts of an account in order.

    The next receipt to a citizen waits while an earlier one is being sent. It also waits for one that will be
    retried, unless the next one is about an emergency.
    """

    def __init__(self) -> None:
        self._ready: list[Place] = []
        self._behind: dict[int, list[Place]] = {}
        self._away: set[int] = set()
        self._resting: Counter[int] = Counter()
        self._later: list[tuple[float, Place]] = []
        self._count = itertools.count()

    def put(self, entry: Open) -> None:
        """Queue an open receipt behind all others of its kind."""
        heapq.heappush(self._ready, Place(not entry.outbox.urgent, next(self._count), entry))

    def wake(self, moment: float) -> None:
        """Put the receipts whose retry is due back into their place."""
        while self._later and self._later[0][0] <= moment:
            _, place = heapq.heappop(self._later)
            self._resting[place.citizen] -= 1
            heapq.heappush(self._ready, place)
            self._let_on(place.citizen)

    def first(self) -> Place | None:
        """Return the next receipt whose citizen has none in progress; it stays queued until it is taken."""
        while self._ready:
            place = self._ready[0]
            if not self._must_wait(place):
                return place
            heapq.heappop(self._ready)
            self._behind.setdefault(place.citizen, []).append(place)
        return None

    def take(self, *, away: bool) -> None:
        """Remove the first receipt; `away` marks it as being sent to its citizen."""
        place = heapq.heappop(self._ready)
        if away:
            self._away.add(place.citizen)

    def done(self, place: Place) -> None:
        """Release the citizen's next receipt: this one is no longer being sent."""
        self._away.discard(place.citizen)
        self._let_on(place.citizen)

    def rest(self, place: Place, until: float) -> None:
        """Hold a receipt that the service did not accept until its retry."""
        self._resting[place.citizen] += 1
        heapq.heappush(self._later, (until, place))
        self.done(place)

    def pause(self, moment: float) -> float | None:
        """Return the seconds until the next retry, or None without one."""
        return max(0.001, self._later[0][0] - moment) if self._later else None

    def _must_wait(self, place: Place) -> bool:
        return place.citizen in self._away or (place.calm and self._resting[place.citizen] > 0)

    def _let_on(self, citizen: int) -> None:
        if not self._resting[citizen]:
            del self._resting[citizen]
        for place in self._behind.pop(citizen, ()):
            heapq.heappush(self._ready, place)


Mark = Callable[[Open, str, str | None, str | None], Awaitable[None]]
"""Returns when Kafka holds the new state of a receipt, with its code and the service's reference.

If the state is `sending`, all earlier records of the log are folded then: the entry shows whether it is withdrawn.
"""

Reached = Callable[[str], None]

TOLD_AT_ONCE = 500
"""Limit of states that are written together, however many receipts are too old after an outage."""

CLOSED_SECONDS = 0.2
"""Seconds between checks whether the session is open."""

_log = structlog.get_logger(__name__)


def _always() -> bool:
    return True


class Tools(NamedTuple):
    """Everything that an account needs to send; `settings` and `sender` are None if it no longer sends.

    `wording_version` is the version of the wording that `write` uses. While `is_open` returns False the session is
    closed, and no receipt is begun.
    """

    settings: AnswerSettings | None
    sender: Sender | None
    write: Callable[[Outbox], Reply]
    at_once: int = 1
    wording_version: str | None = None
    is_open: Callable[[], bool] = _always


class _Chosen(NamedTuple):
    """Result of a look at the queue: receipts to begin, receipts to withhold with the reason, and seconds to pause."""

    begun: list[Place]
    withheld: list[tuple[Open, str]]
    pause: float | None


class _End(NamedTuple):
    """End of a try that is not recorded yet; `again` is the time of the retry, if any."""

    place: Place
    state: str
    code: str
    reference: str | None = None
    again: float | None = None


class Lane:
    """Sends the queue of one account; emergencies go first. `reached` is called at each step of a receipt."""

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
        self._queue = Queue()
        self._going: set[asyncio.Task[None]] = set()
        self._ended: list[_End] = []
        self._news = asyncio.Event()
        self._faults = 0
        self._failed: str | None = None
        self._not_before = 0.0
        self.trouble: str | None = None
        self.wording_version = tools.wording_version

    def put(self, entry: Open) -> None:
        """Queue an open receipt."""
        self._queue.put(entry)
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; sends in progress are finished first."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._news.clear()
                pause = await self._step()
                if pause != 0:
                    await self._pause_for(pause, stopping)
            await self._finish()
        finally:
            stopping.cancel()
            for sending in self._going:
                sending.cancel()
            await asyncio.gather(*self._going, return_exceptions=True)

    async def _pause_for(self, seconds: float | None, stopping: "asyncio.Task[bool]") -> None:
        """Wait for `seconds`, or without a limit if None, or until something changes."""
        news = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({news, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            await asyncio.wait({news})  # does not raise the cancellation of `news` here

    async def _finish(self) -> None:
        """Return when no send is in progress and all outcomes are recorded."""
        while self._going or self._ended:
            if not self._ended:
                await asyncio.wait(self._going, return_when=asyncio.FIRST_COMPLETED)
            self._forget_done()
            await self._told()

    async def _step(self) -> float | None:
        """Do everything that is due; return the seconds to wait, or None to wait for a change."""
        self._forget_done()
        chosen = self._chosen()
        if not (chosen.begun or chosen.withheld or self._ended):
            return chosen.pause
        withheld = [self._mark(entry, "withheld", why, None) for entry, why in chosen.withheld]
        await self._told(*withheld, *map(self._begin, chosen.begun))
        return 0

    def _forget_done(self) -> None:
        for sending in [one for one in self._going if one.done()]:
            self._going.remove(sending)
            sending.result()

    def _chosen(self) -> _Chosen:
        now, moment = self._now(), self._steady()
        begun: list[Place] = []
        withheld: list[tuple[Open, str]] = []
        self._queue.wake(moment)
        while (place := self._queue.first()) is not None and len(withheld) < TOLD_AT_ONCE:
            judged = turn(place.entry, self._ledger, self._tools.settings, now, len(begun))
            if judged.withheld:
                self._queue.take(away=False)
                withheld.append((place.entry, judged.withheld))
                continue
            own_turn = (judged.wait_until - now).total_seconds() if judged.wait_until else 0.0
            if (pause := max(own_turn, self._not_before - moment)) > 0:
                again = self._queue.pause(moment)
                return _Chosen(begun, withheld, max(0.001, min(pause, again or pause)))
            if not self._tools.is_open():
                return _Chosen(begun, withheld, CLOSED_SECONDS)
            if not self._has_room(place, len(begun)):
                break
            self._queue.take(away=True)
            begun.append(place)
        return _Chosen(begun, withheld, self._queue.pause(moment))

    def _has_room(self, place: Place, begun: int) -> bool:
        """Return whether one more send may begin; the last of several slots is kept for emergencies."""
        most = self._tools.at_once
        return len(self._going) + begun < (most - 1 if place.calm and most > 1 else most)

    async def _begin(self, place: Place) -> None:
        await self._mark(place.entry, "sending", None, None)
        if place.entry.withdrawn:
            await self._mark(place.entry, "withheld", place.entry.withdrawn, None)
            return self._queue.done(place)
        sending = asyncio.create_task(self._send(place, self._faults))
        sending.add_done_callback(lambda _: self._news.set())
        self._going.add(sending)

    async def _send(self, place: Place, faults: int) -> None:
        """Send one receipt; `faults` is the account's fault count at the start."""
        self._reached("intended")
        entry = place.entry
        try:
            sent = await self._sent(entry.outbox)
        except (RetriableError, FatalError) as error:  # the service has not accepted it
            self._troubled(error, entry, faults)
            again = self._steady() + self._wait(entry.attempts, error)
            self._ended.append(_End(place, "waiting", type(error).__name__, again=again))
            return
        self._reached("sent")
        if faults == self._faults:  # a send that began before the last fault does not show that the fault is over
            self._faults, self._failed, self._not_before, self.trouble = 0, None, 0.0, None
        self._ended.append(_End(place, sent.outcome, sent.code, sent.reference))
        if sent.outcome == "accepted":
            waited = (self._now() - entry.outbox.at).total_seconds()
            metrics.ANSWER_SECONDS.labels(self._account).observe(max(0.0, waited))

    async def _told(self, *further: Awaitable[None]) -> None:
        """Record ended receipts, and `further` states with them.

        The end of one receipt thus shares a transaction with the beginning of the next: with separate transactions,
        half of an account's time passed between two receipts.
        """
        ended, self._ended = self._ended, []
        telling = [asyncio.ensure_future(one) for one in (*map(self._tell, ended), *further)]
        try:
            await asyncio.gather(*telling)
        except BaseException:
            for one in telling:
                one.cancel()  # no receipt may begin if this lane will not see its end
            await asyncio.gather(*telling, return_exceptions=True)
            raise

    async def _tell(self, end: _End) -> None:
        await self._mark(end.place.entry, end.state, end.code, end.reference)
        if end.again is None:
            self._queue.done(end.place)
        else:
            self._queue.rest(end.place, end.again)

    async def _sent(self, outbox: Outbox) -> Sent:
        """Send a receipt. After any other exception it is unknown whether the service accepted it."""
        if self._tools.sender is None:
            raise FatalError(f"account {self._account} has no sender in this version of hotline")
        try:
            return await self._tools.sender.send(self._tools.write(outbox))
        except PipelineError as error:
            if isinstance(error, RetriableError | FatalError):
                raise
            return Sent(outcome="refused", code=getattr(error, "code", "internal"))
        except Exception as error:  # noqa: BLE001 - an error over one receipt stops no other: its outcome is unknown
            _log.error("answer_failed", account=self._account, error=type(error).__name__)
            return Sent(outcome="unknown", code=type(error).__name__)

    def _troubled(self, error: PipelineError, entry: Open, faults: int) -> None:
        """Delay the account if the fault is its own: the login fails, or two different receipts in a row fail.

        A single address that the service refuses for now does not delay other addresses. Parallel failures count as
        one fault: `faults` is the count when this send began.
        """
        self._faults = max(self._faults, faults + 1)
        if isinstance(error, FatalError) or self._failed not in (None, entry.outbox.outbox_id):
            self._not_before = self._steady() + self._wait(self._faults, error)
        self._failed = entry.outbox.outbox_id
        metrics.ERRORS.labels("outbox", self._account, type(error).__name__).inc()
        if self.trouble is None:
            _log.warning("answers_wait", account=self._account, error=type(error).__name__, sentence=str(error))
        self.trouble = str(error)

    def _wait(self, attempts: int, error: PipelineError) -> float:
        return wait_for(state_of(max(1, attempts), error), self._pace, self._slow_pace)
