"""The runner of sessions: it connects again and again, and what comes is safe in Kafka before the protocol says yes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from tenacity import RetryCallState
from tenacity.wait import wait_base

from broker.lease import ASK_SECONDS, UNSHARED, Lease
from connectors.base import Emit, Listening, SessionConnector
from connectors.publish.durable_publisher import Waiting, refuse, settle
from connectors.runtime.health import Health
from connectors.runtime.pull import PACE, SLOW_PACE, passes, wait_for
from schemas.errors import FatalError, PipelineError, RetriableError, UnreachableError
from schemas.records import Cursor, RawMessage
from storage.thread_pool import Threads

T = TypeVar("T")

BATCH_MESSAGES = 500
"""What comes within one trip to the broker shares the next."""

PUBLISH_SECONDS = 10.0
"""After so long without Kafka's answer the other side is told to slow down; gateways wait 10 to 60 s for one."""

LEAVE_SECONDS = 5.0
"""How long a session may take its leave of the other side."""

LOST_SECONDS = 1.0
"""The same when another process may own the account soon."""

WATCH_SECONDS = 0.2
"""How often a session looks whether the account is still ours."""


class Publisher(Protocol):
    """What brings messages to Kafka."""

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """Return when the broker holds them; raises UnreachableError when it may not after `timeout` seconds."""
        ...


class Memory(Protocol):
    """What an account's owner keeps for the next one; it blocks."""

    def load(self) -> Cursor:
        """Return what was kept; raises a RetriableError when Kafka does not say."""
        ...

    def save(self, cursor: Cursor) -> None:
        """Keep it; raises a RetriableError when it may not be kept."""
        ...

    def forget(self) -> None:
        """Ask Kafka at the next `load`."""
        ...


class Outlet(Emit):
    """Makes messages safe; what comes at once shares one trip to Kafka."""

    def __init__(
        self,
        publisher: Publisher,
        health: Health,
        timeout_seconds: float = PUBLISH_SECONDS,
        memory: Memory | None = None,
    ) -> None:
        self._publisher = publisher
        self._memory = memory
        self._errands = asyncio.Lock()
        self._remembering = Threads("memory")
        self._health = health
        self._timeout = timeout_seconds
        self._queue: asyncio.Queue[Waiting[RawMessage, None]] = asyncio.Queue()
        self.lively = False
        """Whether the other side has shown that it lives since this was last set to False."""

    async def __call__(self, message: RawMessage) -> None:
        """Return when Kafka holds the message; raises a RetriableError when it may not."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(Waiting(message, done))
        await done

    def alive(self) -> None:
        """Note that the other side lives."""
        self.lively = True
        self._health.succeeded()

    async def recall(self) -> Mapping[str, Any]:
        """Return what the account's owner kept last, asked anew; raises a RetriableError when Kafka does not say."""
        memory = self._memory
        if memory is None:
            return {}

        def anew() -> Cursor:
            memory.forget()  # somebody else may have owned the account meanwhile
            return memory.load()

        return (await self._errand(anew)).position

    async def keep(self, position: Mapping[str, Any]) -> None:
        """Return when Kafka holds it; raises a RetriableError when it may not."""
        memory = self._memory
        if memory is not None:
            cursor = Cursor(connector_id="", position=dict(position))
            await self._errand(lambda: memory.save(cursor))

    async def _errand(self, work: Callable[[], T]) -> T:
        """Do what blocks in a thread, one at a time; what takes too long is left to its end, and its asker refused."""

        async def alone() -> T:
            async with self._errands:
                return await self._remembering.do(work)

        task = asyncio.create_task(alone())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to hear of it
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._timeout)
        except TimeoutError as error:
            raise UnreachableError(f"Kafka did not answer within {self._timeout} s: see that it runs") from error

    async def run(self) -> None:
        """Serve until this is cancelled; whoever waits then is refused."""
        try:
            while True:
                await settle([await self._queue.get(), *self._more()], self._published)
        finally:
            while not self._queue.empty():
                refuse(self._more(), UnreachableError("this process is stopping"))

    def _more(self) -> list[Waiting[RawMessage, None]]:
        return [self._queue.get_nowait() for _ in range(min(self._queue.qsize(), BATCH_MESSAGES - 1))]

    async def _published(self, messages: Sequence[RawMessage]) -> None:
        try:
            await self._publisher.publish_async(messages, self._timeout)
        except PipelineError as error:
            self._health.troubled(error)
            raise
        self.lively = True
        self._health.succeeded(len(messages))


async def run_session(
    connector: SessionConnector,
    publisher: Publisher,
    *,
    stop: asyncio.Event,
    health: Health,
    lease: Lease = UNSHARED,
    pace: wait_base = PACE,
    slow_pace: wait_base = SLOW_PACE,
    publish_seconds: float = PUBLISH_SECONDS,
    memory: Memory | None = None,
) -> None:
    """Serve connections one after another until `stop` is set, then take leave of the other side.

    Only the owner of the account connects; another process stands by until it is its turn. Faults of the surroundings
    are waited out, an ended connection and faults of ours too. Raises FatalError when only a person can help, unless it
    worked before: with the settings as they are it may work again.
    """
    outlet = Outlet(publisher, health, publish_seconds, memory)
    carrying = asyncio.create_task(outlet.run(), name="outlet")
    try:
        await _Session(connector, outlet, lease, stop, health).serve(pace, slow_pace)
    except FatalError as error:
        health.failed(error)
        raise
    finally:
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        await asyncio.to_thread(lease.close)
        health.stopped()


class _Session:
    """One account, connected or not."""

    def __init__(
        self, connector: SessionConnector, outlet: Outlet, lease: Lease, stop: asyncio.Event, health: Health
    ) -> None:
        self._connector = connector
        self._listens = isinstance(connector, Listening)
        self._outlet = outlet
        self._lease = lease
        self._stop = stop
        self._health = health
        self._worked_before = False

    @property
    def _worked(self) -> bool:
        return self._worked_before or self._outlet.lively

    async def serve(self, pace: wait_base, slow_pace: wait_base) -> None:
        """Serve connections one after another until told to stop; raises what does not pass."""
        attempt = 0
        while not self._stop.is_set():
            self._outlet.lively = False
            fault = await self._one_turn()
            self._worked_before = self._worked
            if fault is None or self._stop.is_set():
                continue
            self._health.troubled(fault)
            attempt = 1 if self._outlet.lively else attempt + 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait_for(state_of(attempt, fault), pace, slow_pace))

    async def _one_turn(self) -> Exception | None:
        """Serve one connection as the owner of the account; None when it is not ours, or not any more."""
        try:
            if not self._may_connect():
                await asyncio.sleep(ASK_SECONDS)
                return None
            return await self._one_connection()
        except Exception as error:
            if not passes(error, self._worked):
                raise
            return error

    def _may_connect(self) -> bool:
        """Say whether the account is ours; who listened goes on, on a new connection too, until it is surely another's.

        So begins who only listens while Kafka is away: two do no harm, and what nobody hears is lost.
        """
        try:
            return self._lease.ask(self._health.standing_by) or (
                self._worked and self._listens and not self._lease.taken
            )
        except RetriableError:
            if self._listens and not self._lease.taken:
                return True
            raise

    async def _one_connection(self) -> PipelineError | None:
        """Return why the connection ended, None when it is no longer ours; raises what the connector raises."""
        serving = asyncio.create_task(self._connector.run(self._outlet), name="session")
        ending = [asyncio.create_task(self._stop.wait()), asyncio.create_task(self._lost())]
        try:
            await asyncio.wait({serving, *ending}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                serving.cancel()
                patience = LEAVE_SECONDS if self._lease.held or self._listens else LOST_SECONDS
                await asyncio.wait({serving}, timeout=patience)
            if not serving.done() or serving.cancelled():
                return None
            serving.result()
        finally:
            for task in (serving, *ending):
                task.cancel()
        return UnreachableError("the other side ended the connection")

    async def _lost(self) -> None:
        """Return when the account is not surely ours; who only listens goes on until it is surely another's."""
        while self._lease.held or (self._listens and not self._lease.taken):  # noqa: ASYNC110 - no clock makes an event
            await asyncio.sleep(WATCH_SECONDS)


def state_of(attempt: int, fault: Exception) -> RetryCallState:
    """Return what `wait_for` asks, for a loop that retries by itself."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type] # the paces ask only for the attempt and the fault
    state.attempt_number = attempt
    state.set_exception((type(fault), fault, None))
    return state
