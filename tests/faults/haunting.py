"""Worker processes that can become zombies, watched by their logs."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil

from tests.faults.zombie import Task

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
        await until(lambda: self._process.status() == psutil.STATUS_STOPPED, self._told)

    def goes_on(self) -> None:
        """Let it go on where it stopped."""
        self._process.send_signal(signal.SIGCONT)

    async def writes(self, count: int) -> None:
        """Return when so many of its writes are over, well or not."""
        await until(lambda: len(self.written()) >= count, self._told)

    def end(self) -> None:
        """Kill it, stopped or not."""
        self._process.kill()
        self._process.wait(60)

    def _told(self) -> str:
        return self._log.read_text(encoding="utf-8")[-2000:]


async def until(condition: Callable[[], bool], told: Callable[[], str]) -> None:
    """Wait for a condition; `told` says why it did not come."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, told()
        await asyncio.sleep(0.05)


@contextlib.contextmanager
def worker(task: Task, log: Path) -> Iterator[Worker]:
    """Run a process while the block lasts."""
    running = Worker(task, log)
    try:
        yield running
    finally:
        running.end()
