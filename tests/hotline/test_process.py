"""Components in one process: they drain together, and a fault of one ends the others with the right error."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hotline.runtime.health import ProcessHealth
from hotline.runtime.process import Component, Deadline, blocking, serve
from schemas.errors import FatalError, MisconfiguredError, UnreachableError
from tests.waiting import soon, until


async def until_told(stop: asyncio.Event) -> None:
    await stop.wait()


async def misconfigured(stop: asyncio.Event) -> None:
    raise MisconfiguredError("set something")


async def unreachable(stop: asyncio.Event) -> None:
    raise UnreachableError("no answer")


async def forgetful(stop: asyncio.Event) -> None:
    return


def states(health: ProcessHealth) -> dict[str, str]:
    return {component["component"]: component["state"] for component in health.report()["components"]}


async def test_a_signal_lets_every_component_drain() -> None:
    drained: list[str] = []

    def work(stop: threading.Event) -> None:
        stop.wait()
        drained.append("thread")

    async def task(stop: asyncio.Event) -> None:
        await stop.wait()
        drained.append("task")

    health = ProcessHealth(["a", "b"])
    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    await serve([Component(name="a", run=task), Component(name="b", run=blocking(work))], health)
    assert sorted(drained) == ["task", "thread"]
    assert states(health) == {"a": "stopped", "b": "stopped"}


async def test_what_a_person_must_mend_is_told_first() -> None:
    health = ProcessHealth(["a", "b", "c"])
    runs = [
        Component(name="a", run=unreachable),
        Component(name="b", run=misconfigured),
        Component(name="c", run=until_told),
    ]
    with pytest.raises(FatalError, match="set something"):
        await serve(runs, health)
    assert states(health) == {"a": "failed", "b": "failed", "c": "stopped"}


async def test_a_component_that_ends_by_itself_is_a_fault() -> None:
    with pytest.raises(UnreachableError, match="ended unexpectedly"):
        await serve([Component(name="a", run=forgetful)], ProcessHealth(["a"]))


async def test_an_account_that_only_a_person_can_mend_ends_no_other_account() -> None:
    health = ProcessHealth(["a", "b"])
    working = asyncio.Event()

    async def work(stop: asyncio.Event) -> None:
        working.set()
        await stop.wait()

    both = [
        Component(name="a", run=misconfigured, isolated=True),
        Component(name="b", run=work, isolated=True),
    ]
    running = asyncio.create_task(serve(both, health))
    await working.wait()
    await soon(lambda: states(health) == {"a": "failed", "b": "running"}, lambda: str(states(health)))
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(MisconfiguredError):
        await running
    assert states(health) == {"a": "failed", "b": "stopped"}
    with pytest.raises(MisconfiguredError):  # the last one ends the process
        await serve(both[:1], health)


async def test_more_threads_work_at_once_than_the_loop_has() -> None:
    all_there, passed = threading.Barrier(40, timeout=60), []

    def work(stop: threading.Event) -> None:
        passed.append(all_there.wait())
        stop.wait()

    names = [f"a{number}" for number in range(40)]
    running = asyncio.create_task(
        serve([Component(name=name, run=blocking(work)) for name in names], ProcessHealth(names))
    )
    await soon(lambda: len(passed) == 40 or running.done())
    os.kill(os.getpid(), signal.SIGTERM)
    await running


async def test_a_fault_in_a_thread_comes_out() -> None:
    def work(stop: threading.Event) -> None:
        raise MisconfiguredError("set something")

    with pytest.raises(MisconfiguredError):
        await serve([Component(name="a", run=blocking(work))], ProcessHealth(["a"]))


ORPHAN = """
import asyncio, os, pathlib, sys
from hotline.runtime.health import ProcessHealth
from hotline.runtime.process import Component, serve

async def run(stop):
    pathlib.Path(sys.argv[1]).write_text("up")
    await stop.wait()
    pathlib.Path(sys.argv[1]).write_text("drained")

asyncio.run(serve([Component(name="a", run=run)], ProcessHealth(["a"]), int(sys.argv[2])))
"""

PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2], str(os.getpid())], start_new_session=True)
time.sleep(60)
"""


def test_a_child_whose_parent_was_killed_drains_and_ends(tmp_path: Path) -> None:
    says = tmp_path / "says"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ORPHAN, str(says)])
    until(lambda: says.exists() and says.read_text() == "up", "the child never began")
    parent.kill()
    parent.wait()
    until(lambda: says.read_text() == "drained", "the child never drained")


HANGS = """
import asyncio, sys, threading
from hotline.runtime import process
from hotline.runtime.health import ProcessHealth
from schemas import errors

async def fails(stop):
    raise getattr(errors, sys.argv[2])("no answer")

async def hangs(stop):
    await asyncio.Event().wait()

def blocks(stop):
    threading.Event().wait()

other = process.blocking(blocks) if sys.argv[1] == "thread" else hangs
pair = [process.Component(name="a", run=fails), process.Component(name="b", run=other)]
asyncio.run(process.serve(pair, ProcessHealth(["a", "b"]), None, process.Deadline(0.3)))
"""


@pytest.mark.parametrize("where", ["task", "thread"])
@pytest.mark.parametrize(("fault", "code"), [("UnreachableError", 1), ("FatalError", 1), ("UnauthorizedError", 2)])
def test_what_hangs_in_its_end_keeps_nobody_from_being_started_again(where: str, fault: str, code: int) -> None:
    """Nor does it hide that a person must act."""
    done = subprocess.run(
        [sys.executable, "-c", HANGS, where, fault], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code
    assert "process_does_not_end" in done.stdout + done.stderr


async def test_who_ends_in_time_meets_no_deadline() -> None:
    left: list[int] = []
    # It goes on counting here, where the process lives on: it must not tell of that in the middle of another test.
    deadline = Deadline(86_400, leave=left.append)
    with pytest.raises(UnreachableError):
        await serve([Component(name="a", run=unreachable)], ProcessHealth(["a"]), None, deadline)
    assert left == []
