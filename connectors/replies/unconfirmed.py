"""Receipts that a gateway accepted and may still report on, and reports that arrived before the receipt's state."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from connectors.replies.base import Report
from connectors.replies.ledger import address
from schemas.records import Outbox, OutboxState, Party

REPORTED_WITHIN = timedelta(days=3)
"""Gateways try for 48 to 72 hours, and send the report then at the latest."""

_EARLY_MOST = 10_000
"""Limit of reports that are kept although no receipt has their reference yet."""

_DELIVERED = "DELIVRD"
_PASSING = frozenset({"", "ENROUTE", "ACCEPTD", "SCHEDULED", "UNKNOWN"})
"""Status words after which another report may come; every other word but DELIVRD is a permanent failure."""


class _Waiting(Struct, kw_only=True):
    """A receipt in parts, each with a reference; `missing` are those that are not delivered yet."""

    told: OutboxState
    recipient: int
    began: datetime
    missing: set[str] = field(default_factory=set)


class Unconfirmed:
    """Folds states of receipts and reports, in any order, into the states that follow from the reports."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[datetime, int]] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._by_reference: dict[str, str] = {}
        self._by_number: dict[tuple[int, int], str] = {}
        self._early: OrderedDict[str, Report] = OrderedDict()

    def begin(self, outbox: Outbox, at: datetime) -> None:
        """Record the start of a send."""
        self._began[outbox.outbox_id] = at, address(outbox.recipient)

    def note(self, told: OutboxState) -> OutboxState | None:
        """Record the outcome of a receipt, and return the state that follows from earlier reports."""
        began, recipient = self._began.pop(told.outbox_id, (told.at, 0))
        if told.state not in ("accepted", "unknown") or not told.reference:
            self._forget(told.outbox_id)
            return None
        references = [one for one in told.reference.split(",") if one]
        waiting = _Waiting(told=told, recipient=recipient, began=began, missing=set(references))
        if told.state == "unknown":
            waiting.missing.add("")  # a part without a reference, for which no report will come
        self._waiting[told.outbox_id] = waiting
        for reference in references:
            self._by_reference[reference] = told.outbox_id
            for number in _numbers(reference):
                self._by_number[number, recipient] = told.outbox_id
        early = [self._early.pop(one) for one in references if one in self._early]
        states = [state for report in early if (state := self.report(report)) is not None]
        return states[-1] if states else None

    def report(self, report: Report) -> OutboxState | None:
        """Apply a report, and return the state that follows from it, or None while the receipt is not settled."""
        if report.status in _PASSING:
            return None
        waiting = self._waiting.get(self._named(report) or "")
        if waiting is None:
            self._early[report.reference] = report
            if len(self._early) > _EARLY_MOST:
                self._early.popitem(last=False)
            return None
        if report.status != _DELIVERED:
            return self._settled(waiting, "undelivered", report.status)
        waiting.missing -= {one for one in waiting.missing if one and _same(one, report.reference)}
        return None if waiting.missing else self._settled(waiting, "delivered", report.status)

    def since(self, now: datetime) -> datetime | None:
        """Return when the oldest receipt began that may still be reported on, or None without one."""
        for gone in [name for name, one in self._waiting.items() if one.began < now - REPORTED_WITHIN]:
            self._forget(gone)
        return min((one.began for one in self._waiting.values()), default=None)

    def _named(self, report: Report) -> str | None:
        """Return the receipt of a report: by its reference, or by the phone and the number in the reference.

        Some SMSCs write an id in hexadecimal in the answer to a submission, and in decimal in the report.
        """
        if (found := self._by_reference.get(report.reference)) is not None:
            return found
        recipient = address(Party(kind="phone", value=report.number))
        named = (self._by_number.get((number, recipient)) for number in _numbers(report.reference))
        return next((one for one in named if one is not None), None)

    def _settled(self, waiting: _Waiting, state: str, code: str) -> OutboxState:
        self._forget(waiting.told.outbox_id)
        return replace(waiting.told, state=state, code=code)

    def _forget(self, outbox_id: str) -> None:
        waiting = self._waiting.pop(outbox_id, None)
        if waiting is None:
            return
        for reference in (waiting.told.reference or "").split(","):
            if self._by_reference.get(reference) == outbox_id:
                del self._by_reference[reference]
            for number in _numbers(reference):
                if self._by_number.get((number, waiting.recipient)) == outbox_id:
                    del self._by_number[number, waiting.recipient]


def _same(one: str, other: str) -> bool:
    return one == other or not {*_numbers(one)}.isdisjoint(_numbers(other))


def _numbers(reference: str) -> Iterator[int]:
    """Yield the numbers that a reference may stand for."""
    if re.fullmatch(r"[0-9]{1,20}", reference):
        yield int(reference)
    if re.fullmatch(r"[0-9A-Fa-f]{1,20}", reference):
        yield int(reference, 16)
