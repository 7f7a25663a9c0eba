"""Names: SMPP gives a message no id, so its content and its arrival in ten-minute steps are its name."""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

STEP = timedelta(minutes=10)
"""What comes again within one step is a repeat (records.md, `ce_id` of SMPP)."""

_MOST = 100_000
"""Messages that are remembered while they wait to come again; 32 bytes each."""


def identifier(body: bytes, arrival: datetime) -> str:
    """Return the `ce_id` of a PDU's body, which holds sender and receiver, arrived at this aware time."""
    step = int(arrival.timestamp() // STEP.total_seconds())
    return hashlib.sha256(b"%d\n" % step + body).hexdigest()


class Arrivals:
    """When a message that was not acknowledged came first: it comes again, perhaps in the next step, as itself.

    It lives as long as the process. What is acknowledged is forgotten: the same words once more are a new message.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._first: OrderedDict[bytes, datetime] = OrderedDict()
        self._most = most

    def first(self, body: bytes, now: datetime) -> datetime:
        """Return when it came first, which is now for what was not seen in the last step's time."""
        before = self._first.get(_digest(body))
        return before if before is not None and now - before < STEP else now

    def unanswered(self, body: bytes, arrival: datetime) -> None:
        """Remember one that will come again."""
        self._first[_digest(body)] = arrival
        if len(self._first) > self._most:
            self._first.popitem(last=False)

    def answered(self, body: bytes) -> None:
        """Forget one that will not."""
        self._first.pop(_digest(body), None)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
