"""Names: SMPP gives a message no id, so its content and its arrival in ten-minute steps are its name.

An SMSC repeats what was not acknowledged, also to the next process, and over the edge of a step. So a step is kept
in Kafka before it gives the first name, and whoever takes the account over names by it for ten minutes more.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.base import Emit

STEP = timedelta(minutes=10)
"""What comes again within one step is a repeat (records.md, `ce_id` of SMPP)."""

MOST_STEPS = 6
"""So many steps later a kept one is no longer taken up: the same words of the same person are new after an hour."""

_STEP = "step"
"""Where a kept position holds its step: a moment in it, in seconds since 1970."""

_MOST = 100_000
"""Messages that are remembered while they wait to come again; 32 bytes each."""


def identifier(body: bytes, arrival: datetime) -> str:
    """Return the `ce_id` of a PDU's body, which holds sender and receiver, arrived at this aware time."""
    return hashlib.sha256(b"%d\n" % _number(arrival) + body).hexdigest()


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
        return before if before is not None and now - before.at < STEP else None

    def unanswered(self, body: bytes, arrival: Arrival) -> None:
        """Remember one that will come again."""
        self._first[_digest(body)] = arrival
        if len(self._first) > self._most:
            self._first.popitem(last=False)

    def answered(self, body: bytes) -> None:
        """Forget one that will not."""
        self._first.pop(_digest(body), None)


class Steps:
    """The step that names are taken from now."""

    def __init__(self) -> None:
        self._kept: datetime | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._asked = False
        self._one_at_a_time = asyncio.Lock()

    def begin(self) -> None:
        """Note that the account may have been another's meanwhile."""
        self._asked = False

    async def at(self, now: datetime, emit: Emit) -> datetime:
        """Return a moment of the step that names what comes now; raises a RetriableError when it is not kept."""
        async with self._one_at_a_time:
            if not self._asked:
                self._take_up(_moment(await emit.recall()), now)
                self._asked = True
            kept = self._kept
            if kept is not None and (_number(kept) == _number(now) or now < self._until):
                return kept
            await emit.keep({_STEP: int(now.timestamp())})
            self._kept = now
            return now

    def _take_up(self, other: datetime | None, now: datetime) -> None:
        """Go on in the step of who was here before, for as long as what it left unanswered may come again."""
        self._kept = None
        if other is None:
            return
        if 0 <= _number(now) - _number(other) <= MOST_STEPS:
            self._kept, self._until = other, now + STEP


def _moment(kept: Mapping[str, Any]) -> datetime | None:
    seconds = kept.get(_STEP)
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // STEP.total_seconds())


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
