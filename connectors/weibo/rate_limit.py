"""Quota of calls, spread evenly over the rest of the day; the platform's numbers override the local count."""

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors import metrics
from schemas import ids
from schemas.errors import ThrottledError

DAY_SECONDS = 86_400.0
SLOW = 2
"""Factor of the planned pause between two rounds from which an operator is informed."""


class Budget:
    """Remaining calls of a window, which ends at midnight in China unless the platform reports another time.

    After a restart the spent calls are unknown: the quota is then the share for the rest of the day.
    """

    def __init__(self, per_day: int, account: str, clock: Callable[[], float]) -> None:
        self._per_day = per_day
        self._account = account
        self._clock = clock
        self._reset_at: float = 0
        self._left: int = 0
        self._open(_midnight(clock()))

    def spend(self, interface: str) -> None:
        """Count one call; raises ThrottledError if none is left."""
        self._renew()
        if self._left < 1:
            raise self.used_up()
        self._left -= 1
        metrics.WEIBO_CALLS.labels(self._account, interface).inc()
        self._show()

    def give_back(self) -> None:
        """Uncount one call that was never sent."""
        self._left += 1
        self._show()

    def learn(self, left: int, reset_in_seconds: float) -> None:
        """Apply the platform's remaining calls and reset time, but never exceed the local share for that time."""
        self._open(self._clock() + min(reset_in_seconds, DAY_SECONDS))
        self._left = min(self._left, left)
        self._show()

    def exhausted(self, reset_at: float | None) -> ThrottledError:
        """Record that the platform refuses calls until `reset_at` or midnight; return the error to raise."""
        self._renew()
        self._left = 0
        now = self._clock()
        self._reset_at = min(max(reset_at if reset_at is not None else _midnight(now), now + 1), now + DAY_SECONDS)
        self._show()
        return self.used_up()

    def used_up(self) -> ThrottledError:
        """Return the error to raise while no call is left."""
        return ThrottledError(
            f"Weibo {self._account}: the quota of calls is used up until {self._ends()}: pushes continue, "
            "nothing is lost",
            retry_after=max(1.0, self._reset_at - self._clock()),
        )

    def pause(self, calls: int) -> float:
        """Return the seconds until the next `calls` calls that spread the rest over the window."""
        self._renew()
        rounds = self._left // calls
        return max(0.0, self._reset_at - self._clock()) / max(rounds, 1)

    def complaint(self, calls: int) -> str | None:
        """Return a sentence if rounds of `calls` calls come much less often than the daily quota allows."""
        planned, left = DAY_SECONDS * calls / self._per_day, self._reset_at - self._clock()
        if left <= SLOW * planned or self.pause(calls) <= SLOW * planned:
            return None
        return (
            f"Weibo {self._account}: few calls are left until {self._ends()}, so lists are asked for seldom: "
            "ask for the commercial interfaces or rely on pushes"
        )

    def _renew(self) -> None:
        """Open a new window after the end of the last one, or if it ends in more than a day: the clock was set back."""
        now = self._clock()
        if not 0 < self._reset_at - now <= DAY_SECONDS:
            self._open(_midnight(now))

    def _open(self, reset_at: float) -> None:
        self._reset_at = reset_at
        share = min(1.0, max(0.0, reset_at - self._clock()) / DAY_SECONDS)
        self._left = max(1, round(self._per_day * share))
        self._show()

    def _show(self) -> None:
        metrics.WEIBO_CALLS_LEFT.labels(self._account).set(self._left)
        metrics.WEIBO_QUOTA_RESET.labels(self._account).set(self._reset_at)

    def _ends(self) -> str:
        return f"{datetime.fromtimestamp(self._reset_at, ids.SHANGHAI):%m-%d %H:%M}"


def _midnight(now: float) -> float:
    day = datetime.fromtimestamp(now, ids.SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=1)).timestamp()
