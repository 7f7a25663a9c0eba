"""Ids of SMPP messages, which have none: a digest of the content and the ten-minute step of arrival.

An SMSC repeats unacknowledged messages, also to the next process, and across steps. A step is therefore stored in
Kafka before its first use, and the next process uses it for ten minutes more.

Steps never go back: if the clock was set back, steps continue ahead of it; otherwise the same text of the same person
would get the id of an hour ago. SMPP has no other identity: a sequence_number is valid within a connection, and a
message_id or reference is in the body if the SMSC sends one.
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
"""A repeated content within one step is the same message, because SMPP messages have no id."""

MOST_STEPS = 6
"""Steps after which a stored one is not resumed: the same text of the same person is new after an hour."""

_STEP = "step"
"""Key of the step in the stored position: a time within it, in seconds since 1970."""

_END = datetime(9000, 1, 1, tzinfo=UTC).timestamp()

_MOST = 100_000
"""Limit of remembered messages that may be repeated; 32 bytes each."""


def identifier(body: bytes, arrival: datetime, key: SecretStr | None = None) -> str:
    """Return the `ce_id` of a PDU's body, which includes sender and receiver, for this aware time of arrival."""
    return digest_of(b"%d\n" % _number(arrival) + body, key)


class Arrival(NamedTuple):
    """First arrival of a message, and a time within the step of its id."""

    at: datetime
    named: datetime


class Arrivals:
    """First arrivals of unacknowledged messages: a repeat gets the same id, even in the next step.

    Kept in memory only. Acknowledged messages are forgotten: the same text once more is a new message.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._first: OrderedDict[bytes, Arrival] = OrderedDict()
        self._most = most

    def first(self, body: bytes, now: datetime) -> Arrival | None:
        """Return the first arrival; None if there was none within the length of a step."""
        before = self._first.get(_digest(body))
        return before if before is not None and abs(now - before.at) < STEP else None

    def unanswered(self, body: bytes, arrival: Arrival) -> None:
        """Remember an unacknowledged message, which will be repeated."""
        self._first[_digest(body)] = arrival
        if len(self._first) > self._most:
            self._first.popitem(last=False)

    def answered(self, body: bytes) -> None:
        """Forget an acknowledged message."""
        self._first.pop(_digest(body), None)


class Steps:
    """The current step of ids; `steady` returns seconds that are independent of clock changes."""

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
        """Record that another process may have had the account meanwhile."""
        self._asked = False

    async def at(self, now: datetime, emit: Emit) -> datetime:
        """Return a time within the step of ids for `now`; raises a RetriableError if the step cannot be stored.

        A caller that waits for another's attempt fails with it: one attempt after the other would let the last caller
        wait for ever.
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
        """Return a time that never goes back with the clock."""
        moment, seconds = now + self._ahead, self._steady()
        if self._seen is not None:
            moment = max(moment, self._seen[0] + timedelta(seconds=seconds - self._seen[1]))
        self._seen = moment, seconds
        return moment

    def _take_up(self, other: datetime | None, now: datetime) -> None:
        """Resume the step of the previous process, as long as its unacknowledged messages may be repeated."""
        self._kept, self._seen, self._ahead = None, None, timedelta()
        if other is None:
            return
        self._ahead = max(timedelta(), other - now)  # positive if the clock was set back
        if _number(now) - _number(other) <= MOST_STEPS:
            self._kept, self._until = other, now + self._ahead + STEP


def _moment(kept: Mapping[str, Any]) -> datetime | None:
    seconds = kept.get(_STEP)
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 <= seconds < _END else None


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // STEP.total_seconds())


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
