"""An ISMG that dies, comes back, loses answers or refuses the login: the runner's session loses and doubles nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tenacity import wait_fixed

from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from connectors.sms_cmpp.connector import Cmpp
from schemas.errors import UnreachableError
from schemas.records import RawMessage
from tests.connectors.sms_cmpp.sessions import settings_for
from tests.peers.ismg import Ismg
from tests.waiting import soon

pytestmark = pytest.mark.integration  # sockets on loopback


class Broker:
    """Holds messages; refuses some trips."""

    def __init__(self) -> None:
        self.held: list[RawMessage] = []
        self.refuses = 0

    @property
    def names(self) -> set[str]:
        return {message.envelope.id for message in self.held}

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
        await asyncio.sleep(0)
        if self.refuses:
            self.refuses -= 1
            raise UnreachableError("no broker")
        self.held += messages


@asynccontextmanager
async def daemon(ismg: Ismg, broker: Broker, **changes: Any) -> AsyncIterator[Health]:
    stop, health = asyncio.Event(), Health("mobile", "sms")
    connector = Cmpp(settings_for(ismg, **changes), "mobile")
    task = asyncio.create_task(
        run_session(connector, broker, stop=stop, health=health, pace=wait_fixed(0.02), slow_pace=wait_fixed(60))
    )
    yield health
    stop.set()
    await task


def queue(ismg: Ismg, first: int, last: int) -> None:
    for number in range(first, last):
        ismg.queue(f"路灯{number}".encode("utf-16-be"))


async def test_a_killed_ismg_is_found_again_and_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sms_cmpp.connector.RETRY_SECONDS", 0.01)
    broker = Broker()
    async with Ismg(repeat_seconds=0.2) as ismg, daemon(ismg, broker) as health:
        queue(ismg, 0, 100)
        await ismg.until(lambda: len(ismg.results) > 10)
        port = ismg.port
        await ismg.die()
        queue(ismg, 100, 150)
        broker.refuses = 3  # Kafka falters, too
        await soon(lambda: health.report.state == "degraded")
        await ismg.listen(port)
        await ismg.until(lambda: not ismg.queued)
        assert health.report.state == "running"
        assert len(ismg.logins) >= 2
    assert len(broker.names) == 150


async def test_lost_answers_bring_repeats_and_no_doubles() -> None:
    broker = Broker()
    async with Ismg(repeat_seconds=0.05) as ismg, daemon(ismg, broker):
        queue(ismg, 0, 20)
        await ismg.until(lambda: bool(ismg.results))
        ismg.mute = True  # takes no answer any more, and sends again until it gives the link up
        queue(ismg, 20, 40)
        await asyncio.sleep(0.15)
        ismg.mute = False
        await ismg.until(lambda: not ismg.queued)
    assert len(broker.names) == 40


async def test_what_is_no_frame_costs_the_connection_and_no_message() -> None:
    broker, garbage = Broker(), (b"\0" * 12, b"\xff" * 40, b"GET / HTTP/1.1\r\n\r\n", b"\0\0\x0d\x08" + bytes(8))
    async with Ismg(repeat_seconds=0.2) as ismg, daemon(ismg, broker):
        for number, bytes_ in enumerate(garbage):
            queue(ismg, number * 10, number * 10 + 10)
            await ismg.until(lambda: not ismg.queued)
            ismg.write(bytes_)
            await ismg.until(lambda logins=number + 2: len(ismg.logins) == logins)  # type: ignore[misc] # binds the loop's name
    assert len(broker.names) == 40


async def test_a_wrong_secret_is_tried_at_the_slow_pace() -> None:
    async with Ismg() as ismg, daemon(ismg, Broker(), secret="wrong1") as health:
        await ismg.until(lambda: len(ismg.logins) == 1)
        await soon(lambda: health.report.state == "degraded")
        await asyncio.sleep(0.2)  # ten times the other pace
        assert len(ismg.logins) == 1
        assert "secret" in (health.report.sentence or "")
        assert "wrong1" not in (health.report.sentence or "")
