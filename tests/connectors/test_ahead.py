"""An emergency that is pushed behind a journal's backlog is handed over at once, on the real Kafka."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from normalizers.base import Policy
from schemas import topics
from schemas.records import RawMessage, raw_of
from streams.engine.input import whole
from streams.screen import screen_chunk
from tests.connectors.reader import Reader

pytestmark = pytest.mark.integration

FIRE = "中山路12号三楼着火了,有人被困,快来救火"


def text(said: str) -> bytes:
    return f"<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><Content>{said}</Content></xml>".encode()


class Backlogged:
    """The real publisher, whose backlog waits until it is let go."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.tell = publisher.tell
        self.publish_async = publisher.publish_async
        self.go_on = threading.Event()

    def publish(self, messages: Sequence[RawMessage]) -> None:
        self.go_on.wait(300)
        self._publisher.publish(messages)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_emergency_behind_a_backlog_is_handed_over_and_comes_in_its_turn(
    publisher: Publisher, raw: Callable[..., RawMessage], reader: Reader, account: str, tmp_path: Path, restarted: bool
) -> None:
    backlog = [raw(text(f"路灯坏了 {number}"), str(number), channel="wechat") for number in range(50)]
    fire = raw(text(FIRE), "fire", channel="wechat")
    earlier = Journal(tmp_path / "journal")
    earlier.append([*backlog, fire] if restarted else backlog)
    earlier.close()
    gate = Backlogged(publisher)
    intake = DurablePublisher.of_journal(gate, Journal(tmp_path / "journal"), retry_seconds=0.05)
    working = asyncio.create_task(intake.run())
    if not restarted:
        assert await intake.publish([fire]) == "journaled"

    async def heard() -> list[str]:
        records = await asyncio.to_thread(reader.read, topics.raw("wechat"), account, beginnings=True)
        read = [(record, raw_of(record)) for record in records]
        return [one.outbound.key.decode() for one in screen_chunk(read, Policy()).handed]

    async with asyncio.timeout(120):
        while fire.message_id not in await heard():  # noqa: ASYNC110 - Kafka tells of it when it is asked
            await asyncio.sleep(0.1)
        assert not whole(await asyncio.to_thread(reader.read, topics.raw("wechat"), account, beginnings=True)), (
            "none of them is a message"
        )
        gate.go_on.set()
        while intake.journal_bytes:  # noqa: ASYNC110 - a thread drains it
            await asyncio.sleep(0.05)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await intake.close()
    came = whole(await asyncio.to_thread(reader.read, topics.raw("wechat"), account, beginnings=True))
    assert [raw_of(record).envelope.id for record in came] == [*map(str, range(50)), "fire"]
