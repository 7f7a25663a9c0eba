"""An Asterisk that hangs up on who does not take an event at once, while Kafka is away: nothing is missing after it.

A real one does so after a tenth of a second (`writetimeout` of manager.conf): 22.10 had dropped a connection that was
not read 0.8 s after the buffers between were full, with 1,000 of 9,800 events lost to it.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.errors import KafkaError

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Stack
from schemas import topics
from tests.connectors.asterisk.fake import logged_in, served
from tests.connectors.asterisk.test_asterisk import END
from tests.connectors.reader import Reader
from tests.docs.pages import ROOT
from tests.forked import Forked
from tests.frozen import frozen
from tests.normalizers.phone import frames
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.long]

EVENTS = 5000
"""Of 4 KB: more than the window and all buffers hold."""

FILLER_BYTES = 4000

PATIENCE_SECONDS = 30.0
"""A hundred times a real one's: a busy machine may keep the daemon from reading for a while."""


class Impatient:
    """Tells whoever listens, and waits for nobody."""

    def __init__(self) -> None:
        self.told = 0
        self.logins = 0
        self._listener: asyncio.StreamWriter | None = None
        self._gone = asyncio.Event()

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await logged_in(reader, writer)
        self.logins += 1
        self._listener = writer
        await self._gone.wait()

    async def tell(self, number: int) -> None:
        for _ in range(number):
            if self._listener is not None:
                self._listener.write(event(self.told) + END)
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await self._listener.drain()
                except (TimeoutError, ConnectionError):
                    self._listener.transport.abort()
                    self._listener = None
            self.told += 1

    def end(self) -> None:
        self._gone.set()


def event(number: int) -> bytes:
    return frames.USER_EVENT + b"\r\nNumber: %d\r\nFiller: %s" % (number, b"x" * FILLER_BYTES)


@contextmanager
def daemon(kafka: KafkaConnection, port: int, folder: Path) -> Iterator[Forked]:
    """`hotline run connector:pbx`."""
    account = {"HOST": "127.0.0.1", "PORT": str(port), "USERNAME": "hotline", "SECRET": "geheim"}
    environment = {
        **os.environ,
        **{f"HOTLINE_CONNECTORS__ASTERISK__PBX__{name}": value for name, value in account.items()},
        "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "HOTLINE_QUERY_KEY": "a key of the tests",
        "HOTLINE_LOCAL__DATA_DIR": str(folder),
        "HOTLINE_TELEMETRY__PORT": "0",
    }
    with (folder / "log").open("a") as log:
        running = Forked("-m", "hotline", "run", "connector:pbx", cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield running
    finally:
        running.kill()
        running.wait(60)


def journaled(folder: Path, last: int) -> bool:
    """Whether the daemon has this event in its journal, and so all before it."""
    return any(event(last) in path.read_bytes() for path in folder.glob("journal-of-pbx/*.journal"))


def held(kafka: KafkaConnection) -> set[bytes]:
    """What Kafka holds; nothing yet while it thaws and names no broker."""
    try:
        return {record.value for record in Reader(kafka).read(topics.raw("phone"), "pbx")}
    except KafkaError:
        return set()


async def test_nothing_that_was_told_while_kafka_was_away_is_lost_to_an_impatient_asterisk(
    fresh_topics: KafkaConnection, local_stack: Stack, tmp_path: Path
) -> None:
    talker = Impatient()
    async with served(talker.script) as port, asyncio.timeout(280):
        with daemon(fresh_topics, port, tmp_path):
            await soon(lambda: talker.logins)
            await talker.tell(5)
            while len(await asyncio.to_thread(held, fresh_topics)) < 5:  # noqa: ASYNC110 - Kafka is read
                await asyncio.sleep(0.1)
            with frozen(local_stack.pid("kafka")):
                await talker.tell(EVENTS)
                await soon(lambda: journaled(tmp_path, talker.told - 1))
            # Killed: what the journal has taken comes after the next start.
        assert talker.logins == 1
        with daemon(fresh_topics, port, tmp_path):
            missing = {event(number) for number in range(talker.told)}
            while missing := missing - await asyncio.to_thread(held, fresh_topics):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.5)
        talker.end()


async def test_who_starts_while_kafka_is_away_hears_what_is_told(
    fresh_topics: KafkaConnection, local_stack: Stack, tmp_path: Path
) -> None:
    talker = Impatient()
    async with served(talker.script) as port, asyncio.timeout(280):
        with frozen(local_stack.pid("kafka")), daemon(fresh_topics, port, tmp_path):
            await soon(lambda: talker.logins)
            await talker.tell(5)
            await soon(lambda: journaled(tmp_path, 4))
        with daemon(fresh_topics, port, tmp_path):
            while await asyncio.to_thread(held, fresh_topics) != {event(number) for number in range(5)}:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.5)
        talker.end()
