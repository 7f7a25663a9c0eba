"""Worker processes that can become zombies, watched by their logs."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from tests.faults.zombie import Task
from tests.waiting import soon

SECONDS = 90.0
"""Patience on a busy machine."""


class Worker:
    """A process of `zombie.py`, and what it said."""

    def __init__(self, task: Task, log: Path) -> None:
        self._log = log
        script = Path(__file__).with_name("zombie.py")
        command = [sys.executable, str(script), msgspec.json.encode(task).decode()]
        with log.open("ab") as file:
            env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
            self._process = psutil.Popen(command, env=env, stdout=file, stderr=subprocess.STDOUT)

    def written(self) -> list[str]:
        """Return its lines about writes."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line.startswith("WRITTEN")]

    async def stopped(self) -> None:
        """Return when it has stopped itself."""
        await soon(lambda: self._process.status() == psutil.STATUS_STOPPED, self._told, SECONDS)

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
