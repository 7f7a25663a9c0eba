"""Runs components in this process until SIGTERM: all of them drain, and one that fails ends the others."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import structlog
from msgspec import Struct

from hotline.runtime import watchdog
from hotline.runtime.health import Probe, ProcessHealth
from hotline.runtime.supervisor import MISCONFIGURED
from schemas.errors import FatalError, MisconfiguredError, PipelineError, UnauthorizedError, UnreachableError

Run = Callable[[asyncio.Event], Awaitable[None]]
"""Works until the event is set, drains, and returns; raises an error of the pipeline if it cannot go on."""

_log = structlog.get_logger(__name__)

ORPHANED_SECONDS = 1.0

DRAIN_SECONDS = 45.0
"""Seconds that the others have after a signal, or the end of a component: slightly more than `run all` gives a child.

A hanging end would prevent the restart for good; nothing acknowledged is lost by killing it.
"""


class Component(Struct, frozen=True, kw_only=True):
    """One thing that `hotline run` runs."""

    name: str
    run: Run
    probe: Probe | None = None
    isolated: bool = False
    """A fault that needs an operator ends no other component: it is one of many accounts in a process."""


def blocking(work: Callable[[threading.Event], None]) -> Run:
    """Make a component of a function that blocks: it gets a thread of its own and an event that says stop."""

    async def run(stop: asyncio.Event) -> None:
        told = threading.Event()
        # The loop's own pool is small: the seventh mailbox of a process would wait in it for ever.
        own = ThreadPoolExecutor(1, "component")
        working = asyncio.create_task(_in(own, work, told))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        told.set()
        own.shutdown(wait=False)
        await working

    return run


async def _in(executor: ThreadPoolExecutor, work: Callable[[threading.Event], None], told: threading.Event) -> None:
    await asyncio.get_running_loop().run_in_executor(executor, work, told)


class Deadline:
    """Ends this process, even if it hangs, some time after it was asked to end."""

    def __init__(self, seconds: float = DRAIN_SECONDS, leave: Callable[[int], None] = os._exit) -> None:
        self._seconds = seconds
        self._leave = leave
        self._timer: threading.Timer | None = None
        self._code = 1

    def note(self, fault: BaseException) -> None:
        """Make the exit code say that an operator must act: the supervisor then waits before a restart."""
        if isinstance(fault, MisconfiguredError | UnauthorizedError):
            self._code = MISCONFIGURED

    def begin(self) -> None:
        """Count from now; safe twice."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._end)
            self._timer.daemon = True  # the interpreter's own end waits for other threads, and not for this one
            self._timer.start()

    def _end(self) -> None:
        frames = sys._current_frames()
        hanging = {one.name: _place(frames[one.ident]) for one in threading.enumerate() if one.ident in frames}
        _log.error("process_does_not_end", seconds=self._seconds, threads=hanging)
        self._leave(self._code)


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


async def serve(
    components: Sequence[Component], health: ProcessHealth, parent: int | None = None, deadline: Deadline | None = None
) -> None:
    """Run the components until a signal, the end of process `parent`, or a fault, which is raised after all drained.

    From then on the `deadline` counts.
    """
    stop = asyncio.Event()
    _listen(stop)
    counting = asyncio.create_task(_count(stop, deadline)) if deadline else None
    watching = asyncio.create_task(_watch(parent, stop)) if parent else None
    feeding = asyncio.create_task(watchdog.run())
    left = {one.name for one in components}
    results = await asyncio.gather(
        *(_one(one, health, left, stop, deadline) for one in components), return_exceptions=True
    )
    for task in filter(None, (watching, counting, feeding)):
        task.cancel()
    faults = [fault for fault in results if isinstance(fault, BaseException)]
    # a fault for an operator is reported before one that may end by itself
    for fault in sorted(faults, key=lambda fault: not isinstance(fault, FatalError)):
        raise fault


def _listen(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _count(stop: asyncio.Event, deadline: Deadline) -> None:
    await stop.wait()
    deadline.begin()


async def _watch(parent: int, stop: asyncio.Event) -> None:
    """Stop when the process that started us is gone: a killed parent leaves no orphans."""
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel gives no event for it on every system
        await asyncio.sleep(ORPHANED_SECONDS)
    stop.set()


async def _one(
    component: Component, health: ProcessHealth, left: set[str], stop: asyncio.Event, deadline: Deadline | None
) -> None:
    if component.probe:
        health.watch(component.name, component.probe)
    alone = False
    health.set(component.name, "running")
    _log.info("component_started", component=component.name)
    try:
        await component.run(stop)
        if not stop.is_set():
            raise UnreachableError(f"{component.name} ended unexpectedly: see the log above.")
        health.set(component.name, "stopped")
        _log.info("component_stopped", component=component.name)
    except (
        Exception,
        asyncio.CancelledError,
    ) as error:  # a library leaked its own cancellation
        sentence = str(error) if isinstance(error, PipelineError) else None
        health.set(component.name, "failed", sentence)
        _log.error("component_failed", component=component.name, error=type(error).__name__, sentence=sentence)
        alone = component.isolated and isinstance(error, FatalError)
        if deadline:
            deadline.note(error)
        raise
    finally:
        left.discard(component.name)
        if not (alone and left):
            stop.set()
