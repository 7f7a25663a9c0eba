"""The daemon of a run: `hotline run`, or another verb, as a child that is killed, frozen and started again.

Each life is forked off a process that has imported everything: a start costs none of the seconds of a run.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.forked import Forked

WEIGH_SECONDS = 5.0


class Held(NamedTuple):
    """What one life holds: memory of its own in MB, threads, open descriptors."""

    megabytes: float
    threads: int
    descriptors: int


class Daemon:
    """One process; its CPU seconds are added up over all its lives."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = ("-m", *command)
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: Forked | None = None
        self._spent = 0.0
        self._lock = threading.Lock()

    @property
    def cpu_seconds(self) -> float:
        """Return user and system time of all lives so far."""
        return self._spent + self._now()

    def held(self) -> Held | None:
        """Return what this life holds, None between two."""
        with suppress(psutil.Error):
            if self._process:
                process = psutil.Process(self._process.pid)
                own = process.memory_full_info().uss / 1e6
                return Held(round(own, 1), process.num_threads(), process.num_fds())
        return None

    def start(self) -> None:
        """Begin a life."""
        with self._lock:
            self._begin()

    def kill(self) -> None:
        """End a life with no warning, and begin the next."""
        self._again(signal.SIGKILL)

    def restart(self) -> None:
        """End a life as an operator does, and begin the next."""
        self._again(signal.SIGTERM)

    def revive(self) -> bool:
        """Start it again if it ended by itself; say whether it had."""
        with self._lock:
            if self.alive():
                return False
            self._begin()
            return True

    def freeze(self, seconds: float) -> None:
        """Stop the clock of the process."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End for good."""
        with self._lock:
            self._end(signal.SIGTERM)

    def alive(self) -> bool:
        """Say whether it runs: one that ended by itself is a finding."""
        return bool(self._process and self._process.poll() is None)

    def _begin(self) -> None:
        with self._log.open("ab") as log:
            self._process = Forked(*self._command, env=self._environment, stdout=log, stderr=log)

    def _again(self, number: int) -> None:
        with self._lock:
            self._end(number)
            self._begin()

    def _end(self, number: int) -> None:
        assert self._process
        self._spent += self._now()
        self._process.send_signal(number)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def _now(self) -> float:
        with suppress(psutil.Error):
            times = psutil.Process(self._process.pid).cpu_times() if self._process else None
            return times.user + times.system if times else 0.0
        return 0.0


class Scales(threading.Thread):
    """Weighs a daemon every few seconds until it is told to stop: what grows with the messages is a leak."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self._daemon = daemon
        self._found: list[Held] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Weigh."""
        while not self.stop.wait(WEIGH_SECONDS):
            if (held := self._daemon.held()) is not None:
                self._found.append(held)

    def quarters(self) -> list[Held]:
        """Return five of the weighings: the first, the last, and three evenly between them."""
        last = len(self._found) - 1
        return [self._found[last * at // 4] for at in range(5)] if self._found else []
