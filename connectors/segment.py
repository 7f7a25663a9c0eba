"""A segment: one append-only file of the journal, written by many threads and fsynced once for all of them."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

OWNER_ONLY = 0o600
"""The journal holds what citizens wrote."""


@dataclass
class Sealed:
    """A segment that nobody appends to any more; `done` is how far the broker holds it, `held` that it holds all.

    Behind that some wait for a right to write their topics, which are `waiting`, and others have `passed` them.
    """

    path: Path
    marker: bytes
    size: int
    done: int = 0
    held: bool = False
    waiting: frozenset[str] = frozenset()
    passed: set[int] = field(default_factory=set)


class Segment:
    """The file that is being appended to."""

    def __init__(self, path: Path, marker: bytes, fsync: Callable[[int], None] = os.fsync) -> None:
        self.path = path
        self.marker = marker
        self.written = 0
        self.synced = 0
        self._broken = False
        self._fsync = fsync
        self._syncing = threading.Lock()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, OWNER_ONLY)
        try:
            sync_folder(path.parent)
        except OSError:  # its name may not last: nothing is promised on it, and it keeps no descriptor from others
            os.close(self._fd)
            path.unlink(missing_ok=True)
            raise

    def write(self, data: bytes) -> int:
        """Append `data` and return the position to settle; the caller lets in one thread at a time.

        What a full disk leaves of it is cut off again.
        """
        try:
            _write_all(self._fd, data)
        except OSError:
            os.ftruncate(self._fd, self.written)
            raise
        self.written += len(data)
        return self.written

    def settle(self, position: int) -> None:
        """Return when everything before `position` is on the disk; one fsync serves all who wait. Raises OSError."""
        with self._syncing:
            if self.synced >= position:
                return
            if self._broken:
                raise OSError("an earlier fsync failed")
            self._sync()

    def close(self) -> None:
        """Settle everything and close the file; writing to it is over."""
        with self._syncing:
            try:
                if not self._broken and self.synced < self.written:
                    self._sync()
            finally:
                os.close(self._fd)

    def sealed(self) -> Sealed:
        """Return what a reader needs to know."""
        return Sealed(self.path, self.marker, self.written)

    def _sync(self) -> None:
        target = self.written
        try:
            self._fsync(self._fd)
        except OSError:
            self._broken = True  # the kernel may forget the pages: a second fsync would say "fine" and lie
            raise
        self.synced = target


def sync_folder(folder: Path) -> None:
    """Make the names of new and removed files as durable as their contents."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_aside(path: Path, data: bytes) -> None:
    """Write a whole file, fsynced, readable by its owner alone."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, OWNER_ONLY)
    try:
        _write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(path.parent)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
