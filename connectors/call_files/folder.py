"""Reads a folder that other systems write to; opens files without following links or blocking on pipes."""

import fnmatch
import os
import stat
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from schemas.errors import MisconfiguredError, UnreachableError

_COMPRESSED = (".gz", ".xz", ".bz2", ".zst", ".zip")

_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".swp", "~")
"""Suffixes that upload programs use for incomplete files."""


class Entry(NamedTuple):
    """One regular file by `lstat`."""

    name: str
    inode: int
    size: int
    mtime_ns: int
    changed_ns: int
    """Time of the inode's last change, also by a rename: an upload may set `mtime_ns`, but not this one."""
    fits: bool = True
    """Whether the name matches; otherwise the file is listed because of its inode."""


def listed(folder: Path, pattern: str, known: Container[int] = ()) -> list[Entry]:
    """Return the regular files with a matching name or a `known` inode, oldest first.

    Raises MisconfiguredError for a folder without read permission, UnreachableError for a missing one.
    """
    try:
        with os.scandir(folder) as entries:
            fitting = [(one, _fits(one.name, pattern)) for one in entries]
            found = [_entry(one, fits) for one, fits in fitting if fits or one.inode() in known]
    except PermissionError as error:
        raise MisconfiguredError("the folder of call files cannot be read: check its owner and mode") from error
    except OSError as error:
        raise UnreachableError("the folder of call files does not exist: check `folder` and the mount") from error
    return sorted((one for one in found if one is not None), key=lambda one: (one.mtime_ns, one.name))


@contextmanager
def opened(folder: Path, name: str) -> Iterator[BinaryIO]:
    """Open a regular file of the folder. Raises UnreachableError if it cannot be read now."""
    try:
        number = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise OSError("no regular file")
            yield file
    except OSError as error:
        raise UnreachableError("a call file cannot be read now: check its owner and mode") from error


def _fits(name: str, pattern: str) -> bool:
    return (
        not name.startswith(".")
        and not name.endswith((*_UNFINISHED, *_COMPRESSED))
        and fnmatch.fnmatchcase(name, pattern)
    )


def _entry(one: os.DirEntry[str], fits: bool) -> Entry | None:
    try:
        found = one.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Entry(one.name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, fits)
