"""Beginning and ending a client of Kafka: aiokafka's own `start` and `stop` may hang, or let a cancellation out.

Its `stop` waits for tasks of its own, and lets the end of a fetch that waits for an answer out as a cancellation: who
awaits it would be gone without a word. So it is awaited in a task of its own, and not for ever.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from schemas.errors import FatalError, UnreachableError

START_SECONDS = 60.0
"""How long a client may take to start; aiokafka gives each of its own requests up after 40 s."""

CLOSE_SECONDS = 5.0
"""How long a client may take to stop while Kafka does not answer."""

LEAVE_SECONDS = 10.0
"""The same of one that is in a group: Kafka gives a member that says nothing up after so long anyway."""

STUCK_SECONDS = 120.0
"""aiokafka gives a batch up after 40 s.

One that is neither delivered nor given up by then never will be: its client has come to an end without a word.
"""

SILENT_SECONDS = 180.0
"""So long nothing comes of a log that has more, before another client tries and begins anew: a broker with too much to
do was seen to take over a minute, and was asked for everything again.
"""

_NO_BROKER = "bootstrap"
"""What aiokafka asserts of a cluster without a broker ("Did we not perform bootstrap?")."""

METADATA_MS = 10_000
"""How often a member of a group looks for new partitions: until it knows of them nobody reads them. The libraries' own
5 minutes would delay an emergency.
"""


class Progress:
    """Where a reader of Kafka stands that has more to read, and since when it has stood there."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._place: object = None
        self._moved = time.monotonic()

    def at(self, place: object) -> None:
        """Note where it stands. Raises UnreachableError when that has been the same for too long."""
        now = time.monotonic()
        if place != self._place:
            self._place, self._moved = place, now
        elif now - self._moved > self._seconds:
            raise UnreachableError(
                f"Kafka has not given {self._what} for {self._seconds:.0f} s, and has more: see that it runs, or ask "
                "`hotline doctor`"
            )


Call = Callable[[], Coroutine[Any, Any, Any]]


class Client(Protocol):
    """A producer or a consumer of aiokafka."""

    async def start(self) -> None:
        """Connect."""
        ...

    async def stop(self) -> None:
        """Let go."""
        ...


ClientT = TypeVar("ClientT", bound=Client)
T = TypeVar("T")


async def started(start: Call) -> None:
    """Return when a client has started.

    Raises what it raises, and UnreachableError when it takes too long, or a broker that begins names none yet.
    """
    try:
        await brought(start(), START_SECONDS)
    except AssertionError as error:
        if _NO_BROKER not in str(error):
            raise
        raise UnreachableError("Kafka names no broker yet") from error


async def brought(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Return what a client brings. Raises what it raises, and UnreachableError when it does not end in time.

    What does not end is cancelled and left behind: to abort a transaction may hang as its commit did.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_look_at)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise UnreachableError(f"a Kafka client has not answered for {seconds:.0f} s: see `hotline doctor`")
        if task.cancelled():
            raise UnreachableError("a Kafka client was closed while it waited for an answer")
        return task.result()
    finally:
        task.cancel()


async def closed(stop: Call, seconds: float | None = None) -> bool:
    """Let a client go, and say whether it ended as it should; one that does not is left to the garbage."""
    ending = asyncio.create_task(stop(), name="closing")
    ending.add_done_callback(_look_at)
    try:
        await asyncio.wait({ending}, timeout=CLOSE_SECONDS if seconds is None else seconds)
    finally:
        ending.cancel()
    return ending.done() and not ending.cancelled() and ending.exception() is None


@asynccontextmanager
async def in_time(seconds: float = STUCK_SECONDS) -> AsyncIterator[None]:
    """Raise FatalError when the client forgets what it was given: only a new one helps."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise FatalError("the Kafka client neither delivers nor gives up: the worker has to start again") from error


@asynccontextmanager
async def running(client: ClientT, close_seconds: float | None = None) -> AsyncIterator[ClientT]:
    """Start a client, and let it go at the end, however that comes. Raises as `started` does."""
    try:
        await started(client.start)
        yield client
    finally:
        await closed(client.stop, close_seconds)


def _look_at(ending: "asyncio.Task[Any]") -> None:
    if not ending.cancelled():
        ending.exception()  # nobody waits for it any more, and asyncio would complain of one that nobody saw
