"""Ledger of one partition of the outbox: a fold over its log, with every receipt and every try."""

import hashlib
from collections import deque
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from schemas.envelope import type_of
from schemas.records import Outbox, OutboxState, Party

FINAL = frozenset({"accepted", "refused", "unknown", "withheld", "delivered", "undelivered"})

INTENT, STATE = type_of("outbox").encode(), type_of("outbox_state").encode()
"""`ce_type` of the records of the log."""

ASSIGN = b"/hotline/assign/"
"""Source of a state that withdraws: no receipt of the ticket may be sent. The outbox records its receipt's outcome."""

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


Withdrawn = Literal["erased", "confidential"]
"""Reason of a withdrawal: the ticket was erased, or its citizen must be protected since then."""


class Open(Struct, kw_only=True):
    """Receipt without an outcome; `offset` is that of its intent. A `withdrawn` one is not sent."""

    outbox: Outbox
    offset: int
    state: str | None = None
    attempts: int = 0
    withdrawn: Withdrawn | None = None


class Ledger:
    """Open receipts, settled ones, and the sends per recipient and account. Of settled ones only digests stay.

    The log keeps seven days and a receipt is given up after three at most, so a later repeat is too old to be sent.
    """

    def __init__(self) -> None:
        self.open: dict[str, Open] = {}
        self._settled: set[int] = set()
        self._to_recipient: dict[int, deque[datetime]] = {}
        self._of_account: dict[str, deque[datetime]] = {}

    def intend(self, outbox: Outbox, offset: int) -> Open | None:
        """Add an intent; return None for a known one: a receipt is sent once, however often it is intended."""
        if outbox.outbox_id in self.open or _digest(outbox.outbox_id) in self._settled:
            return None
        entry = self.open[outbox.outbox_id] = Open(outbox=outbox, offset=offset)
        return entry

    def note(self, state: OutboxState) -> None:
        """Apply a state of a receipt."""
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
        """Withdraw the receipts of a ticket: open ones are withheld, unless one is being sent."""
        for entry in self.open.values():
            if entry.outbox.ticket_id == ticket_id:
                entry.withdrawn = entry.withdrawn or why

    def interrupted(self) -> list[Open]:
        """Return the receipts with a begun send and no outcome."""
        return [entry for entry in self.open.values() if entry.state == "sending"]

    def sent_to(self, recipient: Party, now: datetime) -> int:
        """Return the number of receipts sent to an address in the last 24 hours."""
        return len(_since(self._to_recipient.get(address(recipient)), now - DAY))

    def next_turn(self, account: str, per_minute: int, now: datetime, beginning: int = 0) -> datetime:
        """Return when the account may send again; `beginning` is the number of begun, unrecorded sends."""
        turns, left = _since(self._of_account.get(account), now - MINUTE), per_minute - beginning
        if turns and turns[-1] > now:  # from before the clock was set back: they would count too long
            turns = self._of_account[account] = deque(min(at, now) for at in turns)
        if len(turns) < left:
            return now
        return (turns[-left] if left > 0 else now) + MINUTE

    def done_before(self, position: int) -> int:
        """Return the offset before which all receipts are settled; `position` is the end of the part that was read."""
        return min((entry.offset for entry in self.open.values()), default=position)

    def _began(self, outbox: Outbox, at: datetime) -> None:
        self._to_recipient.setdefault(address(outbox.recipient), deque()).append(at)
        self._of_account.setdefault(outbox.account, deque()).append(at)
        if len(self._to_recipient) % 1000 == 0:  # occasionally: those of earlier days are not needed
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
    """Return a digest of the recipient, which ignores upper and lower case, plus tags and country codes."""
    value = recipient.value.strip().lower()
    if recipient.kind == "email":
        local, _, domain = value.rpartition("@")
        value = f"{local.partition('+')[0]}@{domain}"
    elif recipient.kind == "phone":
        value = "".join(filter(str.isdigit, value)).removeprefix("00").removeprefix("86")
    return _digest(f"{recipient.kind}\n{value}")


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
