"""`run all`: children come back, later and later; one that a person must mend waits for the person."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hotline.runtime.health import ProcessHealth
from hotline.runtime.supervisor import FIRST_PAUSE, LONGEST_PAUSE, MISCONFIGURED_PAUSE, Child, run, starter
from tests.waiting import until


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ends_with(code: int) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-S", "-c", f"raise SystemExit({code})"])
    process.wait()
    return process


def pauses(code: int, ends: int, clock: Clock, alive: float = 0.0) -> list[float]:
    """Let a child end so often and return how long it waited each time."""
    starts: list[float] = []

    def start() -> "subprocess.Popen[bytes]":
        starts.append(clock.now)
        return process

    process = ends_with(code)
    child, health = Child("a", start, clock), ProcessHealth(["a"])
    found = []
    for _ in range(ends):
        child.tend(health)
        clock.now += alive
        child.tend(health)
        ended, before = clock.now, len(starts)
        while len(starts) == before:
            clock.now += 0.5
            child.tend(health)
        found.append(clock.now - ended)
        child.process = None  # as if it had never begun: the loop starts it again
        starts.pop()
    return found


def test_the_pause_doubles_up_to_a_limit() -> None:
    assert pauses(1, 7, Clock()) == [FIRST_PAUSE, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_child_that_lived_long_starts_anew_with_the_shortest_pause() -> None:
    assert pauses(1, 3, Clock(), alive=61) == [FIRST_PAUSE, FIRST_PAUSE, FIRST_PAUSE]


def test_what_a_person_must_mend_is_not_tried_in_a_tight_loop_and_is_shown() -> None:
    clock = Clock()
    process = ends_with(2)
    child, health = Child("a", lambda: process, clock), ProcessHealth(["a"])
    child.tend(health)
    child.tend(health)
    (shown,) = health.report()["components"]
    assert shown["state"] == "failed"
    assert "exit code 2" in shown["detail"]
    clock.now += MISCONFIGURED_PAUSE - 1
    child.tend(health)
    assert child.process is None
    clock.now += 1
    child.tend(health)
    assert child.process is not None


def test_a_machine_that_has_no_room_for_a_child_ends_none_of_the_others() -> None:
    clock, tries = Clock(), []

    def start() -> "subprocess.Popen[bytes]":
        tries.append(clock.now)
        if len(tries) < 3:
            raise OSError(12, "Cannot allocate memory")
        return process

    process = ends_with(0)
    child, health = Child("a", start, clock), ProcessHealth(["a"])
    while child.process is None:
        child.tend(health)
        clock.now += 0.5
    assert tries == [1000.0, 1000.0 + FIRST_PAUSE, 1000.0 + 3 * FIRST_PAUSE]


CHILD = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path(sys.argv[1]).write_text("drained")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).write_text("up")
time.sleep(60)
"""


def test_stopping_lets_every_child_drain(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    children = [Child(file.name, starter([sys.executable, "-S", "-c", CHILD, str(file)], {})) for file in files]
    health, stop = ProcessHealth(["a", "b"]), threading.Event()
    tending = threading.Thread(target=run, args=(children, health, stop, 0.02))
    tending.start()
    until(lambda: all(file.exists() and file.read_text() == "up" for file in files))
    assert health.report()["ready"]
    stop.set()
    tending.join(60)
    assert [file.read_text() for file in files] == ["drained", "drained"]


def test_a_killed_child_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.runtime.supervisor.FIRST_PAUSE", 0.05)
    child = Child("a", starter([sys.executable, "-S", "-c", CHILD, str(tmp_path / "a")], {}))
    health, stop = ProcessHealth(["a"]), threading.Event()
    tending = threading.Thread(target=run, args=([child], health, stop, 0.02))
    tending.start()
    until(lambda: child.process is not None)
    first = child.process
    assert first is not None
    first.kill()
    until(lambda: child.process is not None and child.process is not first)
    stop.set()
    tending.join(60)
    assert health.report()["components"][0]["restarts"] == 1
