"""A process that stands still: it keeps its connections and answers nothing."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60.0


def freeze(pid: int) -> None:
    """Return when every thread of the process stands still.

    The signal goes to one thread, which stops the others when it next runs: on a busy machine they go on for a while.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while not _stands_still(pid):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.001)


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """Let the process stand still inside the block."""
    assert pid is not None
    freeze(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    try:
        told = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]  # without /proc nobody can tell
    except OSError:  # a thread has just ended
        return False
    return all(one.rpartition(")")[2].split()[0] == "T" for one in told)
