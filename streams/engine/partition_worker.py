"""One asyncio task per partition (lane), so that one city's restore or back-off never stalls another city."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import faust
import structlog
from faust.types import TP, EventT
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from broker import heartbeat
from schemas.codec import Inbound
from schemas.errors import FatalError, PartitionError, RetriableError, ThrottledError, UnreachableError, place_of
from streams import metrics
from streams.engine.app import Quarantines, StageApp
from streams.engine.quarantine import Quarantine
from streams.engine.transport import chunks

_log = structlog.get_logger(__name__)

DROP_SECONDS = 30.0
"""Seconds that a lane may take to end: a rebalance, and with it every city of the group, waits for it."""

HANG_SECONDS = 600.0
"""Seconds that a lane may work on its chunk without progress. Every wait inside it has a shorter limit."""

SILENT_SECONDS = 60.0
"""Seconds after which this is logged: mostly a blob store hangs."""

WATCH_SECONDS = 5.0

QUIET_SECONDS, QUIET_LOOKS = 5.0, 6
"""Seconds without a record, and how often in a row, until a partition counts as quiet.

A process that was frozen in between starts to count again: it may have lost its partitions, and learns so within a
second.
"""

Crash = Callable[[BaseException], Awaitable[None]]


class Chunk(NamedTuple):
    """The records of one partition in one fetch, oldest first."""

    tp: TP
    records: list[Inbound]
    event: EventT[Any]

    def ack(self) -> None:
        """Acknowledge: Kafka holds everything that these records led to, so the offset may be committed."""
        self.event.ack()

    def rest(self, resting: bool) -> None:
        """Set whether the chunk has not started and waits for its turn: neither a rebalance nor a shutdown waits for
        it.
        """
        message: Any = self.event.message
        message.resting = resting

    def park(self, keep: list[Inbound]) -> None:
        """Let the next chunks come although this one waits for something slow; only `keep` stays in memory."""
        message: Any = self.event.message
        message.park(keep)


Handle = Callable[[TP, Chunk], Awaitable[None]]
"""Processes one chunk and acknowledges it. RetriableError repeats it, PartitionError quarantines its partition.

Any other exception quarantines it, too, except faults of the process: FatalError, MemoryError, or an error in more
than half of the partitions. These stop the worker, so that it starts anew.
"""

Look = Callable[[TP], Awaitable[None]]
"""Called again and again for a quiet partition; raises as a handler does."""


class Lanes:
    """A queue and a task for each partition; chunks of one partition are handled in order, one at a time."""

    def __init__(
        self,
        handle: Handle,
        crash: Crash,
        *,
        name: str = "lanes",
        max_wait_seconds: float = 30.0,
        look: Look | None = None,
    ) -> None:
        self._handle = handle
        self._look = look
        self._crash = crash
        self._name = name
        self._wait = wait_random_exponential(multiplier=0.2, max=max_wait_seconds)
        self._queues: dict[TP, asyncio.Queue[Chunk]] = {}
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._pulses: dict[TP, heartbeat.Pulse] = {}
        self._delays: dict[TP, str] = {}
        self._quarantine = Quarantine(name)

    def quarantined(self) -> Quarantines:
        """Return the partitions in quarantine, and the number of partitions including them."""
        return Quarantines(self._quarantine.report(), len(self._tasks))

    def trouble(self) -> str | None:
        """Return why a lane does not progress, or None if all do."""
        silent = max((one.silent_seconds() for one in self._pulses.values()), default=0.0)
        if silent > SILENT_SECONDS:
            return f"a partition has waited for {silent:.0f} s for a service that says nothing: see `hotline doctor`"
        return next(iter(self._delays.values()), None)

    def put(self, event: EventT[Any]) -> None:
        """Put a chunk into its partition's queue; returns at once."""
        tp, value = event.message.tp, event.message.value
        records: Any = value
        self.begin([tp])
        chunk = Chunk(tp, records, event)
        if tp in self._quarantine:
            chunk.rest(True)
        self._queues[tp].put_nowait(chunk)

    def begin(self, assigned: Iterable[TP]) -> None:
        """Start the tasks of these partitions, even if no record comes."""
        for tp in assigned:
            if tp not in self._tasks:
                self._queues[tp] = asyncio.Queue()
                self._tasks[tp] = asyncio.create_task(self._run(tp), name=f"{self._name} {tp.topic} {tp.partition}")

    def waiting(self, tp: TP) -> int:
        """Return the number of a partition's chunks that have not started."""
        return self._queues[tp].qsize() if tp in self._tasks else 0

    async def drop(self, revoked: Iterable[TP]) -> None:
        """Cancel the tasks of these partitions and wait for their end; unacknowledged records are read again.

        A task that does not end stops the worker: a Kafka client may hang, and the group must not wait for it for
        ever.
        """
        gone = list(revoked)
        tasks = [task for tp in gone if (task := self._tasks.pop(tp, None))]
        for tp in gone:
            self._pulses.pop(tp, None)
            self._delays.pop(tp, None)
            self._quarantine.leave(tp)
        for task in tasks:
            task.cancel()
        left = (await asyncio.wait(tasks, timeout=DROP_SECONDS))[1] if tasks else ()
        if left:
            _log.error("lane_does_not_end", stage=self._name, lanes=sorted(task.get_name() for task in left))
            await self._crash(FatalError(f"a lane of {self._name} does not end: the worker must restart"))

    async def watch(self) -> None:
        """Stop the worker if a lane hangs: otherwise it would keep the partition, and its cities would stand still for
        good.

        The partition's next owner reads the unacknowledged records again.
        """
        while not (hanging := self._hanging()):  # noqa: ASYNC110 - a lane that hangs sets no event
            await asyncio.sleep(WATCH_SECONDS)
        _log.error("lane_hangs", stage=self._name, lanes=hanging)
        await self._crash(
            FatalError(f"a lane of {self._name} has made no progress for {HANG_SECONDS:.0f} s: the worker must restart")
        )

    def _hanging(self) -> dict[str, str]:
        """Return the hanging lanes, each with its place in the code."""
        silent = [tp for tp, one in self._pulses.items() if one.silent_seconds() > HANG_SECONDS]
        return {self._tasks[tp].get_name(): _place(self._tasks[tp]) for tp in silent}

    async def close(self) -> None:
        """Cancel every task."""
        await self.drop(list(self._tasks))

    async def _run(self, tp: TP) -> None:
        queue, own = self._queues[tp], heartbeat.begin()
        self._pulses[tp] = own
        try:
            while True:
                own.working = False
                chunk = await self._next(queue)
                own.beat()
                own.working = True
                if chunk is not None:
                    await self._until_done(own, chunk, self._handle, tp, chunk)
                elif self._look is not None:
                    await self._until_done(own, None, self._look, tp)
                self._delays.pop(tp, None)
        except Exception as error:  # noqa: BLE001 - the top of a task: a bug must stop the worker, not pass unseen
            await self._crash(self._fatal(error))

    async def _next(self, queue: "asyncio.Queue[Chunk]") -> Chunk | None:
        """Return the next chunk, or None if the partition is quiet and a look at it is due."""
        if self._look is None:
            return await queue.get()
        looks = 0
        while looks < QUIET_LOOKS:
            began = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET_SECONDS):
                    return await queue.get()
            looks = looks + 1 if time.monotonic() - began < 2 * QUIET_SECONDS else 0
        return None

    async def _until_done(
        self, own: heartbeat.Pulse, chunk: Chunk | None, work: Callable[..., Awaitable[None]], tp: TP, *arguments: Any
    ) -> None:
        """Run the work until it is done, with a quarantine after each PartitionError."""
        while True:
            try:
                await self._retried(work, tp, *arguments)
            except PartitionError as error:
                fault: Exception = error
            except (FatalError, MemoryError):
                raise
            except Exception as error:
                if 2 * (len(self._quarantine) + (tp not in self._quarantine)) > len(self._tasks):
                    raise  # no fault of the partition: a new process has new clients
                fault = error
            else:
                return self._quarantine.leave(tp)
            await self._wait_in_quarantine(own, tp, chunk, fault)

    async def _wait_in_quarantine(self, own: heartbeat.Pulse, tp: TP, chunk: Chunk | None, fault: Exception) -> None:
        """Wait for the next try. Neither a rebalance nor a shutdown waits for these chunks meanwhile."""
        queue = self._queues[tp]
        chunks = [queue.get_nowait() for _ in range(queue.qsize())]
        for one in chunks:
            queue.put_nowait(one)
        chunks += [chunk] if chunk is not None else []
        self._delays.pop(tp, None)
        pause = self._quarantine.enter(tp, fault, [record for one in chunks for record in one.records])
        for one in chunks:
            one.rest(True)
        own.working = False
        await asyncio.sleep(pause)
        own.beat()
        own.working = True
        if chunk is not None:
            chunk.rest(False)

    async def _retried(self, work: Callable[..., Awaitable[None]], tp: TP, *arguments: Any) -> None:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(RetriableError),
            wait=self._pause,
            before_sleep=partial(self._delayed, tp),
            reraise=True,
        )
        await retrying(self._worked, work, tp, *arguments)

    async def _worked(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Run the work. A cancellation that was not requested comes from a Kafka client and must not end the lane.

        aiokafka's `stop` leaks the cancellation of a fetch that waits for its answer. The lane ended silently, and
        its city stood still for good.
        """
        heartbeat.beat()
        try:
            await work(*arguments)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise UnreachableError("a Kafka client was closed while it waited for a response") from error

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.retry_after if isinstance(error, ThrottledError) else None
        return told if told is not None else self._wait(state)

    def _delayed(self, tp: TP, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._delays[tp] = str(error)
        metrics.RETRIES.labels(stage=self._name, error=type(error).__name__).inc()
        _log.warning("chunk_delayed", stage=self._name, attempt=state.attempt_number, reason=str(error))

    def _fatal(self, error: Exception) -> FatalError:
        """Return the error that stops the worker: of a foreign exception its place, not its text, which may quote a
        message.
        """
        place = place_of(error)
        _log.error("lane_failed", stage=self._name, error=type(error).__name__, at=place)
        if isinstance(error, FatalError):
            return error
        return FatalError(
            f"{self._name} failed with {type(error).__name__} at {place}; no record of the chunk was "
            "acknowledged. Report this line; the worker reads the chunk again after a restart."
        )


def _place(task: "asyncio.Task[None]") -> str:
    """Return the file and line at which a task waits."""
    waits: Any = task.get_coro()
    while hasattr(getattr(waits, "cr_await", None), "cr_frame"):
        waits = waits.cr_await
    frame = waits.cr_frame
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def declare(app: faust.App, name: str, topics: Iterable[str], handle: Handle, look: Look | None = None) -> Lanes:
    """Attach an agent to `app` that puts each chunk of `topics` into its partition's lane."""
    lanes = attached(app, Lanes(handle, app.crash, name=name, look=look))

    @app.agent(chunks(app, topics), name=name)
    async def deliver(stream: Any) -> None:
        async for event in stream.noack().events():
            lanes.put(event)

    return lanes


def attached(app: faust.App, lanes: Lanes) -> Lanes:
    """End the lanes of revoked partitions, and all lanes with the app; a hanging one ends the app."""

    async def revoked(app: Any, revoked: Any, *_: Any, **__: Any) -> None:
        await lanes.drop(revoked)

    async def stopping(app: Any, *_: Any, **__: Any) -> None:
        await lanes.close()

    if isinstance(app, StageApp):
        app.troubles.append(lanes.trouble)
        app.quarantines.append(lanes.quarantined)
    signals: Any = app  # Faust's own types do not know that a handler may be a coroutine; its decorator is untyped
    signals.task(lanes.watch)
    signals.on_partitions_revoked.connect(revoked)
    signals.on_before_shutdown.connect(stopping)
    return lanes
