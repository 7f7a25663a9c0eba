"""Workers as processes of their own, which may kill themselves at a point that they reach."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.forked import Forked


def reached(wanted: str, number: int) -> Callable[[str], None]:
    """Return what a worker calls at each point; it dies the `number`th time at the wanted one."""
    left = [number]

    def hook(point: str) -> None:
        if point == wanted:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


@contextmanager
def running(script: Path, *arguments: str, log: Path | None = None) -> Iterator[Forked]:
    """Run a worker, frozen or not, to the end of the block."""
    with log.open("wb") if log else nullcontext() as stdout:
        process = Forked(str(script), *arguments, stdout=stdout)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            process.wait(60)
