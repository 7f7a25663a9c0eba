"""What a call platform is answered through the real receiver: each answer makes it stop, or send again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from connectors.http.server import Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from tests.connectors.phone.posts import RECORD, account, signed
from tests.connectors.pushed import Kafka


@asynccontextmanager
async def served(
    kafka: Kafka, folder: Path, journal_bytes: int = 1 << 20, body_seconds: float = 60
) -> AsyncIterator[httpx.AsyncClient]:
    settings = ReceiverSettings(journal_max_bytes=journal_bytes, body_timeout_seconds=body_seconds)
    keeper = DurablePublisher.of_journal(kafka, Journal(folder / "journal", journal_bytes))
    app = Receiver({"/phone": account()}, keeper, settings, {"/phone": 4096})
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver")
    async with app.lifespan(), client:
        yield client


async def post(client: httpx.AsyncClient, body: bytes, **changes: str) -> int:
    headers = {**signed(body).headers, **changes}
    return (await client.post("/phone", content=body, headers=headers)).status_code


async def test_what_is_safe_is_kept_once_and_what_is_not_ours_is_stopped(tmp_path: Path) -> None:
    kafka = Kafka()
    async with served(kafka, tmp_path) as client:
        assert [await post(client, RECORD) for _ in range(2)] == [200, 200]
        assert await post(client, b"no record") == 422
        assert await post(client, RECORD, **{"hotline-signature": "v1=00"}) == 401
        assert await post(client, RECORD, **{"hotline-timestamp": "1"}) == 401
        assert (await client.get("/phone")).status_code == 405
        assert await post(client, b'{"call_id": "1", "note": "' + b"x" * 5000 + b'"}') == 413
    assert len({message.message_id for message in kafka.held}) == 2


async def test_a_slow_body_and_a_full_journal_are_asked_for_again(tmp_path: Path) -> None:
    kafka = Kafka()

    async def dribble() -> AsyncIterator[bytes]:
        for byte in RECORD:
            yield bytes((byte,))
            await asyncio.sleep(0.02)

    async with served(kafka, tmp_path, body_seconds=0.2) as client:
        slow = await client.post("/phone", content=dribble(), headers=signed(RECORD).headers)
        assert slow.status_code == 408
    async with served(kafka, tmp_path, journal_bytes=200) as client:
        kafka.down = True
        statuses = [await post(client, RECORD) for _ in range(3)]
        assert statuses[-1] == 503
        kafka.down = False


@pytest.mark.parametrize("down", [True, False])
async def test_while_kafka_is_away_the_journal_keeps_a_call(tmp_path: Path, down: bool) -> None:
    kafka = Kafka()
    kafka.down = down
    async with served(kafka, tmp_path) as client:
        assert await post(client, RECORD) == 200
