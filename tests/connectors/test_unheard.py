"""What is refused though no stranger sent it is counted: a platform sends it a few times, and nobody hears of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from connectors import metrics
from connectors.base import PushConnector
from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from tests.connectors.phone import posts
from tests.connectors.pushed import Kafka
from tests.connectors.serving import free_port, running
from tests.connectors.sms_http import gateways

URL = "/sms/{secret}"
BATCH = gateways.aliyun().body


def unheard(channel: str, reason: str) -> float:
    return metrics.PUSH_UNHEARD.labels(channel, reason)._value.get()


def receiver(folder: Path, connector: PushConnector, path: str, settings: ReceiverSettings, limit: int) -> Receiver:
    return Receiver(
        {path: connector}, DurablePublisher.of_journal(Kafka(), Journal(folder / "journal")), settings, {path: limit}
    )


class Bodies:
    """A body of so many bytes, and how much of it was asked for."""

    def __init__(self, size: int) -> None:
        self.size, self.asked = size, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.asked < self.size:
            self.asked += 1000
            yield b"x" * 1000


async def posted(
    folder: Path,
    body: bytes | Bodies,
    *,
    secret: str = gateways.SECRET,
    client: str = gateways.GATEWAY,
    headers: dict[str, str] | None = None,
    connector: PushConnector | None = None,
) -> int:
    """Post to an account of Aliyun's, or of another connector, whose limit is 10,000 bytes."""
    path = URL if connector is None else "/phone"
    app = receiver(folder, connector or gateways.account("aliyun"), path, ReceiverSettings(), 10_000)
    transport = httpx.ASGITransport(app, client=(client, 1))
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://city") as http:
        answer = await http.post(path.format(secret=secret), content=body, headers=headers)
    return answer.status_code


async def test_a_batch_of_the_gateway_that_is_too_large_is_missed_by_somebody(tmp_path: Path) -> None:
    before = unheard("sms", "size")
    assert await posted(tmp_path, Bodies(20_000)) == 413
    assert unheard("sms", "size") == before + 1
    assert await posted(tmp_path, BATCH) == 200
    assert unheard("sms", "size") == before + 1


async def test_a_strangers_body_is_not_even_read(tmp_path: Path) -> None:
    before, body = unheard("sms", "size"), Bodies(20_000)
    assert await posted(tmp_path, body, secret="another-secret-1234") == 404
    assert (body.asked, unheard("sms", "size")) == (0, before)
    phone, body = posts.account(auth="bearer"), Bodies(20_000)
    assert await posted(tmp_path, body, connector=phone, headers={"authorization": "Bearer x"}) == 401
    assert body.asked == 0
    known = {"authorization": f"Bearer {posts.SECRET}"}
    assert await posted(tmp_path, body, connector=phone, headers=known) == 413


async def test_a_gateway_that_calls_from_a_new_address_is_no_stranger(tmp_path: Path) -> None:
    """Its operator moves it without a word, and each message is thrown away after a few refusals."""
    before = unheard("sms", "address")
    assert await posted(tmp_path, BATCH, client="198.51.100.1") == 403
    assert unheard("sms", "address") == before + 1
    assert await posted(tmp_path, BATCH, client="198.51.100.1", secret="another-secret-1234") == 404
    assert unheard("sms", "address") == before + 1


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A receiver that takes two connections at once."""
    chosen = ReceiverSettings(port=free_port(), connections_max=2, idle_timeout_seconds=60)
    with running(receiver(tmp_path, gateways.account("aliyun"), URL, chosen, 10_000), chosen):
        yield chosen.port


def calling(port: int) -> HTTPConnection:
    """Return a connection that stays the one it is: one that is closed is not made again."""
    made = HTTPConnection("127.0.0.1", port, timeout=60)
    made.connect()
    made.auto_open = 0
    return made


def said(peer: HTTPConnection) -> tuple[int, bytes]:
    peer.request("GET", "/healthz")
    answer = peer.getresponse()
    return answer.status, answer.read()


@pytest.mark.integration
async def test_a_connection_too_many_is_told_to_come_again_and_counted(port: int) -> None:
    before = unheard("any", "connections")
    with closing(calling(port)) as first:
        assert await asyncio.to_thread(said, first) == (200, b"ok")
        with closing(calling(port)) as second, closing(calling(port)) as third:
            assert await asyncio.to_thread(said, second) == (200, b"ok")
            assert await asyncio.to_thread(said, third) == (503, b"too many connections")
        assert await asyncio.to_thread(said, first) == (200, b"ok")
    assert unheard("any", "connections") == before + 1
