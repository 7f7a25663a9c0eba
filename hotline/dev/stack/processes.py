"""Find, start and stop processes by a mark on their command line, which outlives every file and every pid."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

_LOG_LIMIT = 10 << 20
# Variables that would change our JVMs behind our back.
_FOREIGN = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


def find(mark: str) -> psutil.Process | None:
    """Return the process with `mark` among its arguments, or None."""
    for process in psutil.process_iter(["cmdline"]):
        if mark in (process.info["cmdline"] or ()):
            return process
    return None


def is_marked(pid: int, mark: str) -> bool:
    """Say whether process `pid` runs and has `mark` among its arguments: pids are used again."""
    try:
        return mark in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    """Say whether `process` still runs, collecting it when it is a dead child of ours."""
    try:
        process.wait(0)
    except psutil.TimeoutExpired:
        return process.is_running() and _status(process) not in (None, psutil.STATUS_ZOMBIE)
    return False


def ended(pid: int) -> bool:
    """Say whether process `pid` runs no more; its parent may not have collected it yet."""
    try:
        return _status(psutil.Process(pid)) in (None, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _status(process: psutil.Process) -> str | None:
    """Return what the kernel says of a process, None when it is gone: it may go between two looks."""
    try:
        return str(process.status())
    except psutil.NoSuchProcess:
        return None


def spawn(command: Sequence[str], folder: Path, log: Path) -> psutil.Process:
    """Start `command` in `folder`, with its output in `log`; return when `find` can see it."""
    _rotate(log)
    with log.open("ab") as output:
        process = psutil.Popen(
            command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    while not _is_shown(process):
        time.sleep(0.001)
    return process


def _is_shown(process: psutil.Process) -> bool:
    """Say whether the kernel shows the arguments: for a moment after the exec it shows none."""
    try:
        return bool(process.cmdline())
    except psutil.Error:  # it has ended already
        return True


def environment() -> dict[str, str]:
    """Return our variables without those that steer a JVM; UTF-8, for folders with Chinese names."""
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    return kept | {"LC_ALL": "C.UTF-8"}


def stop(processes: Sequence[psutil.Process], patience: float) -> None:
    """Ask all of `processes` to end; kill those that still run after `patience` seconds."""
    for process in processes:
        _signal(process, hard=False)
    _, left = psutil.wait_procs(processes, timeout=patience)
    for process in left:
        _signal(process, hard=True)
    psutil.wait_procs(left, timeout=5)


def _signal(process: psutil.Process, *, hard: bool) -> None:
    try:
        process.kill() if hard else process.terminate()
    except psutil.NoSuchProcess:
        return


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(log.suffix + ".1"))
