"""Reads mails by UID with bounded memory: small ones in groups, large ones in parts; reported sizes are not trusted."""

import io
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO

from msgspec import Struct

from connectors.mailbox.errors import CommandRefusedError, EndlessError, NotNowError
from connectors.mailbox.fetch_items import About
from connectors.mailbox.session import Session
from schemas.errors import (
    MalformedError,
    RecordError,
    RetriableError,
    ThrottledError,
    TooLargeError,
    UnreachableError,
)
from schemas.records.raw import SIZE_LIMIT

# Doubts: decide whether one mail cannot be fetched or the server returns no mail at all.


class Doubts:
    """Failed fetches of the mails of one folder; kept across sessions.

    A failure counts against a mail only if another mail, its witness, was fetched just before in the same session. If
    the server returns neither, the server is at fault, for however long, and no mail is given up.
    """

    def __init__(self) -> None:
        self._failures: Counter[int] = Counter()
        self._faults: Counter[int] = Counter()
        self._endless: set[int] = set()
        self._witness: int | None = None
        self._silent: set[int] = set()

    def __contains__(self, uid: int) -> bool:
        return uid in self._failures

    def failures(self, uid: int) -> int:
        """Return how often the fetch of the mail failed after its witness was fetched."""
        return self._failures[uid]

    def note(self, uid: int, *, witnessed: bool) -> None:
        """Record a failed fetch of the mail."""
        self._failures[uid] += witnessed

    def fault(self, uid: int) -> int:
        """Count an internal error for the mail, also without a witness; return the count."""
        self._faults[uid] += 1
        return self._faults[uid]

    def endless(self, uid: int) -> bool:
        """Record that a mail exceeds the size limit; return False if that was known."""
        was_known = uid in self._endless
        self._endless.add(uid)
        return not was_known

    def is_endless(self, uid: int) -> bool:
        """Return whether a mail is known to exceed the size limit."""
        return uid in self._endless

    def witness(self, others: Sequence[int]) -> int | None:
        """Choose one of the other mails: the last witness that was fetched, else the first that has not failed yet."""
        if self._witness in others:
            return self._witness
        if self._silent.issuperset(others):
            self._silent.clear()
        return next((uid for uid in others if uid not in self._silent), None)

    def came(self, witness: int) -> None:
        """Record that the witness was fetched."""
        self._witness = witness
        self._silent.clear()

    def stayed_away(self, witness: int) -> None:
        """Record that the witness failed as well, and reset the failure counts: the server may have caused them."""
        self._witness = None
        self._silent.add(witness)
        self._failures = Counter(dict.fromkeys(self._failures, 0))

    def settle(self, uid: int) -> None:
        """Forget the mails up to `uid`, which were fetched or given up."""
        self._failures = Counter({other: times for other, times in self._failures.items() if other > uid})
        self._faults = Counter({other: times for other, times in self._faults.items() if other > uid})
        self._endless = {other for other in self._endless if other > uid}


PART = 1 << 20
"""Bytes of one partial fetch; mails up to this size are fetched whole."""

GROUP_BYTES = 4 << 20
GROUP_MAILS = 50

_HEADERS = 64 * 1024

NOTHING = About(None, 0, None)


class Mail(Struct, frozen=True, kw_only=True):
    """One mail: its bytes, or the fault that prevents the fetch (`value` then holds known header lines).

    `refusal` is a temporary refusal by the server that concerns this mail alone.
    """

    uid: int
    about: About
    value: bytes = b""
    fault: RecordError | None = None
    refusal: RetriableError | None = None


class OversizeError(TooLargeError):
    """A mail over the limit; `header` is its header section, by which a clerk finds and answers the mail."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(f"a mail over {SIZE_LIMIT >> 20} MiB; answer it from the mailbox")
        self.header = beginning[:_HEADERS].partition(b"\r\n\r\n")[0]


class Reader:
    """Reads mails from one session; a mail that fails `max_attempts` times while others come no longer delays them."""

    def __init__(self, session: Session, *, max_attempts: int, mail_timeout_seconds: float) -> None:
        self._session = session
        self._max_attempts = max_attempts
        self._mail_timeout_seconds = mail_timeout_seconds
        self._sizes_trusted = False
        self._parts_work = True
        self._vanished = 0
        self._witnessed: int | None = None

    def take_vanished(self) -> int:
        """Return the number of mails found deleted since the last call."""
        vanished, self._vanished = self._vanished, 0
        return vanished

    def read(self, uids: Sequence[int], doubts: Doubts) -> Iterator[Mail]:
        """Yield the mails in this order; skip and count those that were deleted meanwhile.

        The first failure ends the iteration: it raises a RetriableError and keeps the mail in `doubts` until the mail
        is fetched or given up.
        """
        self._witnessed = uids[0] if uids[0] in doubts and self._has_witness(uids[0], doubts) else None
        about = self._about(uids, doubts)
        position = 0
        while position < len(uids):
            group = self._group(uids[position:], about, doubts)
            position += len(group)
            yield from self._read_group(group, about, doubts)

    def again(self, uid: int) -> Mail | None:
        """Read a postponed mail; return None if it was deleted. Raises an error if the witness fails as well."""
        doubts = Doubts()
        doubts.note(uid, witnessed=False)
        try:
            return next(self.read([uid], doubts), None)
        except RetriableError as error:
            if not doubts.failures(uid):
                raise
            return Mail(uid=uid, about=NOTHING, refusal=error)

    def _has_witness(self, uid: int, doubts: Doubts) -> bool:
        """Fetch another mail before the doubtful one; raises an error if that fails as well."""
        other = doubts.witness(self._session.others(uid))
        if other is None:
            return False
        try:
            came = self._comes(other)
        except RetriableError as error:
            doubts.stayed_away(other)
            if isinstance(error, CommandRefusedError):
                raise UnreachableError(f"the server returns neither mail UID {uid} nor UID {other}") from error
            raise
        (doubts.came if came else doubts.stayed_away)(other)
        return came

    def _comes(self, uid: int) -> bool:
        with suppress(CommandRefusedError):  # a server without partial FETCH refuses
            if self._session.part(uid, 0, PART):
                return True
        return bool(self._session.bodies([uid]).get(uid))

    def _about(self, uids: Sequence[int], doubts: Doubts) -> dict[int, About]:
        if doubts.failures(uids[0]) >= max(1, self._max_attempts - 1):
            return {}  # last attempt: the request for the description itself may break the connection
        try:
            return self._described(uids)
        except RetriableError:
            if len(uids) == 1:
                self._blame(uids[0], doubts)
            raise

    def _described(self, uids: Sequence[int]) -> dict[int, About]:
        try:
            return self._session.about(uids)
        except CommandRefusedError:  # one mail cannot be described: describe each separately
            return dict(self._about_each(uids))

    def _about_each(self, uids: Sequence[int]) -> Iterator[tuple[int, About]]:
        for uid in uids:
            with suppress(CommandRefusedError):
                yield from self._session.about([uid]).items()

    def _group(self, uids: Sequence[int], about: Mapping[int, About], doubts: Doubts) -> Sequence[int]:
        """Return the mails of the next fetch: a single one until the sizes that the server reports proved right."""
        if not self._sizes_trusted or uids[0] in doubts:
            return uids[:1]
        total = 0
        for number, uid in enumerate(uids[:GROUP_MAILS]):
            size = about.get(uid, NOTHING).size
            total += size
            if size > PART or total > GROUP_BYTES:
                return uids[: max(number, 1)]
        return uids[:GROUP_MAILS]

    def _read_group(self, uids: Sequence[int], about: Mapping[int, About], doubts: Doubts) -> Iterator[Mail]:
        bodies = self._bodies(uids) if len(uids) > 1 else {}
        for uid in uids:
            said = about.get(uid, NOTHING)
            mail = self._read_one(uid, said, bodies.pop(uid, None), doubts)
            if mail is None:
                self._vanished += 1
                continue
            if not mail.fault and not mail.refusal:
                self._judge_size(said, len(mail.value))
            yield mail

    def _bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        try:
            return self._session.bodies(uids)
        except CommandRefusedError:  # one mail cannot be fetched: fetch each separately
            return {}

    def _read_one(self, uid: int, about: About, value: bytes | None, doubts: Doubts) -> Mail | None:
        try:
            if doubts.is_endless(uid):
                raise OversizeError(self._session.header(uid))
            value = value or self._value(uid, about)
        except OversizeError as error:
            return Mail(uid=uid, about=about, value=error.header, fault=error)
        except RetriableError as error:
            # After an endless answer, the next connection asks for the header of the mail only.
            is_new = isinstance(error, EndlessError) and doubts.endless(uid)
            self._blame(uid, doubts)
            if is_new or doubts.failures(uid) < self._max_attempts:
                raise
            if isinstance(error, (ThrottledError, NotNowError)):
                return Mail(uid=uid, about=about, refusal=error)
            cause = type(error.__cause__ or error).__name__
            fault = MalformedError(f"the server does not return mail UID {uid} ({cause}); check it in the mailbox")
            return Mail(uid=uid, about=about, fault=fault)
        return None if value is None else Mail(uid=uid, about=about, value=value)

    def _blame(self, uid: int, doubts: Doubts) -> None:
        """Count a failure: one mail must not block all later ones for ever."""
        doubts.note(uid, witnessed=uid == self._witnessed)

    def _value(self, uid: int, about: About) -> bytes | None:
        small = self._sizes_trusted and about.size <= PART
        value = self._in_parts(uid, about) if self._parts_work and not small else self._whole(uid)
        if value is None and not self._session.has(uid):
            return None
        if not value and (value is None or about is NOTHING or about.size):
            raise CommandRefusedError(f"the server has mail UID {uid} and does not hand it out")
        return value

    def _whole(self, uid: int) -> bytes | None:
        value = self._session.bodies([uid]).get(uid)
        if value is not None and len(value) > SIZE_LIMIT:
            raise OversizeError(value)
        return value

    def _in_parts(self, uid: int, about: About) -> bytes | None:
        try:
            first = self._session.part(uid, 0, PART)
        except CommandRefusedError:
            value = self._whole(uid)
            self._parts_work = False  # the server does not support partial FETCH: GreenMail's answer cannot be parsed
            return value
        if first is None or _is_last(first, len(first), about):
            return first
        try:
            with tempfile.TemporaryFile() as spool:
                return self._spooled(uid, about, first, spool)
        except OSError:  # the disk is full; faults of the server raise errors of the pipeline instead
            return self._spooled(uid, about, first, io.BytesIO())

    def _spooled(self, uid: int, about: About, first: bytes, spool: IO[bytes]) -> bytes | None:
        if not self._spool(uid, about, first, spool):
            return None
        spool.seek(0)
        value = spool.read()
        return self._checked(uid, value) if _falls_short(value, about) else value

    def _checked(self, uid: int, value: bytes) -> bytes:
        """Fetch the whole mail as well, because the server seems to return only the first parts."""
        with suppress(CommandRefusedError):
            return max(value, self._whole(uid) or b"", key=len)
        return value

    def _spool(self, uid: int, about: About, first: bytes, spool: IO[bytes]) -> bool:
        """Write the mail into `spool`, so that memory never holds the parts and the whole at once."""
        end = time.monotonic() + self._mail_timeout_seconds
        part, size = first, spool.write(first)
        while not _is_last(part, size, about):
            if time.monotonic() > end:
                raise UnreachableError(f"mail UID {uid} took too long: check mail_timeout_seconds")
            following = self._session.part(uid, size, PART)
            if following is None and not self._session.has(uid):
                return False  # deleted during the fetch: discard the first half
            part = following or b""
            size += spool.write(part)
            if size > SIZE_LIMIT:
                raise OversizeError(first)
        return True

    def _judge_size(self, about: About, size: int) -> None:
        self._sizes_trusted = abs(about.size - size) <= _tolerance(size)


def _is_last(part: bytes, size: int, about: About) -> bool:
    """Return whether a part ends its mail: it is empty, or short with at least the reported size read."""
    return not part or (len(part) < PART and size >= about.size)


def _falls_short(value: bytes, about: About) -> bool:
    """Return whether the last part was full and the total is far below the reported size, as in a truncated mail."""
    return len(value) % PART == 0 and about.size - len(value) > _tolerance(len(value))


def _tolerance(size: int) -> int:
    return max(size // 10, 1024)
