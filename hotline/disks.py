"""Tells Prometheus how much room is left on the disks that this process may write to."""

import math
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hotline import metrics
from hotline.doctor.storage import written_to

if TYPE_CHECKING:
    from hotline.settings import Settings


def watch(settings: "Settings") -> None:
    """Look at the disks whenever Prometheus asks; a folder goes by the name of the setting that moves it."""
    for folder in written_to(settings):
        metrics.DISK_FREE_BYTES.labels(folder.setting).set_function(partial(free_bytes, folder.path))


def free_bytes(folder: Path) -> float:
    """Return the room on the disk of a folder, which may not be made yet; NaN when the system does not tell."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    try:
        return float(shutil.disk_usage(there).free)
    except OSError:
        return math.nan
