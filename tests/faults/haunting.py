"""Worker processes that can become zombies, watched by their logs."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from tests.faults.zombie import Task
from tests.forked import Forked
from tests.waiting import soon

SECONDS = 90.0
"""Patience on a busy machine."""


class Worker:
    """A process of `zombie.py`, and what it said."""

    def __init__(self, task: Task, log: Path) -> None:
        self._log = log
        script = Path(__file__).with_name("zombie.py")
        with log.open("ab") as file:
            self._process = Forked(str(script), msgspec.json.encode(task).decode(), stdout=file, stderr=file)

    def written(self) -> list[str]:
        """Return its lines about writes."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith("WRITTEN")]

    async def stopped(self) -> None:
        """Return when it has stopped itself."""
        await soon(lambda: psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED, self._told, SECONDS)

    def goes_on(self) -> None:
        """Let it go on where it stopped."""
        self._process.send_signal(signal.SIGCONT)

    async def writes(self, count: int) -> None:
        """Return when so many of its writes are over, well or not."""
        await soon(lambda: len(self.written()) >= count, self._told, SECONDS)

    def end(self) -> None:
        """Kill it, stopped or not."""
        self._process.kill()
        self._process.wait(60)

    def _told(self) -> str:
        return self._log.read_text(encoding="utf-8")[-2000:]


@contextlib.contextmanager
def worker(task: Task, log: Path) -> Iterator[Worker]:
    """Run a process while the block lasts."""
    running = Worker(task, log)
    try:
        yield running
    finally:
        running.end()
