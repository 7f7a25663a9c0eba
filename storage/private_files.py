"""Folders and files that hold what citizens wrote: nobody but their owner may look into them."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

OWNER_ONLY = 0o700
_OTHERS = 0o007


def make_private(folder: Path) -> None:
    """Make a folder for our user alone, and so each one above it that is missing.

    Python gives those above what everybody may read, and another command puts its own files there later. A folder that
    is there keeps its rights. Raises OSError.
    """
    missing = takewhile(lambda above: not above.exists(), folder.parents)
    for one in reversed([folder, *missing]):
        one.mkdir(mode=OWNER_ONLY, exist_ok=True)


def denial(error: OSError) -> str:
    """Return why a folder cannot be written, in the system's words; of what only reads here, whose doing it may be.

    Outside of its unit our user may write there, and so may `hotline doctor`.
    """
    if error.errno == errno.EROFS:
        return f"{error.strerror}; a unit of systemd writes where its ReadWritePaths= says"
    return error.strerror or str(error)


def for_us_alone(path: str, flags: int) -> int:
    """Open a file, as the `opener` of `open`; one that is made is for our user alone."""
    return os.open(path, flags, 0o600)


@contextmanager
def shut_to_others() -> Iterator[None]:
    """Make no file while a `with` block lasts that others may read, whoever makes it and however open its folder is.

    Our group may, where the umask lets it: a city's web server reads attachments out of a blob store.
    """
    before = os.umask(_OTHERS)
    os.umask(before | _OTHERS)
    try:
        yield
    finally:
        os.umask(before)
