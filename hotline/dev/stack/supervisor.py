"""The process that starts the servers, starts them again when they die, and stops them."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

from hotline.config import stack_state
from hotline.config.stack_state import ServerName, ServerState, StackState
from hotline.dev.stack import ports, processes
from hotline.dev.stack.elastic import Elasticsearch
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.kafka import Kafka
from hotline.dev.stack.server import Server, mark

SERVERS: dict[ServerName, type[Kafka] | type[Elasticsearch]] = {"elasticsearch": Elasticsearch, "kafka": Kafka}
PATIENCE_SECONDS = 30.0
FAULT = "logs/fault.txt"

_SIGN = "supervisor.pid"
_TICK_SECONDS, _CALM_SECONDS = 0.1, 0.5
"""Between two looks, while something is to come and while all servers serve: that is as long as the machine runs."""

_LONGEST_PAUSE_SECONDS = 30.0


class Keeper:
    """Keeps one server running."""

    def __init__(self, server: Server, log: Path) -> None:
        self.server = server
        self._log = log
        self._not_before = 0.0
        self.process = processes.find(mark(server.folder))
        pid = self.process.pid if self.process else None
        self.state = ServerState(server.version, server.port, pid, "starting")

    def tick(self, now: float) -> None:
        """Look at the server once, and do the next thing for it."""
        if self.process is None:
            self._start(now)
        elif not processes.alive(self.process):
            self._note_death(now)
        elif self.state.phase == "starting" and self.server.answers():
            self.state.phase, self.state.failed_starts = "ready", 0

    def _start(self, now: float) -> None:
        if now < self._not_before:
            return
        self.process = processes.spawn(self.server.command(), self.server.folder, self._log)
        self.state.pid, self.state.phase = self.process.pid, "starting"

    def _note_death(self, now: float) -> None:
        failed = self.state.failed_starts + (self.state.phase == "starting")
        if failed:  # be it the archive's fault
            self.server.jvm.archive.unlink(missing_ok=True)
        self._not_before = now + (min(2.0 ** (failed - 1), _LONGEST_PAUSE_SECONDS) if failed else 0)
        self.process, self.state.pid, self.state.phase = None, None, "down"
        self.state.restarts, self.state.failed_starts = self.state.restarts + 1, failed


class Supervisor:
    """Keeps the servers of one data folder until it is told to stop."""

    def __init__(self, folder: Path, names: Sequence[ServerName], owner: psutil.Process | None) -> None:
        self._folder = folder
        self._owner = owner
        self._stopping = threading.Event()
        self._sign = folder / _SIGN
        before = stack_state.load(folder)
        held = [name for name in names if processes.find(mark(folder / name))]
        self._claim = ports.claim(before.slot if before else 0, names, held, folder)
        self._keepers = {name: self._keeper(name) for name in names}
        self._saved: StackState | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())

    def run(self) -> None:
        """Keep the servers, then stop them and let others have the ports."""
        try:
            self._keep()
        finally:
            self._claim.release()

    def _keep(self) -> None:
        self._sign.write_text(f"{os.getpid()}\n")
        self._save(os.getpid())
        while not self._is_over():
            try:
                self._tick()
            except FileNotFoundError:
                if self._is_ours():
                    raise
            is_calm = all(keeper.state.phase == "ready" for keeper in self._keepers.values())
            self._stopping.wait(_CALM_SECONDS if is_calm else _TICK_SECONDS)
        self._stop()

    def _tick(self) -> None:
        for keeper in self._keepers.values():
            keeper.tick(time.monotonic())
            self._save(os.getpid())

    def _keeper(self, name: ServerName) -> Keeper:
        server = SERVERS[name](self._folder, self._claim.ports.of(name))
        return Keeper(server, self._folder / "logs" / f"{name}.out")

    def _is_over(self) -> bool:
        """Say whether to stop: told to, the folder was deleted, or the owner (a test run) is gone."""
        orphaned = self._owner is not None and not processes.alive(self._owner)
        return self._stopping.is_set() or orphaned or not self._is_ours()

    def _is_ours(self) -> bool:
        """Say whether the folder is still there as we found it.

        By a file that is written once: one that is written again and again could be written just after its deletion.
        """
        try:
            return self._sign.read_text() == f"{os.getpid()}\n"
        except FileNotFoundError:
            return False

    def _stop(self) -> None:
        processes.stop([keeper.process for keeper in self._keepers.values() if keeper.process], PATIENCE_SECONDS)
        for keeper in self._keepers.values():
            keeper.state.pid, keeper.state.phase = None, "down"
        if self._is_ours():
            self._save(None)
            for keeper in self._keepers.values():
                keeper.server.jvm.assemble()
            self._sign.unlink(missing_ok=True)

    def _save(self, pid: int | None) -> None:
        """Write what is known, if it has changed."""
        servers = {name: msgspec.structs.replace(keeper.state) for name, keeper in self._keepers.items()}
        now = StackState(self._claim.ports.slot, pid, servers)
        if now != self._saved:
            stack_state.save(self._folder, now)
            self._saved = now


def command(folder: Path, names: Sequence[ServerName], owner: int | None) -> list[str]:
    """Return the command that starts a supervisor in the background and returns at once."""
    owned = ["--owner", str(owner)] if owner else []
    return [sys.executable, "-P", "-m", "hotline.dev.stack.supervisor", *names, *owned, _mark(folder)]


def find(folder: Path) -> psutil.Process | None:
    """Return the supervisor of `folder`, or None."""
    return processes.find(_mark(folder))


def _mark(folder: Path) -> str:
    return f"--stack={folder}"


def main() -> None:
    """Supervise one data folder, in the background."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=list(SERVERS), help="the servers to keep")
    parser.add_argument("--stack", type=Path, required=True, metavar="FOLDER", help="their data folder")
    parser.add_argument("--owner", type=int, metavar="PID", help="stop when this process ends")
    given = parser.parse_args()
    owner = psutil.Process(given.owner) if given.owner else None
    if os.fork():
        os._exit(0)
    os.setsid()
    try:
        Supervisor(given.stack, given.names, owner).run()
    except StackError as error:
        (given.stack / FAULT).write_text(str(error), encoding="utf-8")
        raise


if __name__ == "__main__":
    main()
