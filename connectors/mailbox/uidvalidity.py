"""Epochs: whether the UIDs of a folder still mean what they did when the cursor was saved."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from connectors import metrics
from connectors.mailbox.fetch import Mail
from connectors.mailbox.session import Folder

SURE_SECONDS = 60.0
"""So long a UIDNEXT must have gone back: one of several servers behind a name may lag for a moment."""

ATTEMPTS = 5
"""So many connections in a row may break over what is asked before any mail: of the one read last, of deleted ones."""

Received: TypeAlias = Callable[[int], datetime | None]
"""Says when the mail of a UID was received; None when it is gone, or nobody knows."""


def mark_of(mail: Mail) -> list[int] | None:
    """Return what the cursor keeps of a mail, to know it again: its UID and when it was received (Unix time)."""
    received = mail.about.received
    return None if received is None else [mail.uid, int(received.timestamp())]


class Epochs:
    """Of one account. Where they do not, everything is read again, and what was known is recognised by its bytes.

    A server that was restored from a backup may keep its UIDVALIDITY and give UIDs a second time: mails that come then
    would lie below the cursor. Its UIDNEXT tells, once: a server that is wrong about it would be read for ever. When so
    many came at once that it has passed the cursor again, another mail lies where the one lay that was read last; that
    is looked at once in a connection, and whenever UIDNEXT had gone back.
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
        """Note that there is a new connection: the server may be another one since."""
        self._looked.clear()

    def holds(self, folder: str, view: Folder, known: Mapping[str, Any] | None, received: Received) -> bool:
        """Say whether a folder's part of the cursor holds; when there is one that does not, that is counted."""
        if known is None:
            self._looked.add(folder)  # what is read now is of this connection
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
        """Say whether the UIDs of a folder may be other mails' by now, though it is too early to be sure of it."""
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
        """Say whether the mail that was read last is another one now; one that is gone says something only with more.

        A server that tells now this and now that of it is believed once.
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
        """Ask of a mail; not when connection after connection broke over it: it must keep no other away for ever."""
        last, times = self._broke.get(folder, (uid, 0))
        times = times if last == uid else 0
        if times >= ATTEMPTS:
            return None
        self._broke[folder] = uid, times + 1
        now = received(uid)
        del self._broke[folder]
        return now
