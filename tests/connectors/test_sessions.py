"""Sessions: what comes is safe before it is acknowledged; the connection is made again; a stop takes its leave."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from tenacity import wait_none

from connectors.base import Emit
from connectors.runtime.health import Health
from connectors.runtime.session import WATCH_SECONDS, Outlet, run_session
from schemas.errors import MisconfiguredError, UnauthorizedError, UnreachableError
from schemas.records import Cursor, RawMessage
from schemas.records.raw import raw_message
from tests.waiting import soon

NOW = datetime(2026, 3, 2, tzinfo=UTC)

Serve = Callable[[Emit], Awaitable[None]]


class Broker:
    def __init__(self) -> None:
        self.held: list[str] = []
        self.trips = 0
        self.refuses = 0
        self.poison: str | None = None

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - as the publisher has it
        self.trips += 1
        await asyncio.sleep(0)
        if self.refuses:
            self.refuses -= 1
            raise UnreachableError("no broker")
        if any(message.envelope.id == self.poison for message in messages):
            raise RuntimeError("poison")
        self.held += [message.envelope.id for message in messages]


class Scripted:
    channel: ClassVar[str] = "sms"

    def __init__(self, *connections: Serve) -> None:
        self._connections = list(connections)
        self.made = 0

    async def run(self, emit: Emit) -> None:
        self.made += 1
        if self._connections:
            await self._connections.pop(0)(emit)
        else:
            await asyncio.Event().wait()


def message(identifier: str) -> RawMessage:
    return raw_message(
        channel="sms", channel_kind="sms_smpp", account="city", jurisdiction="210100", identifier=identifier,
        value=b"x", content_type="application/x-smpp", time=NOW, recorded=NOW, sender="1",
    )  # fmt: skip


async def run(connector: Scripted, broker: Broker, health: Health, until: Callable[[], bool]) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_session(connector, broker, stop=stop, health=health, pace=wait_none(), slow_pace=wait_none())
    )
    while not until() and not running.done():  # noqa: ASYNC110 - whatever it is that the test waits for
        await asyncio.sleep(0)
    stop.set()
    await running


@pytest.fixture
def health() -> Health:
    return Health("city", "sms")


async def test_what_comes_at_once_shares_a_trip(health: Health) -> None:
    broker = Broker()

    async def serve(emit: Emit) -> None:
        await asyncio.gather(*(emit(message(str(number))) for number in range(100)))
        await asyncio.Event().wait()

    await run(Scripted(serve), broker, health, lambda: len(broker.held) == 100)
    assert broker.held == [str(number) for number in range(100)]
    assert broker.trips < 5


async def test_nothing_is_acknowledged_while_kafka_refuses(health: Health) -> None:
    broker, acknowledged, throttled = Broker(), [], []
    broker.refuses = 2

    async def serve(emit: Emit) -> None:
        while not acknowledged:
            try:
                await emit(message("1"))
                acknowledged.append(list(broker.held))
            except UnreachableError:
                throttled.append(list(broker.held))
        await asyncio.Event().wait()

    await run(Scripted(serve), broker, health, lambda: bool(acknowledged))
    assert throttled == [[], []]
    assert acknowledged == [["1"]]
    assert health.report.errors == 2


async def test_one_message_that_cannot_be_published_spoils_no_other(health: Health) -> None:
    broker, failed = Broker(), []
    broker.poison = "7"

    async def one(emit: Emit, number: int) -> None:
        try:
            await emit(message(str(number)))
        except RuntimeError:
            failed.append(number)

    async def serve(emit: Emit) -> None:
        await asyncio.gather(*(one(emit, number) for number in range(10)))
        await asyncio.Event().wait()

    await run(Scripted(serve), broker, health, lambda: len(broker.held) == 9 and bool(failed))
    assert failed == [7]
    assert sorted(broker.held) == [str(number) for number in range(10) if number != 7]


@pytest.mark.parametrize("fault", [UnreachableError("gone"), UnauthorizedError("refused"), KeyError("ours"), None])
async def test_an_ended_connection_is_made_again(health: Health, fault: Exception | None) -> None:
    async def end(emit: Emit) -> None:
        emit.alive()
        if fault:
            raise fault

    connector = Scripted(end, end)
    await run(connector, Broker(), health, lambda: connector.made == 3)
    assert connector.made == 3
    assert health.report.state == "stopped"
    assert health.report.last_error == type(fault or UnreachableError("")).__name__


async def test_what_worked_before_is_tried_again(health: Health) -> None:
    async def serve(emit: Emit) -> None:
        emit.alive()

    async def broken(emit: Emit) -> None:
        raise MisconfiguredError("ssl_cafile holds no certificates")

    connector = Scripted(serve, broken)
    await run(connector, Broker(), health, lambda: connector.made == 3)
    assert health.report.state == "stopped"


async def test_what_only_a_person_can_mend_stops_it(health: Health) -> None:
    async def serve(emit: Emit) -> None:
        raise MisconfiguredError("correct it")

    with pytest.raises(MisconfiguredError):
        await run(Scripted(serve), Broker(), health, lambda: False)
    assert health.report.state == "failed"


async def test_a_stop_lets_the_session_take_its_leave(health: Health) -> None:
    told: list[str] = []

    async def serve(emit: Emit) -> None:
        told.append("bound")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("unbound")

    await run(Scripted(serve), Broker(), health, lambda: bool(told))
    assert told == ["bound", "unbound"]


async def test_who_waits_for_kafka_at_a_stop_is_refused(health: Health) -> None:
    refused: list[Exception] = []

    class Silent(Broker):
        async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - as the publisher has it
            self.trips += 1
            await asyncio.Event().wait()

    broker = Silent()

    async def deliver(emit: Emit, number: int) -> None:
        try:
            await emit(message(str(number)))
        except UnreachableError as error:
            refused.append(error)

    waiting: list[asyncio.Task[None]] = []

    async def serve(emit: Emit) -> None:
        waiting.extend(asyncio.create_task(deliver(emit, number)) for number in range(3))
        await asyncio.Event().wait()

    await run(Scripted(serve), broker, health, lambda: broker.trips == 1 and len(waiting) == 3)
    await asyncio.gather(*waiting)
    assert len(refused) == 3


class Shared:
    """A lease that a test gives and takes."""

    held = False
    taken = False
    closed = False

    def ask(self, standing_by: Callable[[], None]) -> bool:
        if not self.held:
            standing_by()
        return self.held

    def close(self) -> None:
        self.closed = True


def endless() -> tuple[asyncio.Event, Callable[[Emit], Awaitable[None]]]:
    """Return a connection that lasts until it is left, and what tells that it was."""
    left = asyncio.Event()

    async def serve(emit: Emit) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    return left, serve


async def test_only_the_owner_of_the_account_connects_and_it_leaves_when_it_is_none_any_more(health: Health) -> None:
    left, serve = endless()
    connector, lease, stop = Scripted(serve, serve), Shared(), asyncio.Event()
    running = asyncio.create_task(run_session(connector, Broker(), stop=stop, health=health, lease=lease))
    async with asyncio.timeout(60):
        await soon(lambda: health.report.state == "standby")
        assert connector.made == 0
        lease.held = True
        await soon(lambda: connector.made)
        lease.held = False
        await left.wait()
        await soon(lambda: health.report.state == "standby")
        stop.set()
        await running
    assert (connector.made, health.report.errors, lease.closed) == (1, 0, True)


class Listener(Scripted):
    listens: ClassVar[bool] = True


async def test_who_only_listens_goes_on_until_another_is_known_to_listen(health: Health) -> None:
    """While Kafka is away nobody can say whose the account is, and what is not heard then nobody tells again."""
    left, serve = endless()
    connector, lease, stop = Listener(serve), Shared(), asyncio.Event()
    running = asyncio.create_task(run_session(connector, Broker(), stop=stop, health=health, lease=lease))
    async with asyncio.timeout(60):
        lease.held = True
        await soon(lambda: connector.made)
        lease.held = False
        await asyncio.sleep(3 * WATCH_SECONDS)
        assert not left.is_set()
        lease.taken = True
        await left.wait()
        await soon(lambda: health.report.state == "standby")
        stop.set()
        await running
    assert connector.made == 1


class Unasked(Shared):
    """A lease that nobody can tell of while it is not held."""

    def ask(self, standing_by: Callable[[], None]) -> bool:
        if not self.held and not self.taken:
            raise UnreachableError("Kafka is away")
        return super().ask(standing_by)


async def test_who_only_listens_begins_while_nobody_can_tell_whose_the_account_is(health: Health) -> None:
    left, serve = endless()
    connector, lease, stop = Listener(serve), Unasked(), asyncio.Event()
    running = asyncio.create_task(run_session(connector, Broker(), stop=stop, health=health, lease=lease))
    async with asyncio.timeout(60):
        await soon(lambda: connector.made)
        lease.taken = True
        await left.wait()
        stop.set()
        await running


@pytest.mark.parametrize("kind", [Shared, Unasked])
async def test_who_listened_connects_again_while_nobody_can_tell_whose_the_account_is(
    health: Health, kind: type[Shared]
) -> None:
    cut = asyncio.Event()

    async def serve(emit: Emit) -> None:
        emit.alive()
        await cut.wait()
        cut.clear()

    connector, lease, stop = Listener(serve), kind(), asyncio.Event()
    lease.held = True
    running = asyncio.create_task(
        run_session(connector, Broker(), stop=stop, health=health, lease=lease, pace=wait_none(), slow_pace=wait_none())
    )
    async with asyncio.timeout(60):
        await soon(lambda: connector.made)
        lease.held = False
        cut.set()
        await soon(lambda: connector.made != 1)
        lease.taken = True
        await soon(lambda: health.report.state == "standby")
        stop.set()
        await running
    assert connector.made == 2


class Notebook:
    """Kept for the next owner, in a thread; hangs when it is told to."""

    def __init__(self) -> None:
        self.position: dict[str, Any] = {"step": 7}
        self.forgotten = 0
        self.at_once = 0
        self.most_at_once = 0
        self.answers = threading.Event()
        self.answers.set()

    def load(self) -> Cursor:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.answers.wait(60)
        self.at_once -= 1
        return Cursor(connector_id="city", position=self.position)

    def save(self, cursor: Cursor) -> None:
        self.position = cursor.position

    def forget(self) -> None:
        self.forgotten += 1


async def test_a_session_recalls_and_keeps_and_asks_anew_with_each_connection() -> None:
    recalled, notebook, stop = [], Notebook(), asyncio.Event()

    async def serve(emit: Emit) -> None:
        recalled.append(await emit.recall())
        await emit.keep({"step": len(recalled)})

    async def last(emit: Emit) -> None:
        await serve(emit)
        stop.set()

    await run_session(
        Scripted(serve, last), Broker(), stop=stop, health=Health("city", "sms"), pace=wait_none(), memory=notebook
    )
    assert recalled == [{"step": 7}, {"step": 1}]
    assert notebook.position == {"step": 2}
    assert notebook.forgotten == 2


async def test_a_notebook_that_takes_too_long_refuses_and_is_asked_by_one_at_a_time() -> None:
    notebook = Notebook()
    notebook.answers.clear()
    outlet = Outlet(Broker(), Health("city", "sms"), 0.05, notebook)
    for _ in range(3):
        with pytest.raises(UnreachableError):
            await outlet.recall()
    notebook.answers.set()
    async with asyncio.timeout(60):
        while (told := await recalled(outlet)) is None:
            pass
    assert told == {"step": 7}
    assert notebook.most_at_once == 1


async def recalled(outlet: Outlet) -> Mapping[str, Any] | None:
    try:
        return await outlet.recall()
    except UnreachableError:
        return None


async def test_a_notebook_is_asked_by_a_thread_that_nobody_else_has(busy_threads: None) -> None:
    outlet = Outlet(Broker(), Health("city", "sms"), 60, Notebook())
    assert await outlet.recall() == {"step": 7}


async def test_who_has_no_notebook_recalls_nothing() -> None:
    outlet = Outlet(Broker(), Health("city", "sms"))
    await outlet.keep({"step": 1})
    assert await outlet.recall() == {}
