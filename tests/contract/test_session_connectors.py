"""What every session connector must do, with a server of its protocol on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import pytest

from connectors.asterisk.connector import Asterisk
from connectors.asterisk.settings import AsteriskSettings
from connectors.base import Emit, SessionConnector
from connectors.registry import SESSION
from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_smpp.connector import SmsSmpp
from schemas.errors import MisconfiguredError, PipelineError, UnreachableError
from tests.connectors.asterisk import fake
from tests.connectors.sms_cmpp.sessions import settings_for
from tests.connectors.sms_smpp import fixtures, smsc
from tests.connectors.sms_smpp.fixtures import Outlet
from tests.normalizers.phone import frames
from tests.peers.ismg import Ismg
from tests.waiting import soon

pytestmark = pytest.mark.integration  # loopback

SECONDS = 60
SOON = 0.5
"""For what must not come: an answer on loopback takes a hundredth of it."""


class Server(Protocol):
    """Listens on loopback while an `async with` block lasts, and has one citizen's message to send."""

    async def __aenter__(self) -> "Server": ...

    async def __aexit__(self, *exc: object) -> None: ...

    def connector(self, port: int | None = None) -> SessionConnector:
        """Return a connector to this server, or to another port."""
        ...

    async def send(self) -> None:
        """Send the message, once the connector has logged in."""
        ...

    async def answer(self) -> bool:
        """Wait for the answer to the message; say whether it means that we have it."""
        ...


class OfAsterisk:
    """It tells whoever listens, and wants no answer."""

    async def __aenter__(self) -> "OfAsterisk":
        self._logged_in, self._ended = asyncio.Event(), asyncio.Event()
        self._serving = fake.served(self._serve)
        self._port = await self._serving.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        await self._serving.__aexit__(None, None, None)

    def connector(self, port: int | None = None) -> SessionConnector:
        settings = AsteriskSettings(
            host="127.0.0.1", port=port or self._port, username="hotline", secret="geheim", jurisdiction="210100"
        )
        return Asterisk(settings, "contract", retry_seconds=0.01)

    async def send(self) -> None:
        await self._logged_in.wait()
        self._writer.write(frames.CDR + b"\r\n\r\n")

    async def answer(self) -> bool:
        raise NotImplementedError("Asterisk wants none")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await fake.logged_in(reader, writer)
        self._writer = writer
        self._logged_in.set()
        await self._ended.wait()


class OfCmpp(Ismg):
    """It queues what is not answered, and goes on with it when somebody logs in."""

    async def __aenter__(self) -> "OfCmpp":
        await super().__aenter__()
        return self

    def connector(self, port: int | None = None) -> SessionConnector:
        return Cmpp(settings_for(self, port=port or self.port), "contract")

    async def send(self) -> None:
        self._sent = self.queue("路灯坏了".encode("utf-16-be"))

    async def answer(self) -> bool:
        await self.until(lambda: self._sent in self.results, SECONDS)
        return self.results[self._sent][-1] == 0


class OfSmpp(smsc.Smsc):
    async def __aenter__(self) -> "OfSmpp":
        await super().__aenter__()
        return self

    def connector(self, port: int | None = None) -> SessionConnector:
        return SmsSmpp(fixtures.settings(port or self.port), "contract", fixtures.Clock())

    async def send(self) -> None:
        self._esme = await self.bound()
        self._esme.send(smsc.message())

    async def answer(self) -> bool:
        _, status = await self._esme.answer()
        return status == 0


SCENARIOS: dict[str, Callable[[], Server]] = {
    "asterisk": OfAsterisk,
    "sms_cmpp": OfCmpp,
    "sms_smpp": OfSmpp,
}

WITHOUT_ANSWERS = frozenset({"asterisk"})
"""Protocols that have none."""

scenarios = pytest.mark.parametrize("make", SCENARIOS.values(), ids=SCENARIOS)
answering = pytest.mark.parametrize(
    "make", [pytest.param(make, id=name) for name, make in SCENARIOS.items() if name not in WITHOUT_ANSWERS]
)


@asynccontextmanager
async def serving(connector: SessionConnector, outlet: Emit) -> AsyncIterator["asyncio.Task[None]"]:
    """A connector's one run, stopped with the block."""
    task = asyncio.create_task(connector.run(outlet))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, PipelineError):
            await asyncio.wait_for(task, SECONDS)


@asynccontextmanager
async def saying(said: bytes) -> AsyncIterator[int]:
    """Some other service: it says this, whatever it is asked, and hangs up; yields its port."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.write_eof()

    async with fake.served(script) as port:
        yield port


async def taken(make: Callable[[], Server]) -> tuple[SessionConnector, Outlet]:
    """Let a citizen's message come in a session of its own."""
    outlet = Outlet()
    async with make() as server:
        connector = server.connector()
        async with serving(connector, outlet):
            await server.send()
            await soon(lambda: outlet.taken)
    return connector, outlet


async def comes(answer: Awaitable[bool]) -> bool | None:
    """Return the answer that comes soon, None without any."""
    with suppress(TimeoutError):
        return await asyncio.wait_for(answer, SOON)
    return None


def test_every_session_connector_has_a_scenario() -> None:
    assert SCENARIOS.keys() == SESSION.keys()


@scenarios
async def test_a_message_says_where_it_came_from(make: Callable[[], Server]) -> None:
    connector, outlet = await taken(make)
    (message,) = outlet.taken
    assert message.value
    assert message.channel == connector.channel
    assert (message.jurisdiction, message.envelope.account) == ("210100", "contract")
    assert outlet.lives, "a login is a sign of life"


@scenarios
async def test_the_same_message_in_another_session_has_the_same_name(make: Callable[[], Server]) -> None:
    (_, one), (_, other) = await taken(make), await taken(make)
    assert one.taken[0].message_id == other.taken[0].message_id
    assert one.taken[0].conversation == other.taken[0].conversation


@answering
async def test_a_message_is_answered_when_it_is_safe_and_not_before(make: Callable[[], Server]) -> None:
    outlet = Outlet()
    outlet.gate.clear()
    async with make() as server, serving(server.connector(), outlet):
        await server.send()
        await outlet.has_been_asked(1)
        assert await comes(server.answer()) is None
        outlet.gate.set()
        assert await asyncio.wait_for(server.answer(), SECONDS)
        assert len(outlet.taken) == 1


@answering
async def test_what_may_not_be_safe_is_not_said_to_be(make: Callable[[], Server]) -> None:
    outlet = Outlet()
    outlet.fault = UnreachableError("Kafka is away")
    async with make() as server, serving(server.connector(), outlet):
        await server.send()
        await outlet.has_been_asked(1)
        assert not await comes(server.answer())


@scenarios
async def test_what_only_a_person_can_mend_ends_the_session(make: Callable[[], Server]) -> None:
    outlet = Outlet()
    outlet.fault = MisconfiguredError("Kafka cannot be used with these settings")
    async with make() as server, serving(server.connector(), outlet) as running:
        await server.send()
        with pytest.raises(MisconfiguredError):
            await asyncio.wait_for(asyncio.shield(running), SECONDS)


@scenarios
@pytest.mark.parametrize(
    "said",
    [b"", b"\0" * 64, b"\xff" * 64, b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    ids=["nothing", "zeros", "ones", "a web server"],
)
async def test_only_our_own_errors_leave_a_session(make: Callable[[], Server], said: bytes) -> None:
    async with make() as server, saying(said) as port:
        with pytest.raises(PipelineError):
            await asyncio.wait_for(server.connector(port).run(Outlet()), SECONDS)


@scenarios
async def test_nobody_there_is_a_fault_of_the_surroundings(make: Callable[[], Server]) -> None:
    async with saying(b"") as port:
        pass
    async with make() as server:
        with pytest.raises(UnreachableError):
            await asyncio.wait_for(server.connector(port).run(Outlet()), SECONDS)


@scenarios
async def test_a_session_that_is_stopped_ends(make: Callable[[], Server]) -> None:
    outlet = Outlet()
    async with make() as server:
        async with serving(server.connector(), outlet) as running:
            await server.send()
            await soon(lambda: outlet.taken)
        assert running.done()
