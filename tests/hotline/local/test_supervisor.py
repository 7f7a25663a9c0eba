import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from hotline.config import stack_state
from hotline.config.stack_state import ServerName, StackState
from hotline.dev.stack import processes, supervisor
from hotline.dev.stack.jvm import Jvm
from hotline.dev.stack.server import mark
from hotline.dev.stack.supervisor import Keeper, Supervisor
from tests.waiting import until

pytestmark = pytest.mark.integration  # it looks which ports are free


class Sleeper:
    """A server that sleeps, or ends at once."""

    name: ClassVar[ServerName] = "kafka"
    version: ClassVar[str] = "0"
    seconds: ClassVar[int] = 60

    def __init__(self, data_dir: Path, ports: tuple[int, int]) -> None:
        self.folder = data_dir / "kafka"
        self.port = ports[0]
        self.jvm = Jvm((), "", self.folder)

    def command(self) -> list[str]:
        self.folder.mkdir(exist_ok=True)
        return [sys.executable, "-c", f"import time; time.sleep({self.seconds})", mark(self.folder)]

    def answers(self) -> bool:
        return True


class Failing(Sleeper):
    seconds = 0

    def answers(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "logs").mkdir(parents=True)
    return folder


def test_a_server_that_was_ready_is_started_again_at_once(folder: Path) -> None:
    keeper = Keeper(Sleeper(folder, (1, 2)), folder / "log")
    keeper.tick(0)
    keeper.tick(0)
    first = keeper.process
    assert first is not None
    assert keeper.state.phase == "ready"
    first.kill()
    first.wait()
    keeper.tick(1)
    keeper.tick(1)
    assert keeper.process is not None
    assert keeper.process.pid == keeper.state.pid != first.pid
    assert keeper.state.restarts == 1
    processes.stop([keeper.process], 5)


def test_a_server_that_cannot_start_is_tried_less_and_less_often(folder: Path) -> None:
    keeper = Keeper(Failing(folder, (1, 2)), folder / "log")
    keeper.tick(0)
    now, pauses = 0.0, []
    for _ in range(4):
        assert keeper.process is not None
        keeper.process.wait()
        keeper.tick(now)
        died = now
        while keeper.process is None:
            now += 0.5
            keeper.tick(now)
        pauses.append(now - died)
    keeper.process.wait()
    assert pauses == [1, 2, 4, 8]
    assert keeper.state.failed_starts == 4


def test_a_running_server_is_adopted(folder: Path) -> None:
    server = Sleeper(folder, (1, 2))
    running = processes.spawn(server.command(), folder, folder / "log")
    keeper = Keeper(server, folder / "log")
    keeper.tick(0)
    assert keeper.process == running
    assert keeper.state.phase == "ready"
    processes.stop([running], 5)


class Vanishing:
    """A process that ends, and is collected by its parent, between two looks at it."""

    pid = 1

    def wait(self, timeout: float) -> None:
        raise psutil.TimeoutExpired(timeout)

    def is_running(self) -> bool:
        return True

    def status(self) -> str:
        raise psutil.NoSuchProcess(self.pid)


def test_a_process_that_ends_while_it_is_looked_at_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor whose owner did so ended with an error, and left its servers behind."""
    one: Any = Vanishing()
    assert not processes.alive(one)
    monkeypatch.setattr(psutil, "Process", lambda pid: one)
    assert processes.ended(1)


def _run(folder: Path, meanwhile: Callable[[], None], owner: psutil.Process | None = None) -> None:
    """Run a supervisor in this thread and `meanwhile` in another once its server is there, unless it is over first."""
    over = threading.Event()

    def wait() -> None:
        while not (processes.find(mark(folder / "kafka")) and (folder / "supervisor.pid").exists()):
            if over.wait(0.01):
                return
        meanwhile()

    thread = threading.Thread(target=wait)
    thread.start()
    Supervisor(folder, ["kafka"], owner).run()
    over.set()
    thread.join()
    assert processes.find(mark(folder / "kafka")) is None


@pytest.fixture
def sleeping(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(supervisor.SERVERS, "kafka", Sleeper)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    stack_state.save(folder, StackState(3))
    return folder


def test_a_supervisor_whose_folder_is_deleted_stops_its_servers(sleeping: Path) -> None:
    _run(sleeping, lambda: shutil.rmtree(sleeping, ignore_errors=True))


def test_a_folder_that_is_deleted_just_before_its_state_is_written_stops_them_too(
    sleeping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = stack_state.save

    def save_late(folder: Path, what: StackState) -> None:
        if what.servers["kafka"].phase == "ready":
            shutil.rmtree(folder)
        save(folder, what)

    monkeypatch.setattr(stack_state, "save", save_late)
    _run(sleeping, lambda: None)
    assert not sleeping.exists()


def test_a_state_that_is_written_just_after_its_deletion_keeps_no_servers(
    sleeping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = stack_state.save

    def save_after_deletion(folder: Path, what: StackState) -> None:
        if what.servers["kafka"].phase == "ready":
            (folder / "supervisor.pid").unlink()
        save(folder, what)

    monkeypatch.setattr(stack_state, "save", save_after_deletion)
    _run(sleeping, lambda: None)


def test_a_supervisor_whose_folder_another_has_taken_over_leaves_its_mark(sleeping: Path) -> None:
    sign = sleeping / "supervisor.pid"

    def take_over() -> None:
        sign.write_text("1\n")

    _run(sleeping, take_over)
    assert sign.read_text() == "1\n"


def test_who_keeps_servers_that_serve_looks_at_them_twice_a_second(
    sleeping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    tick = Keeper.tick

    def counted(self: Keeper, now: float) -> None:
        tick(self, now)
        if self.state.phase == "ready":
            looks.append(now)

    monkeypatch.setattr(Keeper, "tick", counted)

    def end() -> None:
        until(lambda: len(looks) == 4)
        shutil.rmtree(sleeping)

    _run(sleeping, end)
    assert looks[3] - looks[0] > 1.4


def test_a_supervisor_whose_owner_is_gone_stops_its_servers(sleeping: Path) -> None:
    owner = processes.spawn([sys.executable, "-c", "import time; time.sleep(60)"], sleeping, sleeping / "log")
    _run(sleeping, owner.kill, owner)
    left = stack_state.load(sleeping)
    assert left is not None
    assert (left.supervisor, left.servers["kafka"].phase) == (None, "down")
