"""Checks a recording's file: whether it exists, its size, and whether it still grows; its bytes are never read."""

import stat
import time
from pathlib import Path, PurePosixPath
from typing import NamedTuple

WAV_HEADER_BYTES = 44
"""A WAV file of this size is only a header, without sound."""

FINAL = frozenset({"complete", "empty"})

PATIENCE_SECONDS = 3600.0
"""Seconds after which an incomplete recording is reported in its current state."""


class Look(NamedTuple):
    """A state of `schemas.enums.RECORDING_STATES`, and the size if the file exists."""

    state: str
    size: int | None = None


def look(folder: Path, reference: str, settle_seconds: float) -> Look:
    """Return the state of a reference below the folder; a reference out of the folder is `missing`."""
    path = PurePosixPath(reference.replace("\\", "/"))
    parts = [part for part in path.parts if part not in ("/", ".")]
    if ".." in parts or not parts:
        return Look("missing")
    try:
        found = folder.joinpath(*parts).lstat()
    except (OSError, ValueError):
        return Look("missing")
    if not stat.S_ISREG(found.st_mode):
        return Look("missing")
    if time.time() - found.st_mtime < settle_seconds:
        return Look("being_written", found.st_size)
    return Look("empty" if found.st_size <= WAV_HEADER_BYTES else "complete", found.st_size)
