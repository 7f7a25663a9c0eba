"""Metrics of the disks that this process writes to: free room, and whether one hangs."""

import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hotline.monitor import metrics
from hotline.runtime.folders import written_to

if TYPE_CHECKING:
    from hotline.config.settings import Settings


LOOK_SECONDS = 15.0
"""Interval in seconds at which a disk is looked at."""

HUNG_SECONDS = 10.0
"""Seconds after which a disk that has not returned its room counts as hanging."""

FIRST_SECONDS = 1.0
"""Seconds that a start waits for the first look at all of them."""


class Disk:
    """The disk of one folder, looked at by its own thread.

    A hanging disk, such as a network disk without its server, does not delay readers of the last result.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._free = math.nan
        self._began: float | None = None
        self.looked = threading.Event()
        """Set by the first look that came to its end."""

    def free(self) -> float:
        """Return the room in bytes that was seen last; NaN as long as none was."""
        return self._free

    def hangs(self) -> bool:
        """Return whether a look at it has not returned for long."""
        began = self._began
        return began is not None and self._clock() - began > HUNG_SECONDS

    def look(self) -> None:
        """Look at it once, however long that takes."""
        self._began = self._clock()
        self._free = free_bytes(self._folder)
        self._began = None
        self.looked.set()

    def watch(self) -> None:
        """Look again and again, for as long as the process lives."""
        while True:
            self.look()
            time.sleep(LOOK_SECONDS)


def watch(settings: "Settings") -> None:
    """Look at the disks now and then; a folder goes by the name of the setting that moves it."""
    disks = {folder.setting: Disk(folder.path) for folder in written_to(settings)}
    for setting, disk in disks.items():
        metrics.DISK_FREE_BYTES.labels(setting).set_function(disk.free)
        metrics.DISK_HANGS.labels(setting).set_function(disk.hangs)
        threading.Thread(target=disk.watch, name=f"disk {setting}", daemon=True).start()
    end = time.monotonic() + FIRST_SECONDS
    for disk in disks.values():
        disk.looked.wait(max(0.0, end - time.monotonic()))


def free_bytes(folder: Path) -> float:
    """Return the room on the disk of a folder, which may not exist yet; NaN if the system does not say."""
    try:
        there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
        return float(shutil.disk_usage(there).free)
    except OSError:
        return math.nan
