"""Files and folders with citizens' words: only their owner may read them."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

OWNER_ONLY = 0o700
_OTHERS = 0o007


def make_private(folder: Path) -> None:
    """Create a folder, and its missing parents, for the owner alone.

    `Path.mkdir` gives the parents the default rights. The rights of an existing folder stay. Raises OSError.
    """
    missing = takewhile(lambda above: not above.exists(), folder.parents)
    for one in reversed([folder, *missing]):
        one.mkdir(mode=OWNER_ONLY, exist_ok=True)


def denial(error: OSError) -> str:
    """Return the system's reason why a folder cannot be written, and, for a command that only reads it, the user to
    ask.

    Outside of its systemd unit the same user, and `hotline doctor`, may write there.
    """
    if error.errno == errno.EROFS:
        return f"{error.strerror}; a unit of systemd writes where its ReadWritePaths= says"
    return error.strerror or str(error)


def for_us_alone(path: str, flags: int) -> int:
    """Open a file with rights for the owner alone; an `opener` of `open`."""
    return os.open(path, flags, 0o600)


@contextmanager
def shut_to_others() -> Iterator[None]:
    """Within the block, create files without rights for others, whatever the rights of their folder.

    The group keeps the rights that the umask leaves: a city's web server reads attachments of a blob store.
    """
    before = os.umask(_OTHERS)
    os.umask(before | _OTHERS)
    try:
        yield
    finally:
        os.umask(before)
