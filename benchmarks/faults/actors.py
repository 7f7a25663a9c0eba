"""Actors: processes that are killed, frozen, stopped and started again by the schedule."""

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

PATIENCE_SECONDS = 300.0
"""Until a component serves, or ends: ten of them may begin at once on two cores that others use, too."""
RESTART_SECONDS = 2.0


Begin = Callable[..., Any]
"""Starts a process as `psutil.Popen` does, and gives what it gives."""


class Actor:
    """One process, whose command is made anew for every life; `answers` says when it serves."""

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        environment: Mapping[str, str],
        log: Path,
        answers: Callable[[], bool] = lambda: True,
        begin: Begin = psutil.Popen,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = dict(environment)
        self._log = log
        self._answers = answers
        self._new = begin
        self._process: Any = None
        self._lock = threading.Lock()
        self._told_before = 0

    def start(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Begin a life, and wait until it serves."""
        with self._lock:
            self._begin()
        end = time.monotonic() + patience_seconds
        while not self._answers():
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not come up: see {self._log}")
            time.sleep(0.05)

    def begun(self) -> None:
        """Return when a component says in its log that it works: the next fault should not meet it half awake."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and b'"component_started"' not in self._log.read_bytes()[self._told_before :]:
            time.sleep(0.1)

    def kill(self) -> None:
        """End its life without a warning."""
        self._end(signal.SIGKILL)

    def crash(self) -> None:
        """End its life without a warning, and leave it to whoever keeps it to begin the next."""
        with self._lock, suppress(psutil.NoSuchProcess):
            if self._process is not None:
                self._process.kill()

    def terminate(self) -> None:
        """End its life as an operator does; one that does not listen is killed."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop its clock."""
        assert self._process
        with suppress(psutil.NoSuchProcess):  # it ended by itself, and its keeper is about to begin its next life
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, if it is still there."""
        assert self._process
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(signal.SIGCONT)

    def memory_bytes(self) -> int:
        """Return its resident memory, 0 while it does not live."""
        process = self._process
        with suppress(psutil.Error):
            return int(process.memory_info().rss) if process else 0
        return 0

    def revive(self) -> bool:
        """Start it again if it ended by itself; say whether it had."""
        with self._lock:
            if self._process is None or self._process.poll() is None:
                return False
            self._begin()
            return True

    def _begin(self) -> None:
        with self._log.open("ab") as log:
            self._told_before = log.tell()
            self._process = self._new(self._command(), env=self._environment, stdout=log, stderr=log)

    def _end(self, number: int) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(PATIENCE_SECONDS)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            process.kill()
            process.wait(10)


class Revived(Protocol):
    """Whatever a keeper keeps."""

    def revive(self) -> bool:
        """Start it again if it ended by itself, and say so."""
        ...


class Keeper(threading.Thread):
    """Starts what ended by itself again after a pause, as `hotline run all` and systemd do."""

    def __init__(self, actors: Mapping[str, Revived]) -> None:
        super().__init__(daemon=True)
        self._actors = actors
        self.stop = threading.Event()
        self.restarts: Counter[str] = Counter()

    def run(self) -> None:
        """Look until it is told to stop."""
        while not self.stop.wait(RESTART_SECONDS):
            for name, actor in self._actors.items():
                self.restarts[name] += actor.revive()
