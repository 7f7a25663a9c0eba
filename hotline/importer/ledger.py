"""What Kafka holds of earlier imports, by message id, in a file: a second import of a message publishes nothing."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from schemas.errors import MisconfiguredError, UnreachableError
from schemas.ids import source_of
from schemas.records import RawMessage
from storage.private_files import make_private

_ASKED = 500


class Ledger:
    """Names of messages with a digest of their contents. Entries are made when the broker holds the message.

    A lost ledger, or a kill between the broker's answer and the entry, repeats messages and loses none. Two names
    that meet in 64 bits differ in their contents, and that is reported: nothing is taken for known that is not.
    """

    def __init__(self, file: Path, *, forget: bool = False) -> None:
        """Open the file, or make it; `forget` empties it. Raises MisconfiguredError when that is impossible."""
        self._file = file
        try:
            make_private(file.parent)
            with contextlib.ExitStack() as unusable:
                self._database = sqlite3.connect(file, timeout=60, isolation_level=None)
                unusable.callback(self._database.close)
                self._database.execute("PRAGMA journal_mode = WAL")
                self._database.execute("PRAGMA synchronous = NORMAL")
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS held (name INTEGER PRIMARY KEY, content INTEGER) STRICT"
                )
                if forget:
                    self._database.execute("DELETE FROM held")
                unusable.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise MisconfiguredError(f"The list of imported messages {file} cannot be used ({error}).") from error

    def known(self, names: Sequence[int]) -> dict[int, int]:
        """Return the contents by name of those that were imported before."""
        found: dict[int, int] = {}
        for start in range(0, len(names), _ASKED):
            some = names[start : start + _ASKED]
            marks = ",".join("?" * len(some))
            found.update(self._database.execute(f"SELECT name, content FROM held WHERE name IN ({marks})", some))  # noqa: S608 - question marks alone
        return found

    def add(self, held: Mapping[int, int]) -> None:
        """Remember what the broker holds. Raises UnreachableError when the disk does not take it."""
        with self._told(), self._transaction():
            self._database.executemany("INSERT OR IGNORE INTO held VALUES (?, ?)", held.items())

    def close(self) -> None:
        """Let go of the file. Safe twice."""
        self._database.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UnreachableError(
                f"The list of imported messages {self._file} cannot be written ({error}): free some space, "
                "then import the same files again; messages that Kafka has twice become one."
            ) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # a full disk ends it by itself
                self._database.execute("ROLLBACK")
            raise


class Occurrences:
    """Counts how often each row of a file has come, on the disk where there are many. Use as a context manager."""

    def __enter__(self) -> Self:
        """Begin with nothing."""
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file that SQLite makes when it must
        self._database.execute("CREATE TABLE seen (row INTEGER PRIMARY KEY, times INTEGER) STRICT")
        self._database.execute("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        """Forget everything."""
        self._database.close()

    def count(self, digest: str) -> int:
        """Return how often the row has come, 1 for a new one."""
        (times,) = self._database.execute(_COUNT, (_number(digest.encode()),)).fetchone()
        return int(times)


_COUNT = "INSERT INTO seen VALUES (?, 1) ON CONFLICT (row) DO UPDATE SET times = times + 1 RETURNING times"


def default_account(jurisdiction: str) -> str:
    """Return whose messages those are of which nobody says it."""
    return f"{_EARLIER}_{jurisdiction}"


def names_of(raw: RawMessage) -> tuple[int, ...]:
    """Return 64 bits that stand for the message, and those under which an earlier version may remember it."""
    sources = [raw.envelope.source]
    if sources == [source_of(raw.channel, default_account(raw.jurisdiction))]:
        sources.append(source_of(raw.channel, _EARLIER))
    return tuple(_number(f"{source}\n{raw.envelope.id}".encode()) for source in sources)


_EARLIER = "import"
"""The default account of earlier versions, whatever the city."""


def contents_of(raw: RawMessage) -> tuple[int, ...]:
    """Return 64 bits that stand for its city and bytes, and those by which earlier versions remember it: without city.

    A mail's id stands for its bytes, whatever its line ends.
    """
    told = raw.envelope.id.encode() if raw.channel == "mailbox" else raw.value
    return _number(f"{raw.jurisdiction}\n".encode() + told), _number(told)


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big", signed=True)
