"""UID validity: whether the UIDs of a folder still name the same mails as in the saved cursor."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from connectors import metrics
from connectors.mailbox.fetch import Mail
from connectors.mailbox.session import Folder

SURE_SECONDS = 60.0
"""Seconds that UIDNEXT must stay behind: one of several servers behind a name may lag for a moment."""

ATTEMPTS = 5
"""Connections in a row that may break over a question asked before any mail is read (last mail, deleted mails)."""

Received: TypeAlias = Callable[[int], datetime | None]
"""Returns when the mail of a UID was received, or None if it was deleted or the time is unknown."""


def mark_of(mail: Mail) -> list[int] | None:
    """Return the cursor's mark of a mail, by which it is recognised: UID and time of receipt (Unix time)."""
    received = mail.about.received
    return None if received is None else [mail.uid, int(received.timestamp())]


class Epochs:
    """UID validity in one account. If UIDs are invalid, all is read again; known mails are recognised by their bytes.

    A server that was restored from a backup may keep its UIDVALIDITY and reuse UIDs: new mails would lie below the
    cursor. A UIDNEXT below the cursor shows it; each value is believed once, since a server with a wrong UIDNEXT
    would be read for ever. If so many mails came at once that UIDNEXT has passed the cursor again, another mail has
    the UID of the last one read; that is checked once per connection, and whenever UIDNEXT had gone back.
    """

    def __init__(self, account: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._since: dict[str, float] = {}
        self._doubted: set[str] = set()
        self._went_back: dict[str, tuple[int, int]] = {}
        self._looked: set[str] = set()
        self._others: dict[str, list[int]] = {}
        self._broke: dict[str, tuple[int, int]] = {}

    def connected(self) -> None:
        """Record a new connection: the server may be another one."""
        self._looked.clear()

    def holds(self, folder: str, view: Folder, known: Mapping[str, Any] | None, received: Received) -> bool:
        """Return whether a folder's part of the cursor is valid; count invalid ones."""
        if known is None:
            self._looked.add(folder)  # the UIDs read now are of this connection
            return False
        behind = folder in self._since
        if (
            known["uidvalidity"] == view.uidvalidity
            and not self._is_behind(folder, view, int(known["uid"]))
            and not self._is_another(folder, known.get("mark"), received, came_back=behind)
        ):
            return True
        self._since.pop(folder, None)
        metrics.MAILBOX_RESCANS.labels(self._account).inc()
        return False

    def doubts(self, folder: str) -> bool:
        """Return whether UIDs of a folder may belong to other mails, although that is not certain yet."""
        _, times = self._broke.get(folder, (0, 0))
        return folder in self._doubted or times >= ATTEMPTS

    def _is_behind(self, folder: str, view: Folder, last: int) -> bool:
        self._doubted.discard(folder)
        if view.uidnext is None or last < view.uidnext:
            self._since.pop(folder, None)
            return False
        if self._clock() - self._since.setdefault(folder, self._clock()) < SURE_SECONDS:
            self._doubted.add(folder)
            return False
        here = view.uidvalidity, view.uidnext
        told, self._went_back[folder] = self._went_back.get(folder), here
        return told != here

    def _is_another(self, folder: str, mark: list[int] | None, received: Received, *, came_back: bool) -> bool:
        """Return whether the last UID read belongs to another mail; a deleted mail counts only if `came_back`.

        A server that changes its answer is believed once.
        """
        if folder in self._since or (folder in self._looked and not came_back):
            return False
        self._looked.add(folder)
        now = self._asked(folder, mark[0], received) if mark else None
        if mark is None or now is None:
            return came_back
        found = [mark[0], int(now.timestamp())]
        told, self._others[folder] = self._others.get(folder), found
        return found not in (mark, told)

    def _asked(self, folder: str, uid: int, received: Received) -> datetime | None:
        """Ask when a mail was received; skip it after several broken connections, so that it blocks no other mail."""
        last, times = self._broke.get(folder, (uid, 0))
        times = times if last == uid else 0
        if times >= ATTEMPTS:
            return None
        self._broke[folder] = uid, times + 1
        now = received(uid)
        del self._broke[folder]
        return now
