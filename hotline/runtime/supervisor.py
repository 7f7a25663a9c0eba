"""`hotline run all`: one process for each component; a child that ends is started again, later and later."""

import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from hotline.runtime import watchdog
from hotline.runtime.health import ProcessHealth

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
MISCONFIGURED_PAUSE = 60.0
"""A child that a person must mend is tried once a minute: the person may just have mended it."""

HEALTHY_SECONDS = 60.0
"""A child that ran this long starts anew with the shortest pause."""

DRAIN_SECONDS = 40.0
"""After SIGTERM a child has this long to drain before it is killed."""

MISCONFIGURED = 2
"""Exit code of a process whose settings or credentials an operator must mend."""

_log = structlog.get_logger(__name__)

Start = Callable[[], "subprocess.Popen[bytes]"]


class Child:
    """One component's process, whichever it is just now."""

    def __init__(self, name: str, start: Start, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._start = start
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._started = 0.0
        self._not_before = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def tend(self, health: ProcessHealth) -> None:
        """Start the process if it is time, or note that it has ended."""
        if self.process is None:
            if self._clock() >= self._not_before:
                self._launch(health)
        elif (code := self.process.poll()) is not None:
            self._ended(code, health)

    def _launch(self, health: ProcessHealth) -> None:
        self._started = self._clock()
        try:
            self.process = self._start()
        except OSError as error:  # no memory, no process, no file left: no reason to end the others
            pause = self._pause_for(self._pause)
            health.set(
                self.name,
                "waiting",
                f"cannot be started ({error.strerror}): check the memory and limits of the machine",
            )
            _log.error("child_not_started", component=self.name, error=error.strerror, next_start_in_seconds=pause)
            return
        health.set(self.name, "running")
        _log.info("child_started", component=self.name, pid=self.process.pid)

    def _ended(self, code: int, health: ProcessHealth) -> None:
        self.process = None
        if self._clock() - self._started >= HEALTHY_SECONDS:
            self._pause = FIRST_PAUSE
        pause = self._pause_for(MISCONFIGURED_PAUSE if code == MISCONFIGURED else self._pause)
        state = "needs your action, see its last line in the log" if code == MISCONFIGURED else "ended"
        health.set(self.name, "failed" if code == MISCONFIGURED else "waiting", f"{state} (exit code {code})")
        health.restarted(self.name)
        _log.error("child_ended", component=self.name, exit_code=code, next_start_in_seconds=pause)

    def _pause_for(self, seconds: float) -> float:
        """Start nothing for so long, and for longer the next time."""
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._not_before = self._clock() + seconds
        return seconds


def starter(command: Sequence[str], environment: Mapping[str, str]) -> Start:
    """Return a function that starts a child in its own session, so that Ctrl-C reaches it through this process only."""
    return lambda: subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)  # noqa: S603 - this program itself


def run(children: Sequence[Child], health: ProcessHealth, stop: threading.Event, tick: float = 0.2) -> None:
    """Tend the children until `stop` is set, then let all of them drain at once."""
    seconds, fed = watchdog.interval(), -math.inf
    try:
        while not stop.is_set():
            if seconds is not None and time.monotonic() - fed >= seconds:
                watchdog.feed()
                fed = time.monotonic()
            for child in children:
                child.tend(health)
            stop.wait(tick)
    finally:
        drain([child.process for child in children if child.process])


def drain(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ask every process to end; kill those that need more than DRAIN_SECONDS: nothing acknowledged is lost."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    end = time.monotonic() + DRAIN_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.error("child_killed", pid=process.pid)
            process.kill()
            process.wait()
