"""What lies where a recording should be: never its bytes, only whether it is there, how large, and whether it grows."""

import stat
import time
from pathlib import Path, PurePosixPath
from typing import NamedTuple

WAV_HEADER_BYTES = 44
"""A WAV file of this size has no sound in it."""

FINAL = frozenset({"complete", "empty"})

PATIENCE_SECONDS = 3600.0
"""A recording that is not there whole by then is reported as it is."""


class Look(NamedTuple):
    """A state of `schemas.enums.RECORDING_STATES`, and the size where there is a file."""

    state: str
    size: int | None = None


def look(folder: Path, reference: str, settle_seconds: float) -> Look:
    """Say what lies at a reference below the folder; one that leads out of it is `missing`."""
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
