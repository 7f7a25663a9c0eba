"""Where targets write the files that they read."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

VARIABLE = "HOTLINE_FUZZ_FOLDER"
"""Names the folder of a run, which its parent removes: libFuzzer ends a process without any farewell."""

_MEMORY = Path("/dev/shm")


def root() -> Path | None:
    """Return a place in memory; None, the usual place, where there is none."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


@cache
def folder() -> Path:
    """Return a folder of this process; it goes with the process."""
    place = Path(tempfile.mkdtemp(prefix="hotline-fuzz-", dir=os.environ.get(VARIABLE) or root()))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place
