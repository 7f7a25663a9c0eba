"""The ledger of one partition of the outbox: a fold over its log, in which every answer and every try stands."""

import hashlib
from collections import deque
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from schemas.envelope import type_of
from schemas.records import Outbox, OutboxState, Party

FINAL = frozenset({"accepted", "refused", "unknown", "withheld", "delivered", "undelivered"})

INTENT, STATE = type_of("outbox").encode(), type_of("outbox_state").encode()
"""`ce_type` of the records of its log."""

ASSIGN = b"/hotline/assign/"
"""Source of a state that withdraws: of this ticket nothing may be sent. What became of its answer the outbox says."""

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


Withdrawn = Literal["erased", "confidential"]
"""Why nothing is sent any more: the ticket is erased, or its citizen has to be protected since."""


class Open(Struct, kw_only=True):
    """An answer that is not settled; `offset` is where its intent stands. What is `withdrawn` is not sent."""

    outbox: Outbox
    offset: int
    state: str | None = None
    attempts: int = 0
    withdrawn: Withdrawn | None = None


class Ledger:
    """What is open, what is settled, and how often whom we wrote to. Of what is settled only digests stay.

    The log keeps seven days and an answer is given up after three at most, so whatever is repeated later is too old.
    """

    def __init__(self) -> None:
        self.open: dict[str, Open] = {}
        self._settled: set[int] = set()
        self._to_recipient: dict[int, deque[datetime]] = {}
        self._of_account: dict[str, deque[datetime]] = {}

    def intend(self, outbox: Outbox, offset: int) -> Open | None:
        """Take an intent; None for one that is known: an answer is given once, however often it is intended."""
        if outbox.outbox_id in self.open or _digest(outbox.outbox_id) in self._settled:
            return None
        entry = self.open[outbox.outbox_id] = Open(outbox=outbox, offset=offset)
        return entry

    def note(self, state: OutboxState) -> None:
        """Take what became of an answer."""
        entry = self.open.get(state.outbox_id)
        if entry is None:
            self._settled.add(_digest(state.outbox_id))
            return
        before, entry.state, entry.attempts = entry.state, state.state, state.attempts
        if state.state == "sending":
            self._began(entry.outbox, state.at)
        elif state.state == "waiting":
            self._came_back(entry.outbox)
        elif state.state in FINAL:
            if (before, state.state) == ("sending", "withheld"):
                self._came_back(entry.outbox)
            del self.open[state.outbox_id]
            self._settled.add(_digest(state.outbox_id))

    def withdraw(self, ticket_id: str, why: Withdrawn = "erased") -> None:
        """Take that nothing may be sent of a ticket: what is open is withheld, unless somebody is sending it."""
        for entry in self.open.values():
            if entry.outbox.ticket_id == ticket_id:
                entry.withdrawn = entry.withdrawn or why

    def interrupted(self) -> list[Open]:
        """Return the answers that somebody began to send and never told the end of."""
        return [entry for entry in self.open.values() if entry.state == "sending"]

    def sent_to(self, recipient: Party, now: datetime) -> int:
        """Return how many answers went to an address in the last 24 hours."""
        return len(_since(self._to_recipient.get(address(recipient)), now - DAY))

    def next_turn(self, account: str, per_minute: int, now: datetime, beginning: int = 0) -> datetime:
        """Return when the account may send again; `beginning` are those of which it is not noted yet."""
        turns, left = _since(self._of_account.get(account), now - MINUTE), per_minute - beginning
        if turns and turns[-1] > now:  # of before the clock was set back: as they stand they would count until then
            turns = self._of_account[account] = deque(min(at, now) for at in turns)
        if len(turns) < left:
            return now
        return (turns[-left] if left > 0 else now) + MINUTE

    def done_before(self, position: int) -> int:
        """Return the offset before which everything is settled; `position` is how far the log is read."""
        return min((entry.offset for entry in self.open.values()), default=position)

    def _began(self, outbox: Outbox, at: datetime) -> None:
        self._to_recipient.setdefault(address(outbox.recipient), deque()).append(at)
        self._of_account.setdefault(outbox.account, deque()).append(at)
        if len(self._to_recipient) % 1000 == 0:  # now and then: those of days ago are of no use
            self._forget(at - DAY)

    def _came_back(self, outbox: Outbox) -> None:
        turns = self._to_recipient.get(address(outbox.recipient))
        if turns:
            turns.pop()

    def _forget(self, before: datetime) -> None:
        for address in [one for one, turns in self._to_recipient.items() if not _since(turns, before)]:
            del self._to_recipient[address]


def _since(turns: deque[datetime] | None, moment: datetime) -> deque[datetime]:
    """Drop the turns before `moment` and return the others."""
    if turns is None:
        return deque()
    while turns and turns[0] <= moment:
        turns.popleft()
    return turns


def address(recipient: Party) -> int:
    """Return what tells recipients apart: upper and lower case, tags and country codes do not."""
    value = recipient.value.strip().lower()
    if recipient.kind == "email":
        local, _, domain = value.rpartition("@")
        value = f"{local.partition('+')[0]}@{domain}"
    elif recipient.kind == "phone":
        value = "".join(filter(str.isdigit, value)).removeprefix("00").removeprefix("86")
    return _digest(f"{recipient.kind}\n{value}")


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
