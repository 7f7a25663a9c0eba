"""Kafka away while calls go on, with the lease and all that a daemon has: what Asterisk told nobody tells again."""

import asyncio
import itertools
from pathlib import Path

import pytest
from obstore.store import LocalStore
from tenacity import wait_none

from broker.config import KafkaConnection
from broker.lease import GroupLease
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from connectors.runtime.session import run_session
from hotline.dev.stack.stack import Stack
from schemas import topics
from tests.connectors.asterisk.fake import logged_in, served
from tests.connectors.asterisk.test_asterisk import END, asterisk
from tests.connectors.reader import Reader
from tests.frozen import frozen
from tests.normalizers.phone import frames
from tests.waiting import soon

pytestmark = pytest.mark.integration

OUTAGE_SECONDS = 12.0
"""More than an owner may be without a proof, and more than a session has."""


class Talker:
    """An Asterisk that says something new ten times a second to whoever listens."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.connections = 0

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        self.connections += 1
        for number in itertools.count():
            event = frames.USER_EVENT + b"\r\nNumber: %d-%d" % (self.connections, number)
            writer.write(event + END)
            await writer.drain()
            self.told.append(event)
            await asyncio.sleep(0.1)


async def test_what_asterisk_tells_while_kafka_is_away_is_held_until_it_is_back(
    fresh_topics: KafkaConnection, local_stack: Stack, tmp_path: Path
) -> None:
    talker, stop = Talker(), asyncio.Event()
    publisher = Publisher(fresh_topics, LocalStore(tmp_path))
    cursors, lease = Cursors(fresh_topics, "pbx"), GroupLease(fresh_topics, "pbx")
    async with served(talker.script) as port, asyncio.timeout(120):
        running = asyncio.create_task(
            run_session(
                asterisk(port), publisher, stop=stop, health=Health("pbx", "phone"), lease=lease, memory=cursors,
                pace=wait_none(), slow_pace=wait_none(),
            )
        )  # fmt: skip
        await soon(lambda: len(talker.told) >= 5)
        with frozen(local_stack.pid("kafka")):
            await asyncio.sleep(OUTAGE_SECONDS)
        back = len(talker.told)
        await soon(lambda: len(talker.told) >= back + 5)
        stop.set()
        await running
    await asyncio.to_thread(cursors.close)
    await asyncio.to_thread(publisher.close)
    held = {record.value for record in Reader(fresh_topics).read(topics.raw("phone"), "pbx")}
    missing = [event for event in talker.told[:back] if event not in held]
    assert (len(missing), talker.connections) == (0, 1)
