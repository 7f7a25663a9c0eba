"""Names: SMPP gives a message no id, so its content and its arrival in ten-minute steps are its name.

An SMSC repeats what was not acknowledged, also to the next process, and over the edge of a step. So a step is kept
in Kafka before it gives the first name, and whoever takes the account over names by it for ten minutes more.

A step is never gone back to: where the clock was set back, steps go on ahead of it, or the same words of the same
person would bear the name of an hour ago. No other identity is offered: a sequence_number is one connection's, and a
message_id or reference is in the body where an SMSC sends it.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pydantic import SecretStr

from connectors.base import Emit
from connectors.message_id import digest_of
from schemas.errors import RetriableError

STEP = timedelta(minutes=10)
"""What comes again within one step is a repeat: SMPP gives a message no id."""

MOST_STEPS = 6
"""So many steps later a kept one is no longer taken up: the same words of the same person are new after an hour."""

_STEP = "step"
"""Where a kept position holds its step: a moment in it, in seconds since 1970."""

_END = datetime(9000, 1, 1, tzinfo=UTC).timestamp()

_MOST = 100_000
"""Messages that are remembered while they wait to come again; 32 bytes each."""


def identifier(body: bytes, arrival: datetime, key: SecretStr | None = None) -> str:
    """Return the `ce_id` of a PDU's body, which holds sender and receiver, arrived at this aware time."""
    return digest_of(b"%d\n" % _number(arrival) + body, key)


class Arrival(NamedTuple):
    """When a message came first, and a moment of the step that it is named by."""

    at: datetime
    named: datetime


class Arrivals:
    """When a message that was not acknowledged came first: it comes again, perhaps in the next step, as itself.

    It lives as long as the process. What is acknowledged is forgotten: the same words once more are a new message.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._first: OrderedDict[bytes, Arrival] = OrderedDict()
        self._most = most

    def first(self, body: bytes, now: datetime) -> Arrival | None:
        """Return its first arrival; None for what was not seen in the last step's time."""
        before = self._first.get(_digest(body))
        return before if before is not None and abs(now - before.at) < STEP else None

    def unanswered(self, body: bytes, arrival: Arrival) -> None:
        """Remember one that will come again."""
        self._first[_digest(body)] = arrival
        if len(self._first) > self._most:
            self._first.popitem(last=False)

    def answered(self, body: bytes) -> None:
        """Forget one that will not."""
        self._first.pop(_digest(body), None)


class Steps:
    """The step that names are taken from now; `steady` tells seconds that no clock's setting changes."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._seen: tuple[datetime, float] | None = None
        self._kept: datetime | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._ahead = timedelta()
        self._asked = False
        self._failed: RetriableError | None = None
        self._one_at_a_time = asyncio.Lock()

    def begin(self) -> None:
        """Note that the account may have been another's meanwhile."""
        self._asked = False

    async def at(self, now: datetime, emit: Emit) -> datetime:
        """Return a moment of the step that names what comes now; raises a RetriableError when it is not kept.

        Who waits for a try of another one fails with it: one try after the other would keep the last waiting for ever.
        """
        before = self._failed
        async with self._one_at_a_time:
            if self._failed is not None and self._failed is not before:
                raise self._failed
            try:
                return await self._step(now, emit)
            except RetriableError as error:
                self._failed = error
                raise

    async def _step(self, now: datetime, emit: Emit) -> datetime:
        if not self._asked:
            self._take_up(_moment(await emit.recall()), now)
            self._asked = True
        kept, moment = self._kept, self._moment(now)
        if kept is not None and (_number(kept) == _number(moment) or moment < self._until):
            return kept
        await emit.keep({_STEP: int(moment.timestamp())})
        self._kept = moment
        return moment

    def _moment(self, now: datetime) -> datetime:
        """Return a time that goes on where the clock was set back."""
        moment, seconds = now + self._ahead, self._steady()
        if self._seen is not None:
            moment = max(moment, self._seen[0] + timedelta(seconds=seconds - self._seen[1]))
        self._seen = moment, seconds
        return moment

    def _take_up(self, other: datetime | None, now: datetime) -> None:
        """Go on in the step of who was here before, for as long as what it left unanswered may come again."""
        self._kept, self._seen, self._ahead = None, None, timedelta()
        if other is None:
            return
        self._ahead = max(timedelta(), other - now)  # the clock was set back since
        if _number(now) - _number(other) <= MOST_STEPS:
            self._kept, self._until = other, now + self._ahead + STEP


def _moment(kept: Mapping[str, Any]) -> datetime | None:
    seconds = kept.get(_STEP)
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 <= seconds < _END else None


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // STEP.total_seconds())


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
