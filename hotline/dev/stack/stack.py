"""Start, stop and look at the local stack of one data folder."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from hotline.config import stack_state
from hotline.config.stack_state import ServerName, StackState
from hotline.dev.stack import jars, maven, processes, supervisor
from hotline.dev.stack.disk import require_room, sweep, writing
from hotline.dev.stack.elastic import build_home
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.paths import cache_dir
from hotline.dev.stack.ports import Ports
from hotline.dev.stack.progress import SILENT, Progress
from hotline.dev.stack.server import mark
from storage.private_files import make_private

_START_SECONDS = 180.0
"""On a busy machine; what ends by itself is not waited for."""

_END_SECONDS = 30.0
_FAILED_STARTS = 3
_ROOM_FOR_DATA = 512 << 20
_OURS = ("kafka", "elasticsearch", "logs", "demo")
# Positions in a Kafka that is gone, and references from it, would be worse than none: they go with the local one, and
# stay with an existing one. There the journal holds the only copy of what citizens were told is received.
_OF_KAFKA = ("journal", "blobs", "faust")


@dataclass(frozen=True)
class Existing:
    """Clusters to use instead of local ones; None where a local one is wanted."""

    bootstrap_servers: str | None = None
    elasticsearch_url: str | None = None


@dataclass(frozen=True)
class Endpoints:
    """Where clients find the two servers."""

    bootstrap_servers: str
    elasticsearch_url: str
    moved: bool = False
    """Somebody else has the ports where they were before; who runs over the folder asks there still."""


@dataclass(frozen=True)
class ServerStatus:
    """One server as it is now."""

    name: ServerName
    version: str
    address: str
    pid: int | None
    up: bool
    restarts: int


def prepare(progress: Progress = SILENT, mirror: str | None = None, also: Sequence[Path] = ()) -> None:
    """Fetch, verify and compile what a start needs, and the jars of the locks in `also`: then it works offline."""
    download = partial(maven.download, mirror=mirror)
    jars.fetch_jars(jars.KAFKA, jars.ELASTICSEARCH, *also, progress=progress, download=download)
    build_home(progress)
    sweep(cache_dir())


class Stack:
    """The local Kafka and Elasticsearch of one data folder."""

    def __init__(self, data_dir: Path, existing: Existing | None = None, mirror: str | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._mirror = mirror
        self._existing = existing or Existing()
        self._names = _managed(self._existing)

    def up(self, progress: Progress = SILENT, owner: int | None = None) -> Endpoints:
        """Bring every server up, unless it is; the servers end with the process `owner`, if one is given."""
        with self._exclusively():
            before = stack_state.load(self.data_dir)
            if not self._is_up():
                self._start(progress, owner)
            return self._endpoints(before)

    def down(self, progress: Progress = SILENT) -> None:
        """Stop the servers cleanly, also those that a killed supervisor left."""
        with self._exclusively():
            # The first stop takes longer: it records what makes the next starts quick.
            progress.say("Stopping")
            self._stop()

    def wipe(self, progress: Progress = SILENT) -> None:
        """Stop, and delete what hotline keeps in the data folder, but for what an existing Kafka needs.

        What others put there stays. Raises StackError while a receiver keeps messages there.
        """
        names = _OURS if self._existing.bootstrap_servers else (*_OURS, *_OF_KAFKA)
        with _unused(self.data_dir / "journal") if "journal" in names else nullcontext():
            self.down(progress)
            with self._exclusively():
                for name in names:
                    shutil.rmtree(self.data_dir / name, ignore_errors=True)
                stack_state.forget(self.data_dir)

    def status(self) -> list[ServerStatus]:
        """Return what each server of ours does now; an existing cluster is not listed."""
        known = stack_state.load(self.data_dir)
        return [self._status(name, known) for name in self._names]

    def pid(self, which: ServerName | Literal["supervisor"]) -> int | None:
        """Return the process id of a server or of the supervisor, None when it does not run."""
        found = supervisor.find(self.data_dir) if which == "supervisor" else processes.find(mark(self.data_dir / which))
        return found.pid if found else None

    def kill(self, which: ServerName | Literal["supervisor"]) -> None:
        """Kill -9 a server or the supervisor, for tests of faults; raises StackError when it does not run."""
        pid = self.pid(which)
        if pid is None:
            raise StackError(f"{which} does not run: start it with `hotline up`.")
        os.kill(pid, signal.SIGKILL)
        _wait(lambda: processes.ended(pid), _END_SECONDS)

    def restart(self, which: ServerName) -> None:
        """Kill -9 a server and return when the supervisor has brought it back."""
        self.kill(which)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return when every server answers again."""
        if not self._comes_up():
            raise self._why_not()

    def _start(self, progress: Progress, owner: int | None) -> None:
        prepare(progress, self._mirror)
        require_room(self.data_dir, _ROOM_FOR_DATA, "Kafka and Elasticsearch")
        progress.say(f"Waiting for {' and '.join(name.capitalize() for name in self._names)}")
        try:
            self._try_to_start(owner)
        except StackError:
            # Somebody may have taken a port between our look and our start: the second try looks again.
            self._try_to_start(owner)

    def _try_to_start(self, owner: int | None) -> None:
        self._spawn_supervisor(owner)
        if not self._comes_up():
            error = self._why_not()
            self._stop()
            raise error

    def _spawn_supervisor(self, owner: int | None) -> None:
        """Start a supervisor, unless one runs that keeps the same servers; it adopts servers that still run."""
        running, known = supervisor.find(self.data_dir), stack_state.load(self.data_dir)
        if running and known and set(known.servers) == set(self._names):
            return
        if running:
            self._stop()
        (self.data_dir / "logs").mkdir(exist_ok=True)
        (self.data_dir / supervisor.FAULT).unlink(missing_ok=True)
        stack_state.save(self.data_dir, StackState(known.slot if known else 0))
        with (self.data_dir / "logs" / "supervisor.out").open("ab") as log:
            command = supervisor.command(self.data_dir, self._names, owner)
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)

    def _stop(self) -> None:
        running = supervisor.find(self.data_dir)
        if running:
            processes.stop([running], supervisor.PATIENCE_SECONDS + 5)
        left = [process for name in supervisor.SERVERS if (process := processes.find(mark(self.data_dir / name)))]
        processes.stop(left, supervisor.PATIENCE_SECONDS)

    def _is_up(self) -> bool:
        return all(server.up for server in self.status()) and (
            not self._names or supervisor.find(self.data_dir) is not None
        )

    def _comes_up(self) -> bool:
        """Wait until all is up, or will not come up, and say which: a busy server that answered may not do so at once
        when it is asked again.
        """
        ups: list[bool] = []

        def has_settled() -> bool:
            ups.append(self._is_up())
            return ups[-1] or self._is_in_vain()

        _wait(has_settled, _START_SECONDS)
        return ups[-1]

    def _is_in_vain(self) -> bool:
        """Say whether waiting longer is of no use."""
        known = stack_state.load(self.data_dir)
        failed = known is not None and any(s.failed_starts >= _FAILED_STARTS for s in known.servers.values())
        return failed or supervisor.find(self.data_dir) is None

    def _why_not(self) -> StackError:
        fault = self.data_dir / supervisor.FAULT
        if fault.exists():
            return StackError(fault.read_text(encoding="utf-8"))
        down = next((str(server.name) for server in self.status() if not server.up), "supervisor")
        logs = self.data_dir / "logs"
        return StackError(f"{down.capitalize()} does not start: see {logs}, then run `hotline up` again.")

    def _status(self, name: ServerName, known: StackState | None) -> ServerStatus:
        server = supervisor.SERVERS[name](self.data_dir, Ports(known.slot if known else 0).of(name))
        seen = known.servers.get(name) if known else None
        pid = seen.pid if seen and seen.pid and processes.is_marked(seen.pid, mark(server.folder)) else None
        return ServerStatus(
            name=name,
            version=server.version,
            address=f"127.0.0.1:{server.port}",
            pid=pid,
            up=pid is not None and server.answers(),
            restarts=seen.restarts if seen else 0,
        )

    def _endpoints(self, before: StackState | None) -> Endpoints:
        known = stack_state.load(self.data_dir)
        ports = Ports(known.slot if known else 0)
        return Endpoints(
            self._existing.bootstrap_servers or f"127.0.0.1:{ports.kafka}",
            self._existing.elasticsearch_url or f"http://127.0.0.1:{ports.elasticsearch}",
            moved=before is not None and before.slot != ports.slot and bool(self._names),
        )

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Let one command at a time change this stack; a second `up` waits for the first."""
        with writing(self.data_dir):
            make_private(self.data_dir)  # all that citizens wrote lies in it
        with (self.data_dir / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _unused(journal: Path) -> Iterator[None]:
    """Hold the lock of the journal, so that no receiver begins meanwhile."""
    if not (journal / "lock").exists():
        yield
        return
    with (journal / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError("A receiver uses the journal: stop `hotline run` first.") from error
        yield


def _managed(existing: Existing) -> list[ServerName]:
    taken = {"kafka": existing.bootstrap_servers, "elasticsearch": existing.elasticsearch_url}
    return [name for name in supervisor.SERVERS if not taken[name]]


def _wait(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
