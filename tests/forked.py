"""Worker processes of tests, forked off one that has imported and compiled what they need (`forked_from.py`).

A new interpreter takes up to five seconds of a processor for that, of which a test asserts nothing. Tests of the start
itself (what `hotline run` says and returns, its signals and its memory) start one all the same.
"""

import math
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing import forkserver
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

import pytest

from tests.peers.leash import leash

ROOT = Path(__file__).parents[1]

_CONTEXT = multiprocessing.get_context("forkserver")
_TOLD_ONCE = threading.Lock()
"""Exit codes come through a pipe: of two threads that read it the second would take its end for one."""


class Forked:
    """What `subprocess.Popen` gives of `python COMMAND...`, as far as tests ask for it."""

    def __init__(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
    ) -> None:
        self.args = command
        _begin()
        files = {0: stdin.fileno() if stdin else None, 1: stdout.fileno() if stdout else 1}
        files[2] = stderr.fileno() if stderr else 2
        given = {number: _Descriptor(file) for number, file in files.items() if file is not None}
        arguments = (command, dict(env or os.environ), cwd or Path.cwd(), given)
        self._process = _CONTEXT.Process(target=_run, args=arguments)
        with _TOLD_ONCE:
            self._process.start()  # looks after all others, too
        assert self._process.pid
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with _TOLD_ONCE:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float = math.inf) -> int:
        end = time.monotonic() + timeout
        while (code := self.returncode) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal as `subprocess.Popen` does: a process that has ended meanwhile needs none."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def done(*command: str, env: Mapping[str, str], timeout: float = 180) -> "subprocess.CompletedProcess[str]":
    """Return what `subprocess.run` would, once a process has ended."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        code = Forked(*command, env=env, stdout=stdout, stderr=stderr).wait(timeout)
        for file in (stdout, stderr):
            file.seek(0)
        return subprocess.CompletedProcess(command, code, stdout.read(), stderr.read())


class _Descriptor:
    """A file descriptor that is open in the child, too, under another number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (DupFd(self.number),)


def _opened(passed: Any) -> _Descriptor:
    return _Descriptor(passed.detach())


@cache
def _begin() -> None:
    """Start the process that all others are forked off; it ends with this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # it looks for tests where it is started
        _CONTEXT.set_forkserver_preload(["tests.forked_from"])
        forkserver.ensure_running()


def _run(command: Sequence[str], env: Mapping[str, str], cwd: Path, files: Mapping[int, _Descriptor]) -> None:
    leash()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, file in files.items():
        os.dup2(file.number, number)
        os.close(file.number)
    if 0 in files:
        sys.stdin = os.fdopen(0, closefd=False)
    is_module = command[0] == "-m"
    sys.argv[:] = command[is_module:]
    if is_module:
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(command[0], run_name="__main__")
