"""Rows: the raw record of a line of a call file; its id derives from the call."""

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO, NamedTuple

import msgspec
from msgspec import Struct

from connectors import faults
from connectors.call_files import recordings
from connectors.call_files.lines import Line, ends_with_cr, lines_from, with_line_feeds
from connectors.call_files.settings import CallFilesSettings
from connectors.message_id import digest_of
from connectors.phone.message_id import citizen, identifier
from connectors.phone.zone_check import ZoneCheck
from normalizers.phone import CSV, JSON, KINDS, READERS, cdr, sheet, zone_of
from normalizers.phone.draft import Told, sensible
from schemas.errors import MalformedError
from schemas.records import RawMessage, raw_message

CHANNEL = "phone"


class Pending(Struct, frozen=True, array_like=True):
    """A recording that was incomplete when its call was reported, and since when (Unix time)."""

    call_id: str
    revision: int
    since: float


class Row(NamedTuple):
    """The record of a line; `reference` and `pending` are set if its recording is incomplete."""

    message: RawMessage
    reference: str = ""
    pending: Pending | None = None


class Rows:
    """Builds the raw records of one account."""

    def __init__(
        self, settings: CallFilesSettings, account: str, jurisdiction: str, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._account = account
        self._jurisdiction = jurisdiction
        self._now = now
        self._platform = settings.platform or account
        self._zone = zone_of(settings.timezone)
        self._zone_check = ZoneCheck("call_files", account, self._zone)
        self._which = CSV, settings.shape

    def lined(self, file: BinaryIO) -> BinaryIO:
        """Return a file with lines that end with LF or CRLF."""
        is_odd = self._settings.shape == "calls" and ends_with_cr(file, self._settings.row_max_bytes)
        return with_line_feeds(file) if is_odd else file

    def heading(self, file: BinaryIO) -> Line:
        """Return the heading line of a file, not `whole` while unfinished; empty for a format without headings."""
        if self._settings.shape != "calls":
            return Line(b"", 0)
        return next(lines_from(file, 0, self._settings.row_max_bytes), Line(b"", 0, whole=False))

    def is_row(self, line: bytes) -> bool:
        """Return whether a line is a whole record by itself; free-text notes may hold similar lines."""
        if self._settings.shape != "asterisk":
            return False
        try:
            READERS[self._which](line, self._zone)
        except Exception:  # noqa: BLE001 - internal errors, too: the line's own turn reports them
            return False
        return True

    def message(self, line: Line, heading: Line, not_before: datetime | None = None) -> Row:
        """Return the record of a line, with its recording if that is incomplete.

        The id of a line without a call is its digest. At the time `not_before` the line was not in its file yet.
        """
        value = heading.value + b"\n" + line.value if heading.value else line.value
        return faults.or_plainly(
            CHANNEL,
            self._account,
            lambda: self._row(value, self._told(value), not_before),
            lambda: self._row(value, None, not_before),
        )

    def _told(self, value: bytes) -> Told | None:
        try:
            told = READERS[self._which](value, self._zone)
        except MalformedError:
            return None
        self._zone_check.look(told.started_at, told.extra.get("uniqueid", ""))
        return told

    def _row(self, value: bytes, told: Told | None, not_before: datetime | None) -> Row:
        now = self._now()
        look = self._look(told)
        started = sensible(told.started_at, now) if told else None
        message = raw_message(
            channel=CHANNEL,
            channel_kind=KINDS[self._which],
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=self._identifier(told, value),
            value=value,
            content_type=self._content_type(look),
            time=started or now,
            recorded=now,
            sender=citizen(told) if told else None,
            conversation=f"{self._platform}\n{told.call_id}" if told else None,
            not_before=not_before,
        )
        if told is None or look is None or look.state in recordings.FINAL:
            return Row(message)
        pending = Pending(told.call_id, told.revision, now.timestamp())
        return Row(message, told.recordings[0].reference, pending)

    def found(self, reference: str, pending: Pending) -> RawMessage | None:
        """Return a record with the state of a recording; None while it is undecided."""
        folder, now = self._settings.recordings, self._now()
        look = (
            recordings.look(folder, reference, self._settings.settle_seconds) if folder else recordings.Look("missing")
        )
        if look.state not in recordings.FINAL and now.timestamp() - pending.since < recordings.PATIENCE_SECONDS:
            return None
        value = msgspec.json.encode(
            {
                "call_id": pending.call_id,
                "revision": pending.revision,
                "recording": {"reference": reference, "state": look.state, "bytes": look.size},
            }
        )
        return raw_message(
            channel=CHANNEL,
            channel_kind=KINDS[JSON, "call"],
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=identifier(Told(call_id=pending.call_id, revision=pending.revision), self._digest(value)),
            value=value,
            content_type=f"{JSON}; shape=call; platform={self._platform}",
            time=now,
            recorded=now,
            conversation=f"{self._platform}\n{pending.call_id}",
        )

    def _identifier(self, told: Told | None, value: bytes) -> str:
        digest = self._digest(value)
        if told is None:
            return digest
        if self._settings.shape == "asterisk":
            (fields,) = sheet.lines(value, strict=True)
            return f"{told.call_id}:cdr:{cdr.key(cdr.of_fields(fields))}"
        return identifier(told, digest)

    def _look(self, told: Told | None) -> recordings.Look | None:
        folder = self._settings.recordings
        if folder is None or told is None or not told.recordings:
            return None
        return recordings.look(folder, told.recordings[0].reference, self._settings.settle_seconds)

    def _content_type(self, look: recordings.Look | None) -> str:
        named = f'{CSV}; shape={self._settings.shape}; platform={self._platform}; zone="{self._zone.key}"'
        if look is None:
            return named
        return f"{named}; recording={look.state}" + (f"; recording_bytes={look.size}" if look.size is not None else "")

    def _digest(self, value: bytes) -> str:
        return digest_of(value, self._settings.naming_key)
