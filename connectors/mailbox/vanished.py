"""Counts vanished mails: gaps between the UIDs of two mails that were read.

A server without QRESYNC does not report a mail that came and was deleted, or moved by another client, before it was
read; but most servers number mails without gaps, and then such a mail leaves a gap. If a server often skips UIDs, a
gap has no meaning.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import structlog
from msgspec import Struct, convert, structs, to_builtins

from connectors import metrics
from connectors.mailbox.errors import CommandRefusedError, NotNowError
from connectors.mailbox.session import Folder
from connectors.mailbox.uidvalidity import ATTEMPTS
from schemas.codec import built

LEARNT = 50
"""UIDs that must have followed without a gap before gaps count; one step in `RARELY` may have a gap."""

RARELY = 20
MOST_STEPS = 1000
"""Steps after which both counts are halved, because the server may change."""

_log = structlog.get_logger(__name__)


@built
class Steps(Struct, frozen=True, array_like=True):
    """Steps between UIDs of a folder from UID `since` on; clerks may have deleted older mails."""

    since: int
    single: int = 0
    gaps: int = 0

    @property
    def counts_on(self) -> bool:
        """Return whether the server numbers mails without gaps, so that a gap was a mail."""
        return self.single >= LEARNT and not self.skips

    @property
    def skips(self) -> bool:
        """Return whether gaps are so frequent that they have no meaning."""
        return self.gaps * RARELY > self.single + self.gaps

    def then(self, gap: int) -> "Steps":
        """Return the counts with one more step."""
        one = structs.replace(self, single=self.single + (not gap), gaps=self.gaps + bool(gap))
        return one if one.single + one.gaps <= MOST_STEPS else Steps(one.since, one.single // 2, one.gaps // 2)


class Gaps:
    """Gaps of one account; the cursor keeps the counts, as most mails vanish while there is no connection."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._known: Counter[str] = Counter()
        self._broke: Counter[str] = Counter()
        self._judged: dict[str, tuple[int, int]] = {}
        self._skipping: set[str] = set()

    def ask(self, folder: str, missed: Callable[[], int]) -> None:
        """Count mails that the server itself reports as deleted; their gaps are not counted again.

        After several connections in a row broke over it, the question is skipped: it must not block mail for ever.
        """
        if self._broke[folder] >= ATTEMPTS:
            return
        self._broke[folder] += 1
        with suppress(CommandRefusedError, NotNowError):
            gone = missed()
            metrics.MAILS_VANISHED.labels(self._account).inc(gone)
            self._known[folder] += gone
        del self._broke[folder]

    def judged(
        self, folder: str, view: Folder, known: Mapping[str, Any], uids: Sequence[int], done: int
    ) -> list[int] | None:
        """Judge the UIDs up to `done` after the cursor's; return the counts for the cursor.

        Returns None if the server does not report UIDNEXT.
        """
        if not known.get("steps"):
            return [view.uidnext] if view.uidnext is not None else None
        steps = convert(known["steps"], Steps)
        until = self._judged.get(folder, (view.uidvalidity, 0))
        passed = until[1] if until[0] == view.uidvalidity else 0  # read again because Kafka did not accept the batch
        for before, uid in pairwise((int(known["uid"]), *uids)):
            if max(steps.since, passed + 1) <= uid <= done:
                steps = self._stepped(folder, steps, max(before + 1, steps.since), uid)
        self._judged[folder] = view.uidvalidity, max(passed, done)
        kept: list[int] = to_builtins(steps)
        return kept

    def _stepped(self, folder: str, steps: Steps, first: int, uid: int) -> Steps:
        after, gap = steps.then(uid - first), uid - first
        already = min(gap, self._known[folder])
        self._known[folder] -= already
        if gap > already and steps.counts_on:
            metrics.MAILS_VANISHED.labels(self._account).inc(gap - already)
            _log.warning(
                "mails_vanished",
                connector=self._account,
                folder=folder,
                mails=gap - already,
                uids=f"{first}:{uid - 1}",
                sentence="no mail has these UIDs any more, and none was read: who deletes or moves mails there?",
            )
        if after.skips and steps.counts_on and folder not in self._skipping:
            self._skipping.add(folder)
            _log.warning(
                "mail_uids_skipped",
                connector=self._account,
                folder=folder,
                sentence="so many UIDs are missing that none tells of a lost mail: let nobody else clear the folder",
            )
        return after
