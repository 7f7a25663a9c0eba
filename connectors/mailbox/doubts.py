"""Doubts: whether one mail cannot be fetched, or the server hands out none."""

from collections import Counter
from collections.abc import Sequence


class Doubts:
    """What is known of the mails of one folder that did not come; it outlives sessions.

    A failure counts against a mail only when another one, its witness, came just before in the same session. A server
    that hands out neither is at fault itself, for however long, and no mail is given up for that.
    """

    def __init__(self) -> None:
        self._failures: Counter[int] = Counter()
        self._faults: Counter[int] = Counter()
        self._endless: set[int] = set()
        self._witness: int | None = None
        self._silent: set[int] = set()

    def __contains__(self, uid: int) -> bool:
        return uid in self._failures

    def failures(self, uid: int) -> int:
        """Return how often the mail did not come although its witness did."""
        return self._failures[uid]

    def note(self, uid: int, *, witnessed: bool) -> None:
        """Note that the mail did not come."""
        self._failures[uid] += witnessed

    def fault(self, uid: int) -> int:
        """Note a fault of ours over the mail, and return how many there were: no witness is needed for those."""
        self._faults[uid] += 1
        return self._faults[uid]

    def endless(self, uid: int) -> bool:
        """Note that a mail is longer than any that is taken; False when that was known."""
        was_known = uid in self._endless
        self._endless.add(uid)
        return not was_known

    def is_endless(self, uid: int) -> bool:
        """Say whether that is known of a mail."""
        return uid in self._endless

    def witness(self, others: Sequence[int]) -> int | None:
        """Choose one of the other mails: the one that came last time, else the first that has not failed yet."""
        if self._witness in others:
            return self._witness
        if self._silent.issuperset(others):
            self._silent.clear()
        return next((uid for uid in others if uid not in self._silent), None)

    def came(self, witness: int) -> None:
        """Note that the server hands out this other mail."""
        self._witness = witness
        self._silent.clear()

    def stayed_away(self, witness: int) -> None:
        """Note that it does not hand out this one either: what was counted so far may have been the server's fault."""
        self._witness = None
        self._silent.add(witness)
        self._failures = Counter(dict.fromkeys(self._failures, 0))

    def settle(self, uid: int) -> None:
        """Forget the mails up to `uid`, which came or were given up."""
        self._failures = Counter({other: times for other, times in self._failures.items() if other > uid})
        self._faults = Counter({other: times for other, times in self._faults.items() if other > uid})
        self._endless = {other for other in self._endless if other > uid}
