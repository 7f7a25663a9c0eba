"""Runner of session connectors: reconnects, and makes messages safe in Kafka before the protocol acknowledges them."""

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
"""Messages that arrive during one request to the broker share the next."""

PUBLISH_SECONDS = 10.0
"""Seconds without Kafka's answer until the other side is asked to slow down; gateways wait 10 to 60 s."""

LEAVE_SECONDS = 5.0
"""Seconds for a session's logout."""

LOST_SECONDS = 1.0
"""The same if another process may own the account soon."""

WATCH_SECONDS = 0.2
"""Interval in seconds of the check of the ownership."""


class Publisher(Protocol):
    """Publishes messages to Kafka."""

    async def publish_async(
        self,
        messages: Sequence[RawMessage],
        timeout: float,  # noqa: ASYNC109 - what is late must be our error, not a TimeoutError
    ) -> None:
        """Return when the broker holds them; raises UnreachableError if it may not after `timeout` seconds."""
        ...


class Memory(Protocol):
    """What an account's owner saves for the next one; it blocks."""

    def load(self) -> Cursor:
        """Return what was saved; raises RetriableError if Kafka does not answer."""
        ...

    def save(self, cursor: Cursor) -> None:
        """Save it; raises RetriableError if it may not be saved."""
        ...

    def forget(self) -> None:
        """Ask Kafka at the next `load`."""
        ...


class Outlet(Emit):
    """Makes messages safe; concurrent ones share a request to Kafka."""

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
        """Whether the other side has shown a sign of life since this was last set to False."""

    async def __call__(self, message: RawMessage) -> None:
        """Return when Kafka holds the message; raises RetriableError if it may not."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(Waiting(message, done))
        await done

    def alive(self) -> None:
        """Record a sign of life of the other side."""
        self.lively = True
        self._health.succeeded()

    async def recall(self) -> Mapping[str, Any]:
        """Return what the account's owner saved last, read anew; raises RetriableError if Kafka does not answer."""
        memory = self._memory
        if memory is None:
            return {}

        def anew() -> Cursor:
            memory.forget()  # another process may have owned the account meanwhile
            return memory.load()

        return (await self._errand(anew)).position

    async def keep(self, position: Mapping[str, Any]) -> None:
        """Return when Kafka holds it; raises RetriableError if it may not."""
        memory = self._memory
        if memory is not None:
            cursor = Cursor(connector_id="", position=dict(position))
            await self._errand(lambda: memory.save(cursor))

    async def _errand(self, work: Callable[[], T]) -> T:
        """Run blocking work in a thread, one at a time; slow work continues while its caller gets an error."""

        async def alone() -> T:
            async with self._errands:
                return await self._remembering.do(work)

        task = asyncio.create_task(alone())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # no caller may be left
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._timeout)
        except TimeoutError as error:
            raise UnreachableError(f"Kafka did not answer within {self._timeout} s: check that it runs") from error

    async def run(self) -> None:
        """Serve until cancelled; waiting callers then get an error."""
        try:
            while True:
                await settle([await self._queue.get(), *self._more()], self._published)
        finally:
            while not self._queue.empty():
                refuse(self._more(), UnreachableError("this process stops"))

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
    """Serve connections one after another until `stop` is set, then log out.

    Only the owner of the account connects; another process stands by. Temporary faults, ended connections and
    internal errors are waited out. Raises FatalError if an operator is needed, unless it worked before: with the
    present settings it may work again.
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
        """Serve connections one after another until the stop; raises permanent faults."""
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
        """Serve one connection as the owner of the account; returns None if this process does not own it, or no
        longer.
        """
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
        """Return whether to connect: as the owner; a listener also continues until another process surely owns the
        account.

        A listener also starts so while Kafka is away: two are harmless, and unheard events are lost.
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
        """Return why the connection ended, None if the account is owned no more; raises the connector's errors."""
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
        return UnreachableError("the other side closed the connection")

    async def _lost(self) -> None:
        """Return when the ownership is uncertain; for a listener when another process surely owns the account."""
        while self._lease.held or (self._listens and not self._lease.taken):  # noqa: ASYNC110 - no clock makes an event
            await asyncio.sleep(WATCH_SECONDS)


def state_of(attempt: int, fault: Exception) -> RetryCallState:
    """Return the argument of `wait_for` for a loop that retries by itself."""
    state = RetryCallState(None, None, (), {})  # type: ignore[arg-type] # the paces ask only for the attempt and the fault
    state.attempt_number = attempt
    state.set_exception((type(fault), fault, None))
    return state
