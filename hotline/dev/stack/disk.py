"""What can go wrong with a disk, said in one sentence."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hotline.dev.stack.errors import StackError

PARTIAL = "partial-"
"""How the names of unfinished folders begin."""

_ELSEWHERE = "XDG_CACHE_HOME moves the cache, HOTLINE_LOCAL__DATA_DIR the data"
_AGE = 946_684_800  # the year 2000


def require_room(folder: Path, size: int, what: str) -> None:
    """Raise StackError when the disk of `folder` cannot take `size` more bytes."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    if free < size:
        need, have = -(-size >> 20), free >> 20
        raise StackError(
            f"Not enough space in {folder}: {what} need {need} MiB, {have} MiB are free. Free some space; {_ELSEWHERE}."
        )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what a disk says no with into a StackError, a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StackError(f"No space in {folder}: the disk is full. Free some space; {_ELSEWHERE}.") from error
        raise StackError(f"Cannot write to {folder} ({error.strerror}): make it writable; {_ELSEWHERE}.") from error


def set_age(path: Path) -> None:
    """Give a file the one age that all of ours have: archives of classes are tied to the age of their jars."""
    os.utime(path, (_AGE, _AGE))


def used(path: Path) -> bool:
    """Say whether `path` is there, and note that it is used: `sweep` leaves it, and never is an empty one made."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def sweep(cache: Path) -> None:
    """Delete what broken-off commands left a day ago, and what no version has used for a month.

    Others work in the cache, too: what one of them has just moved or deleted is none of ours.
    """
    for pattern, days in ((f"{PARTIAL}*", 1), ("elasticsearch-*", 30), ("smsgate-*", 30), ("classes-*", 30)):
        for path in cache.glob(pattern):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > days * 24 * 3600:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
