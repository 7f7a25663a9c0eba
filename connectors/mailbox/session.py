"""One IMAP connection: logged in, read-only, typed; it handles the library's faults for all callers."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.mailbox import imap_client, qresync
from connectors.mailbox.errors import CommandRefusedError, EndlessError, NotNowError, door
from connectors.mailbox.fetch_items import ASKED, About, about_of
from connectors.mailbox.imap_client import Connect, connected, log_in
from connectors.mailbox.oauth import Tokens
from connectors.mailbox.settings import MailboxSettings
from connectors.runtime.deadline import watched
from schemas.errors import UnreachableError

# At DEBUG imapclient logs every line of the connection, including citizens' texts.
logging.getLogger("imapclient").setLevel(logging.WARNING)

WINDOW = 20_000
"""UIDs per search, some 140 KB of answer; doubled each time that none of them exists."""


class Folder(Struct, frozen=True):
    """State of a folder when it was opened."""

    uidvalidity: int
    uidnext: int | None
    exists: int
    modseq: int | None = None
    """Grows with every change if the server supports CONDSTORE."""


class Session:
    """One connection from login to close."""

    def __init__(self, settings: MailboxSettings, account: str, connect: Connect, tokens: Tokens) -> None:
        self._account = account
        self._selected: str | None = None
        self._views: dict[str, Folder] = {}
        self._idling = False
        self._limit_seconds = settings.mail_timeout_seconds
        self._readonly = settings.processed == "keep"
        self._changes = False
        self._lasting: set[bytes] = set()
        self._made: set[str] = set()
        with door(account):
            self._client = connected(settings, connect)
        try:
            with self._command():
                log_in(self._client, settings, tokens)
                self._resyncs = qresync.enabled(self._client)
                self._can_idle = settings.idle and bool(self._client.has_capability("IDLE"))
        except Exception:
            self.close()
            raise

    @property
    def can_idle(self) -> bool:
        """Return whether the server announces new mail (IDLE)."""
        return self._can_idle

    def examine(self, folder: str) -> Folder:
        """Open a folder, read-only unless mail is flagged or moved in it, and return its current state."""
        self._selected = None  # a refused EXAMINE leaves no folder open
        with self._command():
            found, self._changes = imap_client.opened(self._client, folder, readonly=self._readonly)
            self._lasting = set(found.get(b"PERMANENTFLAGS", ()))
            numbers = int(found[b"UIDVALIDITY"]), found.get(b"UIDNEXT"), int(found[b"EXISTS"])
            view = Folder(*numbers, found.get(b"HIGHESTMODSEQ"))
        self._selected, self._views[folder] = folder, view
        return view

    def missed(self, folder: str, uidvalidity: int, modseq: int, last: int) -> int:
        """Return the number of mails over `last` deleted since `modseq`, if the server reports it (QRESYNC)."""
        if not self._resyncs:
            return 0
        self._selected = None
        with self._command():
            return qresync.missed(self._client, folder, uidvalidity, modseq, last)

    def uids_after(self, last: int, folder: Folder) -> list[int]:
        """Return UIDs over `last` in order: those in the lowest window that has any."""
        first, end = last + 1, self._end(folder)
        if folder.exists <= WINDOW:
            return self._search(last, f"{first}:*") if first < end else []
        start, width = first, WINDOW
        while start < end:
            if found := self._search(last, f"{start}:{min(start + width, end) - 1}"):
                return found
            start, width = start + width, 2 * width
        return []

    def has(self, uid: int) -> bool:
        """Return whether the mail still exists."""
        return uid in self._search(0, f"{uid}:{uid}")

    def others(self, uid: int) -> list[int]:
        """Return other mails of the open folder, the nearest first."""
        folder = self._views.get(self._selected or "")
        near = f"{max(1, uid - WINDOW // 2)}:{uid + WINDOW // 2}"
        found = self._search(0, "1:*" if folder and folder.exists <= WINDOW else near)
        return sorted((other for other in found if other != uid), key=lambda other: abs(other - uid))

    def about(self, uids: Sequence[int]) -> dict[int, About]:
        """Return the server's description of these mails; deleted ones are missing."""
        with self._command():
            found = self._client.fetch(uids, ASKED)
            return {uid: about_of(data) for uid, data in found.items()}

    def received(self, uid: int) -> datetime | None:
        """Return when a mail was received; None if it was deleted or the server does not report it."""
        try:
            return self.about([uid]).get(uid, About(None, 0, None)).received
        except (CommandRefusedError, NotNowError):
            return None

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return whole mails; deleted ones are missing."""
        with self._command():
            found = self._client.fetch(uids, ["BODY.PEEK[]"])
            return {uid: data[b"BODY[]"] for uid, data in found.items() if data.get(b"BODY[]") is not None}

    def part(self, uid: int, offset: int, length: int) -> bytes | None:
        """Return up to `length` bytes of a mail, or None if it was deleted."""
        with self._command():
            found = self._client.fetch([uid], [f"BODY.PEEK[]<{offset}.{length}>"])
            part: bytes | None = found.get(uid, {}).get(f"BODY[]<{offset}>".encode())
            return part

    def header(self, uid: int) -> bytes:
        """Return the header section of a mail; empty if the server returns none."""
        with suppress(CommandRefusedError), self._command():
            found = self._client.fetch([uid], ["BODY.PEEK[HEADER]"])
            return found.get(uid, {}).get(b"BODY[HEADER]") or b""
        return b""

    @property
    def moves(self) -> bool:
        """Return whether the server supports MOVE; otherwise mail is copied and deleted."""
        with self._command():
            return bool(self._client.has_capability("MOVE"))

    def flag(self, uids: Sequence[int], flag: str) -> None:
        """Set a flag on mails; deleted ones are skipped. Raises CommandRefusedError if flags cannot be stored."""
        self._check_changes()
        if not {b"\\*", flag.encode()} & self._lasting:
            raise CommandRefusedError(f"mailbox {self._account}: the folder keeps no flags but its own")
        with self._command():
            self._client.add_flags(uids, [flag], silent=True)

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails into a folder, which is created if missing; deleted mails are skipped.

        Raises CommandRefusedError if the folder cannot be changed.
        """
        self._check_changes()
        self._make(folder)
        with self._command():
            self._client.move(uids, folder)

    def copy(self, uids: Sequence[int], folder: str) -> None:
        """Copy mails into a folder, which is created if missing. Raises as `move` does."""
        self._check_changes()
        self._make(folder)
        with self._command():
            self._client.copy(uids, folder)

    def delete(self, uids: Sequence[int]) -> None:
        """Delete exactly these mails.

        Raises CommandRefusedError for a server without UIDPLUS: EXPUNGE would also delete mails that other clients
        marked.
        """
        with self._command():
            if not self._client.has_capability("UIDPLUS"):
                raise CommandRefusedError(f"mailbox {self._account}: the server has neither MOVE nor UIDPLUS")
            self._client.delete_messages(uids, silent=True)
            self._client.uid_expunge(uids)

    def _check_changes(self) -> None:
        """Raise if the folder cannot be changed: without deletion, each start would copy the same mails again."""
        if not self._changes:
            raise CommandRefusedError(f"mailbox {self._account}: the account may only read the folder")

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            with self._command():
                if not self._client.folder_exists(folder):
                    self._client.create_folder(folder)
            self._made.add(folder)

    def begin_idle(self, folder: str) -> bool:
        """Start IDLE on `folder`; return True if new mail is there already."""
        if self._selected != folder and self._views.get(folder) != self.examine(folder):
            return True
        with self._command():
            # News since the last command would arrive together with the answer to IDLE, where IMAPClient either fails
            # on it or leaves it unseen in its buffer.
            _, news = self._client.noop()
            if _is_news(news):
                return True
            self._client.idle()
        self._idling = True
        return False

    @property
    def idling(self) -> bool:
        """Return whether IDLE is active."""
        return self._idling

    def idle_news(self, seconds: float) -> bool:
        """Wait for an announcement, `seconds` at most; raises UnreachableError if the connection has ended."""
        began = time.monotonic()
        with self._command():
            news = self._client.idle_check(timeout=seconds)
        if any(line and line[0] == b"BYE" for line in news):
            raise UnreachableError(f"mailbox {self._account}: the server ended the session")
        if not news and time.monotonic() - began < seconds / 2:
            # idle_check hides the end of the connection and would return at once for ever.
            raise UnreachableError(f"mailbox {self._account}: the connection was closed")
        return _is_news(news)

    def end_idle(self) -> None:
        """End IDLE; raises UnreachableError for a half-open connection after the read timeout."""
        if self._idling:
            self._idling = False
            try:
                with self._command():
                    self._client.idle_done()
            except CommandRefusedError as error:
                raise UnreachableError(f"mailbox {self._account}: IDLE failed") from error

    @contextmanager
    def _command(self) -> Iterator[None]:
        """Limit a command to the time that a large mail may take.

        The read timeout does not stop a server that sends a few bytes at a time or keep-alives. After an answer that
        was not read to its end the connection is closed: the citizen's words in the rest would be parsed as the
        server's answers.
        """
        self._client.begin_answer()
        try:
            with door(self._account), watched(self._client.socket(), self._limit_seconds):
                yield
        except EndlessError:
            self.close()
            raise

    def close(self) -> None:
        """Close at once: a LOGOUT on a dead connection would wait for its answer."""
        with suppress(Exception):
            self._client.shutdown()

    def _search(self, last: int, uids: str) -> list[int]:
        with self._command():
            # "n:*" always includes the last mail, even if its UID is lower than n.
            return sorted(uid for uid in imap_client.found(self._client, uids) if uid > last)

    def _end(self, folder: Folder) -> int:
        if folder.uidnext is not None:
            return folder.uidnext
        return max(self._search(0, "*"), default=0) + 1


def _is_news(lines: Sequence[Any]) -> bool:
    return any(line[1:2] in ((b"EXISTS",), (b"RECENT",)) for line in lines)
