"""Mailbox: one account as a pull connector; the cursor holds the UIDVALIDITY and last UID of each folder."""

import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from connectors import faults, metrics
from connectors.base import Batch, city_of, utc_now
from connectors.mailbox import retry_queue
from connectors.mailbox.errors import CommandRefusedError, NotNowError
from connectors.mailbox.fetch import Doubts, Reader
from connectors.mailbox.imap_client import Client, Connect
from connectors.mailbox.oauth import Tokens
from connectors.mailbox.post_actions import Tidying
from connectors.mailbox.raw_record import CHANNEL, Made, Records
from connectors.mailbox.retry_queue import Pace, Postponed, Waiting, waiting_in
from connectors.mailbox.session import Folder, Session
from connectors.mailbox.settings import MailboxSettings
from connectors.mailbox.uidvalidity import Epochs, mark_of
from connectors.mailbox.vanished import Gaps
from schemas.errors import PipelineError, UnauthorizedError, UnreachableError
from schemas.records import Cursor, DeadLetter, RawMessage


class Mailbox:
    """Reads the mail in the folders of one account. By default it changes nothing on the server, not even a flag."""

    channel: ClassVar[str] = CHANNEL

    def __init__(
        self,
        settings: MailboxSettings,
        account_id: str,
        connect: Connect = Client,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._account = account_id
        self._connect = connect
        self._tokens = Tokens(settings, account_id)
        self._now = now
        self._records = Records(account_id, city_of(settings.jurisdiction, account_id), now)
        self._sleep = sleep
        self._session: Session | None = None
        self._reader: Reader | None = None
        self._folders = list(settings.folders)
        self._tidying = {folder: Tidying(settings, account_id) for folder in settings.folders}
        self._doubts = {folder: Doubts() for folder in settings.folders}
        self._pace = {folder: Pace() for folder in settings.folders}
        self._new_first: set[str] = set()
        self._epochs = Epochs(account_id)
        self._gaps = Gaps(account_id)
        self._complaints: dict[str, str] = {}
        self._seen_until: dict[str, int | None] = {}
        self._resynced: set[str] = set()
        self._limits = dict.fromkeys(settings.folders, settings.max_batch_messages)
        self._watched: str | None = None
        self._taken: tuple[str, list[tuple[str, int]]] = "", []
        self._due = 0.0
        metrics.MAILS_VANISHED.labels(account_id)  # an alarm on the growth of this metric needs the initial 0

    def open(self) -> None:
        """Connect and log in; renew a refused token once and repeat the login on a new connection."""
        self.close()
        try:
            session = self._logged_in()
        except UnauthorizedError:
            if self._settings.auth == "password" or not self._tokens.renewed():
                raise
            session = self._logged_in()
        self._session, given = session, self._settings
        self._resynced.clear()
        self._epochs.connected()
        self._reader = Reader(session, max_attempts=given.max_attempts, mail_timeout_seconds=given.mail_timeout_seconds)

    def _logged_in(self) -> Session:
        return Session(self._settings, self._account, self._connect, self._tokens)

    def unreadable_folders(self) -> list[str]:
        """Return the configured folders that the server does not open; raises UnreachableError without a connection."""
        session, _ = self._ready()
        return [folder for folder in self._settings.folders if self._view(session, folder) is None]

    def fetch(self, cursor: Cursor) -> Batch:
        """Return the oldest mails after `cursor` of the first folder that has new ones; raises a RetriableError."""
        session, reader = self._ready()
        for folder in list(self._folders):
            try:
                self._count_missed(session, folder, cursor.position.get(folder))
                view = self._view(session, folder)
                if view is None:
                    continue
                batch = self._from_folder(session, reader, cursor, folder, view)
            except Exception:  # includes internal errors: the other folders continue
                self._next_turn(folder)
                raise
            if batch.messages or batch.dead_letters or batch.cursor.position != cursor.position:
                self._next_turn(folder)
                return msgspec.structs.replace(batch, complaints=self._complained(batch.cursor))
        return self._nothing_new(session, cursor)

    def without(self, batch: Batch, waiting: Collection[str]) -> Batch | None:
        """Return the last batch without the mails that the blob store refuses, or None if too many wait already."""
        folder, taken = self._taken
        late = [uid for message_id, uid in taken if message_id in waiting]
        here = retry_queue.put_off(batch.cursor.position[folder], late, self._now().timestamp())
        if here is None:
            return None
        self._pace[folder].hold(waiting_in(here))
        cursor = msgspec.structs.replace(batch.cursor, position={**batch.cursor.position, folder: here})
        rest = tuple(message for message in batch.messages if message.message_id not in waiting)
        return msgspec.structs.replace(batch, messages=rest, cursor=cursor, complaints=self._complained(cursor))

    def wait(self, seconds: float) -> bool:
        """Wait for an announcement if the server supports IDLE, else for the next poll."""
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
        """Close the connection."""
        session, self._session, self._reader = self._session, None, None
        if session is not None:
            session.close()

    def _ready(self) -> tuple[Session, Reader]:
        if self._session is None or self._reader is None:
            raise UnreachableError(f"mailbox {self._account}: not connected")
        self._session.end_idle()
        return self._session, self._reader

    def _view(self, session: Session, folder: str) -> Folder | None:
        """Open a folder; if the server refuses, set a complaint and return None, and the other folders continue."""
        try:
            view = session.examine(folder)
        except (CommandRefusedError, NotNowError):
            self._complaints[folder] = f"mailbox {self._account}: folder {folder!r} cannot be opened; see folders"
            return None
        self._complaints.pop(folder, None)
        self._seen_until[folder] = view.modseq
        return view

    def _count_missed(self, session: Session, folder: str, known: dict[str, Any] | None) -> None:
        """Count, once per connection, the mails that came and were deleted while this connector was not connected."""
        if folder in self._resynced:
            return
        self._resynced.add(folder)
        modseq = self._seen_until.get(folder) or (known or {}).get("modseq")
        if known and modseq:
            last = int(known["uid"])
            self._gaps.ask(folder, lambda: session.missed(folder, int(known["uidvalidity"]), int(modseq), last))

    def _from_folder(self, session: Session, reader: Reader, cursor: Cursor, folder: str, view: Folder) -> Batch:
        known = cursor.position.get(folder)
        valid = self._epochs.holds(folder, view, known, session.received)
        if known is not None and not valid:
            self._doubts[folder], self._pace[folder] = Doubts(), Pace()
        if known is not None and valid:
            self._tidy(session, folder, view, known)
            if folder not in self._new_first and (batch := self._again(reader, cursor, folder, view, known)):
                self._new_first.add(folder)
                return batch
        last = int(known["uid"]) if known is not None and valid else 0
        uids = session.uids_after(last, view)[: self._limits[folder]]
        if uids:
            self._new_first.discard(folder)
            return self._read(reader, cursor, folder, view, uids, known if known and valid else {})
        if known is not None and valid and (batch := self._again(reader, cursor, folder, view, known)):
            return batch
        return Batch(cursor=cursor if valid or known is None else retry_queue.moved(cursor, folder, view, 0, {}, {}))

    def _tidy(self, session: Session, folder: str, view: Folder, known: dict[str, Any]) -> None:
        """Flag or move the mails of the saved cursor, which are safe, unless their UIDs may belong to other mails."""
        if not self._epochs.doubts(folder):
            self._tidying[folder].tidy(session, view, known)

    def _read(
        self, reader: Reader, cursor: Cursor, folder: str, view: Folder, uids: list[int], known: dict[str, Any]
    ) -> Batch:
        made: list[Made] = []
        mark, postponed = known.get("mark"), waiting_in(known)
        done, size = 0, 0
        try:
            for mail in reader.read(uids, self._doubts[folder]):
                if mail.refusal:
                    self._postpone(folder, mail.uid, mail.refusal, postponed)
                else:
                    made.append((mail.uid, self._records.record(mail, folder, view)))
                done, size, mark = mail.uid, size + len(mail.value), mark_of(mail) or mark
                if size >= self._settings.max_batch_bytes:
                    break
            else:
                done = uids[-1]
            self._limits[folder] = self._settings.max_batch_messages
        except Exception as error:  # noqa: BLE001 - internal errors, too: earlier mails continue
            # Read fewer mails next time, down to the single mail that may cause the error; then postpone that one.
            self._limits[folder] = max(1, len(uids) // 8)
            if not done:
                self._give_way(folder, uids, error, postponed)
                done = uids[0]
        metrics.MAILS_VANISHED.labels(self._account).inc(reader.take_vanished())
        self._doubts[folder].settle(done)
        known = {**known, "mark": mark, "steps": self._gaps.judged(folder, view, known, uids, done)}
        return self._batch(cursor, folder, view, known, made, done, postponed)

    def _postpone(self, folder: str, uid: int, why: Exception, postponed: dict[int, Postponed]) -> None:
        if retry_queue.is_full(postponed):
            raise why
        self._pace[folder].asked(uid, 0)
        postponed[uid] = Postponed(self._now().timestamp(), ours=not isinstance(why, PipelineError))

    def _give_way(self, folder: str, uids: list[int], fault: Exception, postponed: dict[int, Postponed]) -> None:
        """Postpone a single mail after enough internal errors; otherwise raise the error."""
        is_ours = len(uids) == 1 and not isinstance(fault, PipelineError)
        if not is_ours or self._doubts[folder].fault(uids[0]) < self._settings.max_attempts:
            raise fault
        self._postpone(folder, uids[0], fault, postponed)
        faults.told(CHANNEL, self._account, fault)
        self._limits[folder] = self._settings.max_batch_messages

    def _again(self, reader: Reader, cursor: Cursor, folder: str, view: Folder, known: dict[str, Any]) -> Batch | None:
        """Read a postponed mail that is due, if any; alternates with new mail, because hundreds may wait."""
        postponed, pace = waiting_in(known), self._pace[folder]
        if (uid := pace.due(postponed)) is None:
            return None
        pace.asked(uid, postponed[uid].tries)
        before, made = postponed.pop(uid), []
        try:
            mail = reader.again(uid)
            if mail is not None and mail.refusal:
                mail = before.once_more().judged(mail, self._now().timestamp())
            if mail is None or not mail.refusal:
                made = [(uid, self._records.record(mail, folder, view))] if mail else []
            else:
                postponed[uid] = before.once_more()
        except PipelineError:
            raise
        except Exception as error:  # noqa: BLE001 - another internal error
            faults.told(CHANNEL, self._account, error)
            postponed[uid] = before.once_more(ours=True)
        metrics.MAILS_VANISHED.labels(self._account).inc(reader.take_vanished())
        pace.settled(postponed)
        return self._batch(cursor, folder, view, known, made, int(known["uid"]), postponed)

    def _batch(
        self,
        cursor: Cursor,
        folder: str,
        view: Folder,
        known: dict[str, Any],
        made: list[Made],
        done: int,
        postponed: Waiting,
    ) -> Batch:
        came = [(uid, one) for uid, one in made if isinstance(one, RawMessage)]
        failed = [(uid, one) for uid, one in made if isinstance(one, DeadLetter)]
        to_do = self._tidying[folder].to_do(known, (uid for uid, _ in came), (uid for uid, _ in failed))
        self._taken = folder, [(message.message_id, uid) for uid, message in came]
        return Batch(
            messages=tuple(message for _, message in came),
            dead_letters=tuple(letter for _, letter in failed),
            cursor=retry_queue.moved(cursor, folder, view, done, to_do, postponed, known),
        )

    def _nothing_new(self, session: Session, cursor: Cursor) -> Batch:
        complaints = self._complained(cursor)
        if len(self._complaints) == len(self._folders):
            raise UnreachableError(complaints[0])
        self._watched = self._settings.folders[0] if session.can_idle and not self._complaints else None
        renewed = self._watched is not None and len(self._folders) == 1
        self._due = time.monotonic() + (self._settings.idle_renew_seconds if renewed else self._settings.poll_seconds)
        return Batch(cursor=cursor, complaints=complaints)

    def _complained(self, cursor: Cursor) -> tuple[str, ...]:
        untidy = [each.complaint for each in self._tidying.values() if each.complaint]
        waiting = {folder: waiting_in(cursor.position.get(folder, {})) for folder in self._settings.folders}
        metrics.MAILS_POSTPONED.labels(self._account).set(sum(map(len, waiting.values())))
        late = (
            told for folder, mails in waiting.items() for told in retry_queue.complaints(self._account, folder, mails)
        )
        return (*self._complaints.values(), *dict.fromkeys(untidy), *late)

    def _next_turn(self, folder: str) -> None:
        """Move a folder behind the others after its turn, so that a full folder does not delay them."""
        self._folders.remove(folder)
        self._folders.append(folder)
