"""Folders and files that hold what citizens wrote: nobody but their owner may look into them."""

import os
from itertools import takewhile
from pathlib import Path

OWNER_ONLY = 0o700


def make_private(folder: Path) -> None:
    """Make a folder for our user alone, and so each one above it that is missing.

    Python gives those above what everybody may read, and another command puts its own files there later. A folder that
    is there keeps its rights. Raises OSError.
    """
    missing = takewhile(lambda above: not above.exists(), folder.parents)
    for one in reversed([folder, *missing]):
        one.mkdir(mode=OWNER_ONLY, exist_ok=True)


def for_us_alone(path: str, flags: int) -> int:
    """Open a file, as the `opener` of `open`; one that is made is for our user alone."""
    return os.open(path, flags, 0o600)
