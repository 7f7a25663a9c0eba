"""The daemon of a run: `hotline run` as a child that is killed, frozen and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


class Daemon:
    """One process; its CPU seconds are added up over all its lives."""

    def __init__(self, components: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = [sys.executable, "-m", "hotline", "run", *components]
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: psutil.Popen | None = None
        self._spent = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Return user and system time of all lives so far."""
        return self._spent + self._now()

    def start(self) -> None:
        """Begin a life."""
        with self._log.open("ab") as log:
            self._process = psutil.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End a life with no warning, and begin the next."""
        self._end(signal.SIGKILL)
        self.start()

    def restart(self) -> None:
        """End a life as an operator does, and begin the next."""
        self._end(signal.SIGTERM)
        self.start()

    def freeze(self, seconds: float) -> None:
        """Stop the clock of the process."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End for good."""
        self._end(signal.SIGTERM)

    def alive(self) -> bool:
        """Say whether it runs: one that ended by itself is a finding."""
        return bool(self._process and self._process.poll() is None)

    def _end(self, number: int) -> None:
        assert self._process
        self._spent += self._now()
        self._process.send_signal(number)
        try:
            self._process.wait(60)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            self._process.kill()
            self._process.wait(10)

    def _now(self) -> float:
        try:
            times = self._process.cpu_times() if self._process else None
        except psutil.Error:
            return 0.0
        return times.user + times.system if times else 0.0
