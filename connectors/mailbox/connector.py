"""Mailbox: one account as a pull connector; its cursor is the last UID of each folder with the folder's UIDVALIDITY."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
from imapclient import IMAPClient

from connectors import metrics
from connectors.base import Batch
from connectors.mailbox.door import CommandRefusedError, NotNowError
from connectors.mailbox.doubts import Doubts
from connectors.mailbox.login import Connect
from connectors.mailbox.reader import Mail, Reader
from connectors.mailbox.session import Folder, Session
from connectors.mailbox.settings import MailboxSettings
from connectors.mailbox.tidying import Tidying
from connectors.mailbox.tokens import Tokens
from connectors.publisher import STAGE
from schemas import topics
from schemas.errors import MisconfiguredError, RecordError, RetriableError, UnauthorizedError, UnreachableError
from schemas.records import Cursor, DeadLetter, RawMessage, raw_message
from schemas.wire import Position

_FIRST = datetime(1980, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
"""Mail that was received before IMAP was, or a day ahead of us, has its time by a fault of the server."""


class Mailbox:
    """Mail in the folders of one account. Unless it is told to, it changes nothing there, not even a flag."""

    channel: ClassVar[str] = "mailbox"

    def __init__(
        self,
        settings: MailboxSettings,
        account_id: str,
        connect: Connect = IMAPClient,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if settings.jurisdiction is None:
            raise MisconfiguredError(f"the mailbox {account_id} has no jurisdiction: set its 行政区划代码")
        self._settings = settings
        self._account = account_id
        self._jurisdiction = settings.jurisdiction
        self._connect = connect
        self._tokens = Tokens(settings, account_id)
        self._now = now
        self._sleep = sleep
        self._session: Session | None = None
        self._reader: Reader | None = None
        self._folders = list(settings.folders)
        self._tidying = {folder: Tidying(settings, account_id) for folder in settings.folders}
        self._doubts = {folder: Doubts() for folder in settings.folders}
        self._complaints: dict[str, str] = {}
        self._seen_until: dict[str, int | None] = {}
        self._resynced: set[str] = set()
        self._limit = settings.max_batch_messages
        self._watched: str | None = None
        self._due = 0.0

    def open(self) -> None:
        """Connect and log in; a refused token is renewed once, and tried once more on a connection of its own."""
        self.close()
        try:
            session = self._logged_in()
        except UnauthorizedError:
            if self._settings.auth == "password" or not self._tokens.renewed():
                raise
            session = self._logged_in()
        self._session = session
        self._resynced.clear()
        self._reader = Reader(
            session,
            max_attempts=self._settings.max_attempts,
            mail_timeout_seconds=self._settings.mail_timeout_seconds,
        )

    def _logged_in(self) -> Session:
        return Session(self._settings, self._account, self._connect, self._tokens)

    def unreadable_folders(self) -> list[str]:
        """Return those of our folders that the server does not open."""
        session, _ = self._ready()
        return [folder for folder in self._settings.folders if self._view(session, folder) is None]

    def fetch(self, cursor: Cursor) -> Batch:
        """Return the oldest mails after `cursor` of the first folder that has any."""
        session, reader = self._ready()
        for folder in list(self._folders):
            self._count_missed(session, folder, cursor.position.get(folder))
            view = self._view(session, folder)
            if view is None:
                continue
            try:
                batch = self._from_folder(session, reader, cursor, folder, view)
            except RetriableError:
                self._next_turn(folder)
                raise
            if batch.cursor.position != cursor.position:
                self._next_turn(folder)
                return msgspec.structs.replace(batch, complaints=self._complained())
        return self._nothing_new(session, cursor)

    def wait(self, seconds: float) -> bool:
        """Wait for an announcement by the server where it makes them, else for the next time to ask."""
        session, left = self._session, self._due - time.monotonic()
        if session is None or left <= 0:
            return True
        if self._watched is None:
            self._sleep(min(seconds, left))
            return left <= seconds
        if not session.idling and session.begin_idle(self._watched):
            return True
        return session.idle_news(min(seconds, left))

    def close(self) -> None:
        """Let go of the connection."""
        session, self._session, self._reader = self._session, None, None
        if session is not None:
            session.close()

    def _ready(self) -> tuple[Session, Reader]:
        if self._session is None or self._reader is None:
            raise UnreachableError(f"mailbox {self._account}: not connected")
        self._session.end_idle()
        return self._session, self._reader

    def _view(self, session: Session, folder: str) -> Folder | None:
        """Open a folder; one that cannot be opened is a complaint, and the others go on."""
        try:
            view = session.examine(folder)
        except (CommandRefusedError, NotNowError):
            self._complaints[folder] = f"mailbox {self._account}: folder {folder!r} cannot be opened; see folders"
            return None
        self._complaints.pop(folder, None)
        self._seen_until[folder] = view.modseq
        return view

    def _count_missed(self, session: Session, folder: str, known: dict[str, Any] | None) -> None:
        """Once in a connection: mails that came and were deleted while there was none."""
        if folder in self._resynced:
            return
        self._resynced.add(folder)
        modseq = self._seen_until.get(folder) or (known or {}).get("modseq")
        if known and modseq:
            with suppress(CommandRefusedError, NotNowError):
                gone = session.missed(folder, int(known["uidvalidity"]), int(modseq), int(known["uid"]))
                metrics.MAILS_VANISHED.labels(self._account).inc(gone)

    def _from_folder(self, session: Session, reader: Reader, cursor: Cursor, folder: str, view: Folder) -> Batch:
        known = cursor.position.get(folder)
        valid = known is not None and known["uidvalidity"] == view.uidvalidity
        if known is not None and not valid:
            # UIDs begin anew: everything is read again, and what was known is recognised by its bytes.
            metrics.MAILBOX_RESCANS.labels(self._account).inc()
            self._doubts[folder] = Doubts()
        if known is not None and valid:
            self._tidy(session, folder, view, known)
        last = int(known["uid"]) if known is not None and valid else 0
        uids = session.uids_after(last, view)[: self._limit]
        if not uids:
            return Batch(cursor=cursor if valid or known is None else _moved(cursor, folder, view, 0, {}))
        return self._read(reader, cursor, folder, view, uids, known if known and valid else {})

    def _tidy(self, session: Session, folder: str, view: Folder, known: dict[str, Any]) -> None:
        """Flag or move what the saved cursor names: it is safe."""
        self._tidying[folder].tidy(session, view, known)

    def _read(
        self, reader: Reader, cursor: Cursor, folder: str, view: Folder, uids: list[int], known: dict[str, Any]
    ) -> Batch:
        messages: list[RawMessage] = []
        letters: list[DeadLetter] = []
        came: list[int] = []
        failed: list[int] = []
        done, size = 0, 0
        try:
            for mail in reader.read(uids, self._doubts[folder]):
                if mail.fault:
                    letters.append(self._letter(mail, mail.fault, folder, view))
                    failed.append(mail.uid)
                else:
                    messages.append(self._message(mail))
                    came.append(mail.uid)
                done, size = mail.uid, size + len(mail.value)
                if size >= self._settings.max_batch_bytes:
                    break
            else:
                done = uids[-1]
            self._limit = self._settings.max_batch_messages
        except RetriableError:
            # Fewer next time, down to the one mail that may be at fault.
            self._limit = max(1, len(uids) // 8)
            if not done:
                raise
        metrics.MAILS_VANISHED.labels(self._account).inc(reader.take_vanished())
        self._doubts[folder].settle(done)
        to_do = self._tidying[folder].to_do(known, came, failed)
        cursor = _moved(cursor, folder, view, done, to_do)
        return Batch(messages=tuple(messages), dead_letters=tuple(letters), cursor=cursor)

    def _nothing_new(self, session: Session, cursor: Cursor) -> Batch:
        complaints = self._complained()
        if len(self._complaints) == len(self._folders):
            raise UnreachableError(complaints[0])
        self._watched = self._settings.folders[0] if session.can_idle and not self._complaints else None
        renewed = self._watched is not None and len(self._folders) == 1
        self._due = time.monotonic() + (self._settings.idle_renew_seconds if renewed else self._settings.poll_seconds)
        return Batch(cursor=cursor, complaints=complaints)

    def _complained(self) -> tuple[str, ...]:
        untidy = [each.complaint for each in self._tidying.values() if each.complaint]
        return (*self._complaints.values(), *dict.fromkeys(untidy))

    def _next_turn(self, folder: str) -> None:
        """Put a folder that had its turn behind the others, so that a full one does not keep them waiting."""
        self._folders.remove(folder)
        self._folders.append(folder)

    def _message(self, mail: Mail) -> RawMessage:
        now = self._now()
        return raw_message(
            channel=self.channel,
            channel_kind=self.channel,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=hashlib.sha256(mail.value).hexdigest(),
            value=mail.value,
            content_type="message/rfc822",
            time=_sensible(mail.about.received, now) or now,
            recorded=now,
            sender=mail.about.sender,
        )

    def _letter(self, mail: Mail, fault: RecordError, folder: str, view: Folder) -> DeadLetter:
        unnamed = self._message(mail)
        envelope = msgspec.structs.replace(
            unnamed.envelope,
            id=f"{folder}:{view.uidvalidity}:{mail.uid}",  # the digest of bytes that nobody has
            datacontenttype="text/rfc822-headers",
        )
        record = msgspec.structs.replace(unnamed, envelope=envelope).outbound()
        return DeadLetter.of(
            fault,
            stage=STAGE,
            position=Position(topics.raw(self.channel), -1, -1),
            key=record.key,
            value=record.value,
            headers=record.headers,
        )


def _sensible(at: datetime | None, now: datetime) -> datetime | None:
    """Return a time at which a mail can have come."""
    return at if at is not None and _FIRST <= at <= now + _AHEAD else None


def _moved(cursor: Cursor, folder: str, view: Folder, uid: int, to_do: dict[str, str]) -> Cursor:
    here: dict[str, Any] = {"uidvalidity": view.uidvalidity, "uid": uid}
    if view.modseq is not None:
        here["modseq"] = view.modseq
    position = {**cursor.position, folder: here | ({"to_do": to_do} if to_do else {})}
    return msgspec.structs.replace(cursor, position=position)
