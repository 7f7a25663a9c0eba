"""Call files: reads the lines of the files in one folder, oldest file first; the cursor holds each file's offset.

A file is identified by its inode, so reading continues after a rotation, and by the bytes before its offset, so a
replaced or truncated file is read from its beginning. The id of a line derives from its content: a line that is read
twice is the same message.
"""

import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice, takewhile
from operator import attrgetter
from typing import Any, BinaryIO, ClassVar, NamedTuple

import msgspec
from msgspec.structs import replace

from connectors import faults, metrics
from connectors.base import Batch, city_of, utc_now
from connectors.call_files import file_position
from connectors.call_files import folder as folders
from connectors.call_files.file_position import Ends, Finished, Marks, Place, Position, digest_of
from connectors.call_files.folder import Entry
from connectors.call_files.lines import Line, lines_from
from connectors.call_files.rows import Pending, Rows
from connectors.call_files.settings import CallFilesSettings
from schemas.errors import PipelineError, UnreachableError
from schemas.records import Cursor, RawMessage

SETTLED_END_SECONDS = 60.0
"""Seconds without a change after which a last line without a line break is taken: many programs write none."""


class _Piece(NamedTuple):
    """Result of reading a file; `rest` is True if its last line has no end yet."""

    messages: tuple[RawMessage, ...]
    place: Place
    pending: dict[str, Pending]
    rest: bool


class CallFiles:
    """Reads a folder; changes nothing in it."""

    channel: ClassVar[str] = "phone"

    def __init__(
        self,
        settings: CallFilesSettings,
        account_id: str,
        now: Callable[[], datetime] = utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._account = account_id
        self._rows = Rows(settings, account_id, city_of(settings.jurisdiction, account_id), now)
        self._clock = clock
        self._open = False
        self._due = 0.0
        self._still: dict[int, tuple[Entry, float]] = {}
        self._gone: set[int] = set()
        self._finished = Finished()
        self._marks = Marks(growing=settings.growing)
        self._ends = Ends(growing=settings.growing)
        self._now = now

    def open(self) -> None:
        """Check that the folder exists."""
        folders.listed(self._settings.folder, self._settings.pattern)
        self._open = True
        self._due = 0.0

    def fetch(self, cursor: Cursor) -> Batch:
        """Return the next lines of the oldest file that has any; otherwise the states of recordings.

        Raises MisconfiguredError or UnreachableError for an unreadable folder, and UnreachableError before `open`.
        """
        if not self._open:
            raise UnreachableError(f"call files {self._account}: not opened")
        position = msgspec.convert(cursor.position, Position)
        looked = self._now()
        entries = folders.listed(self._settings.folder, self._settings.pattern, set(map(int, position.files)))
        self._watch(entries, position)
        self._ends.keep(entries)
        self._finished.look(entries, position)
        complaints = self._of_folder(entries)
        for entry in entries:
            piece = self._news(entry, position.files.get(str(entry.inode), Place()), complaints)
            if entry in self._finished:
                self._ends.reach(entry, looked)
            if piece is not None:
                after = self._after(position, entries, entry, piece)
                return Batch(
                    messages=piece.messages, cursor=_moved(cursor, after), complaints=tuple(dict.fromkeys(complaints))
                )
        return replace(self._recordings(cursor, position), complaints=tuple(dict.fromkeys(complaints)))

    def wait(self, seconds: float) -> bool:
        """Wait until the next poll."""
        left = self._due - self._clock()
        if left <= 0:
            return True
        time.sleep(min(seconds, left))
        return left <= seconds

    def close(self) -> None:
        """Reset the state; no file is open."""
        self._open = False
        self._still.clear()

    def _recordings(self, cursor: Cursor, position: Position) -> Batch:
        self._due = self._clock() + self._settings.poll_seconds
        found = {reference: self._rows.found(reference, one) for reference, one in position.recordings.items()}
        messages = tuple(message for message in found.values() if message is not None)
        if not messages:
            return Batch(cursor=cursor)
        left = {reference: one for reference, one in position.recordings.items() if found[reference] is None}
        return Batch(messages=messages, cursor=_moved(cursor, replace(position, recordings=left)))

    def _of_folder(self, entries: list[Entry]) -> list[str]:
        told, most = [], file_position.PLACES_MOST
        if len(entries) > most:
            told.append(f"more than {most} files lie in the folder; delete or move old ones")
        if gone := len(self._gone):
            told.append(
                f"{gone} files went away before they were read to their end: leave them longer, and deliver those again"
            )
        return [f"call files {self._account}: {sentence}" for sentence in told]

    def _after(self, position: Position, entries: list[Entry], entry: Entry, piece: _Piece) -> Position:
        files = {**position.files, str(entry.inode): piece.place}
        pending = file_position.newest({**position.recordings, **piece.pending})
        return self._finished.slimmed(replace(position, files=files, recordings=pending), entries)

    def _watch(self, entries: list[Entry], position: Position) -> None:
        """Record lost files, and since when each file is unchanged, by the local clock: uploads may set its time."""
        now, known = self._clock(), self._still
        unread = {inode for inode, (entry, _) in known.items() if not self._is_read(entry, position)}
        self._gone = (self._gone | unread) - {one.inode for one in entries}
        self._still = {
            one.inode: known[one.inode] if one.inode in known and known[one.inode][0] == one else (one, now)
            for one in entries
        }

    def _is_read(self, entry: Entry, position: Position) -> bool:
        return entry in self._finished or position.files.get(str(entry.inode), Place()).offset >= entry.size

    def _still_for(self, entry: Entry) -> float:
        return self._clock() - self._still[entry.inode][1]

    def _is_ready(self, entry: Entry) -> bool:
        return self._settings.growing or self._still_for(entry) >= self._settings.settle_seconds

    def _news(self, entry: Entry, place: Place, complaints: list[str]) -> _Piece | None:
        """Return the news of a file, or None without any."""
        if entry in self._finished or not self._is_ready(entry):
            return None
        piece = self._read(entry, place, complaints)
        if piece is None or piece.messages or piece.place != place:
            return piece
        if not piece.rest:
            self._finished.add(entry)
        return None

    def _read(self, entry: Entry, place: Place, complaints: list[str]) -> _Piece | None:
        """Return the next lines of a file; None if it has no heading yet or cannot be read: the others continue."""
        try:
            return self._opened(entry, place)
        except UnreachableError as error:
            complaints.append(f"call files {self._account}: {error}")
        except PipelineError:
            raise
        except Exception as error:  # noqa: BLE001 - an internal error over one file: the others continue
            faults.told(self.channel, self._account, error)
            complaints.append(f"call files {self._account}: a fault of ours keeps a file waiting: tell the developers")
        return None

    def _opened(self, entry: Entry, place: Place) -> _Piece | None:
        with folders.opened(self._settings.folder, entry.name) as found:
            file = self._rows.lined(found)
            if entry.size < place.offset or not self._marks.fit(file, entry, place):
                if not entry.fits:  # another file, which reuses the inode
                    return _Piece((), place, {}, rest=False)
                metrics.CALL_FILES_RESTARTED.labels(self._account).inc()
                self._ends.forget(entry)
                place = Place()
            if not entry.size:
                return _Piece((), place, {}, rest=False)
            ended, heading = self._still_for(entry) >= SETTLED_END_SECONDS, self._rows.heading(file)
            if not heading.whole and ended:
                raise UnreachableError("a call file has no complete heading line: check its line ends")
            if not heading.whole:
                return None
            begin, limit = max(place.offset, heading.end), self._settings.row_max_bytes
            reading = lines_from(file, begin, limit, ended=ended, is_row=self._rows.is_row)
            lines = list(islice(reading, self._settings.max_batch_rows))
            sure = list(takewhile(attrgetter("whole"), lines))
            if len(sure) == len(lines):
                return self._piece(file, entry, sure, [], heading, place)
            # An open quotation mark may hold back only a limited part: `row_max_bytes`.
            unsure = [*lines[len(sure) :], *reading] if ended else []
            return self._piece(file, entry, sure, unsure, heading, place)._replace(rest=not ended)

    def _piece(
        self, file: BinaryIO, entry: Entry, sure: list[Line], unsure: list[Line], heading: Line, place: Place
    ) -> _Piece:
        """Return the result for lines; the offset stays before the `unsure` ones, which may parse differently later."""
        last = digest_of(b"\n".join(line.value for line in unsure)) if unsure else ""
        lines = [line for line in (*sure, *(unsure if last != place.last else ())) if line.value.strip()]
        made = [self._rows.message(line, heading, self._ends.before(entry, line)) for line in lines]
        offset = sure[-1].end if sure else place.offset
        after = Place(
            offset=offset,
            mark=self._marks.of(file, entry, offset) if sure else place.mark,
            last=last or ("" if sure else place.last),
        )
        pending = {message.reference: message.pending for message in made if message.pending is not None}
        return _Piece(tuple(one.message for one in made), after, pending, rest=False)


def _moved(cursor: Cursor, position: Position) -> Cursor:
    builtins: dict[str, Any] = msgspec.to_builtins(position)
    return replace(cursor, position=builtins)
