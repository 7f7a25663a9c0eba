"""Workers come and go under load, with several cities: two, then three, then one. Nothing is lost or doubled."""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from schemas import ids
from schemas.records import Message
from tests.assign import logs
from tests.assign.workers import worker
from tests.forked import Forked
from tests.fresh import topics_made_anew
from tests.tickets.build import message
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(400), pytest.mark.long]

PARTITIONS = 6
CITIES = ("110000", "120000", "210100", "310000", "320100", "330100", "370200", "440100", "440300", "500000", "510100")
BATCH = 22

_TAKEN_OVER = re.compile(rb"partition_taken_over .*?partition=(\d+)")


def letters(start: int) -> list[Message]:
    """Return a few for each city; every third answers the one before it."""
    made = []
    for number in range(start, start + BATCH):
        city, before = CITIES[number % len(CITIES)], number - len(CITIES)
        answers = (f"{city}-{before}",) if number % 3 == 0 and before >= 0 else ()
        sender = str(13800000000 + (before if answers else number))
        made.append(message(number, f"第{number}件事", sender=sender, answers=answers, jurisdiction=city))
    return made


class Load:
    """Letters that go on coming until the block ends."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self.sent: list[Message] = []

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self._flow(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def _flow(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            batch = letters(len(self.sent))
            await logs.write(self._connection, map(logs.outbound, batch))
            self.sent += batch
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.2)


def taken_over(log: Path, since: int = 0) -> set[int]:
    """Return the partitions that a worker has said it took over, from a byte of its log on."""
    return {int(found[1]) for found in _TAKEN_OVER.finditer(log.read_bytes()[since:])}


async def until(condition: Callable[[], bool], what: str, load: Load, seconds: float = 90) -> None:
    await soon(condition, lambda: f"{what}; {len(load.sent)} letters so far", seconds)


async def gone(process: Forked, how: signal.Signals) -> int:
    process.send_signal(how)
    return await asyncio.to_thread(process.wait, 60)


async def test_nothing_is_lost_or_doubled_from_two_workers_to_three_to_one(stack: Endpoints, tmp_path: Path) -> None:
    connection = KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=PARTITIONS)
    await asyncio.to_thread(topics_made_anew, connection)
    everything = {ids.partition_of(city, PARTITIONS) for city in CITIES}
    assert everything == set(range(PARTITIONS))
    (blobs := tmp_path / "blobs").mkdir()
    first, second, third = (tmp_path / f"{name}.log" for name in ("first", "second", "third"))
    chosen = ("", "0", str(PARTITIONS))
    load = Load(connection)
    with worker(connection, blobs, *chosen, log=first), worker(connection, blobs, *chosen, log=second) as leaves:
        async with load.flowing():
            await until(lambda: bool(taken_over(first) and taken_over(second)), "two workers share nothing", load)
            with worker(connection, blobs, *chosen, log=third) as dies:
                await until(lambda: bool(taken_over(third)), "the third worker got nothing", load)
                assert await gone(leaves, signal.SIGTERM) == 0
                since = first.stat().st_size
                assert await gone(dies, signal.SIGKILL) == -signal.SIGKILL
            await until(lambda: taken_over(first, since) == everything, "the last worker has not got all", load)
        await logs.until_decided(connection, len(load.sent), seconds=90)
    await logs.assert_nothing_lost_or_doubled(connection, load.sent)
