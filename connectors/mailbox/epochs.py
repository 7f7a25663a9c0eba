"""Epochs: whether the UIDs of a folder still mean what they did when the cursor was saved."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from connectors import metrics
from connectors.mailbox.session import Folder

SURE_SECONDS = 60.0
"""So long a UIDNEXT must have gone back: one of several servers behind a name may lag for a moment."""


class Epochs:
    """Of one account. Where they do not, everything is read again, and what was known is recognised by its bytes.

    A server that was restored from a backup may keep its UIDVALIDITY and give UIDs a second time: mails that come then
    would lie below the cursor. Its UIDNEXT tells, once: a server that is wrong about it would be read for ever.
    """

    def __init__(self, account: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._since: dict[str, float] = {}
        self._went_back: dict[str, tuple[int, int]] = {}

    def holds(self, folder: str, view: Folder, known: Mapping[str, Any]) -> bool:
        """Say whether a folder's part of the cursor holds; when it does not, that is counted."""
        if known["uidvalidity"] == view.uidvalidity and not self._is_behind(folder, view, int(known["uid"])):
            return True
        metrics.MAILBOX_RESCANS.labels(self._account).inc()
        return False

    def _is_behind(self, folder: str, view: Folder, last: int) -> bool:
        if view.uidnext is None or last < view.uidnext:
            self._since.pop(folder, None)
            return False
        if self._clock() - self._since.setdefault(folder, self._clock()) < SURE_SECONDS:
            return False
        here = view.uidvalidity, view.uidnext
        told, self._went_back[folder] = self._went_back.get(folder), here
        return told != here
