"""Gaps: UIDs between two mails that we read, which no mail had any more when we looked.

A server without QRESYNC tells nobody of a mail that came and was deleted, or moved by another client, before we looked;
but most count UIDs one by one, and then it leaves a gap. Of one that often skips UIDs a gap says nothing.
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
"""So many UIDs must have followed right upon the one before, and only one in `RARELY` steps may leave a gap."""

RARELY = 20
MOST_STEPS = 1000
"""Then both counts are halved: a server may be another one some day."""

_log = structlog.get_logger(__name__)


@built
class Steps(Struct, frozen=True, array_like=True):
    """How the UIDs of a folder followed one another from `since` on: what is older, clerks may have cleared up."""

    since: int
    single: int = 0
    gaps: int = 0

    @property
    def counts_on(self) -> bool:
        """Say whether the server counts one by one, so that a gap was a mail."""
        return self.single >= LEARNT and not self.skips

    @property
    def skips(self) -> bool:
        """Say whether gaps are so many that they tell nothing."""
        return self.gaps * RARELY > self.single + self.gaps

    def then(self, gap: int) -> "Steps":
        """Return them with one more."""
        one = structs.replace(self, single=self.single + (not gap), gaps=self.gaps + bool(gap))
        return one if one.single + one.gaps <= MOST_STEPS else Steps(one.since, one.single // 2, one.gaps // 2)


class Gaps:
    """Of one account; the cursor keeps what was learnt, as most goes while nobody is connected."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._known: Counter[str] = Counter()
        self._broke: Counter[str] = Counter()
        self._judged: dict[str, tuple[int, int]] = {}
        self._skipping: set[str] = set()

    def ask(self, folder: str, missed: Callable[[], int]) -> None:
        """Count mails that the server itself says are gone: their gaps are no further ones.

        It is asked no more when connection after connection broke over it: that must keep no mail away for ever.
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
        """Look at the UIDs up to `done`, behind those that the cursor's part of the folder names; return what it keeps.

        None where the server does not say where new mail begins.
        """
        if not known.get("steps"):
            return [view.uidnext] if view.uidnext is not None else None
        steps = convert(known["steps"], Steps)
        until = self._judged.get(folder, (view.uidvalidity, 0))
        passed = until[1] if until[0] == view.uidvalidity else 0  # read again, as Kafka did not take it
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
