"""Actors: processes that are killed, frozen, stopped and started again by the schedule."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

PATIENCE_SECONDS = 60.0


class Actor:
    """One process, whose command is made anew for every life; `answers` says when it serves."""

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        environment: Mapping[str, str],
        log: Path,
        answers: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = dict(environment)
        self._log = log
        self._answers = answers
        self._process: psutil.Popen | None = None
        self.lives = 0

    def start(self) -> None:
        """Begin a life, and wait until it serves."""
        with self._log.open("ab") as log:
            self._process = psutil.Popen(self._command(), env=self._environment, stdout=log, stderr=log)
        self.lives += 1
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not come up: see {self._log}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End its life without a warning."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """End its life as an operator does; one that does not listen is killed."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop its clock."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, if it is still there."""
        assert self._process
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(signal.SIGCONT)

    def ended(self) -> bool:
        """Say whether it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(PATIENCE_SECONDS)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(10)
        self._process = None
