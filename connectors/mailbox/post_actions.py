"""Post-processing: flags or moves a mail on the server after it is safe in Kafka; off by default."""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.mailbox.errors import CommandRefusedError, NotNowError
from connectors.mailbox.session import Folder, Session
from connectors.mailbox.settings import MailboxSettings
from schemas.errors import ThrottledError

MOST = 5_000
"""Limit of mails per folder that wait for post-processing, so that a refusing server does not grow the cursor."""

ATTEMPTS = 3
"""Lost connections in a row after which post-processing stops until the next start: reading mail has priority."""

_FLAGGED = ""

Waiting = Mapping[str, str]
"""Target (a folder, or "" for a flag) and the UIDs as an IMAP set (`1:5,7`)."""


class Tidying:
    """Flags or moves the mails of one folder after their cursor is saved; the cursor holds them until that is done.

    If the server refuses, a complaint is set and the next batch tries again; no mail is delayed.
    """

    def __init__(self, settings: MailboxSettings, account: str) -> None:
        self._settings = settings
        self._account = account
        self._broken = 0
        self._done: tuple[int, Waiting] | None = None
        self._copied: set[tuple[int, int]] = set()
        self.complaint: str | None = None

    def to_do(self, position: Mapping[str, Any], came: Iterable[int], failed: Iterable[int]) -> dict[str, str]:
        """Return the pending post-processing of these mails and of those in the cursor's `position`."""
        if self._settings.processed == "keep":
            return {}
        waiting = {where: uids_of(uids) for where, uids in self._left(position).items()}
        for where, uids in ((self._where(), came), (self._settings.failed_folder, failed)):
            if where is not None and (fresh := list(uids)):
                waiting[where] = [*waiting.get(where, ()), *fresh][-MOST:]
        return {where: set_of(uids) for where, uids in waiting.items()}

    def tidy(self, session: Session, view: Folder, position: Mapping[str, Any]) -> None:
        """Carry out the pending post-processing of a saved cursor."""
        waiting = self._left(position)
        if not waiting or position["uidvalidity"] != view.uidvalidity or self._broken >= ATTEMPTS:
            return
        self._broken += 1
        self.complaint = self._sentence()  # remains set if the connection breaks
        try:
            for where, uids in waiting.items():
                self._put(session, view, where, uids_of(uids))
            self._done, self.complaint = (view.uidvalidity, dict(waiting)), None
            self._copied.clear()
        except (CommandRefusedError, NotNowError, ThrottledError):
            pass
        self._broken = 0

    def _sentence(self) -> str:
        what = "flagged" if self._settings.processed == "flag" else "moved"
        return (
            f"mailbox {self._account}: mail that is safe cannot be {what} on the server; see processed, the rights of "
            "the account and its quota"
        )

    def _left(self, position: Mapping[str, Any]) -> Waiting:
        waiting: Waiting = position.get("to_do", {})
        return {} if self._done == (position.get("uidvalidity"), waiting) else waiting

    def _where(self) -> str:
        return _FLAGGED if self._settings.processed == "flag" else self._settings.processed_folder

    def _put(self, session: Session, view: Folder, where: str, uids: list[int]) -> None:
        if where == _FLAGGED:
            session.flag(uids, self._settings.processed_flag)
        elif session.moves:
            session.move(uids, where)
        else:
            fresh = [uid for uid in uids if (view.uidvalidity, uid) not in self._copied]
            if fresh:
                session.copy(fresh, where)
                # A failing delete must not create another copy at each attempt.
                self._copied |= {(view.uidvalidity, uid) for uid in fresh}
            session.delete(uids)


def set_of(uids: Iterable[int]) -> str:
    """Format UIDs as an IMAP set: `1:5,7`."""
    runs: list[list[int]] = []
    for uid in sorted(set(uids)):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def uids_of(uids: str) -> list[int]:
    """Parse the output of `set_of`."""
    ends = (run.partition(":") for run in uids.split(",") if run)
    return [uid for first, _, last in ends for uid in range(int(first), int(last or first) + 1)]
