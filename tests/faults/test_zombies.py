"""Zombies: a worker stops before a write, another one gets its work, and then it writes as if nothing had happened."""

import asyncio
import contextlib
import time
from pathlib import Path

import msgspec
import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import Outbound, decode
from schemas.records import Handover, Message
from streams.state.partition import take_over
from tests.assign import logs
from tests.assign.workers import decided, letters
from tests.faults.haunting import SECONDS, Worker, worker
from tests.faults.zombie import Task
from tests.streams.raws import outbound
from tests.tickets.build import CITY
from tickets.policy import TicketPolicy

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]

FIRE = "三楼着火了,有人被困,快来救火"


class Stage:
    """One stage between real topics: a zombie of it, its successor, and what readers see."""

    def __init__(self, name: str, connection: KafkaConnection, folder: Path) -> None:
        self.connection = connection
        self._folder = folder
        group = f"zombie-{name}-{time.time_ns()}"
        self._task = Task(name=name, kafka=connection.bootstrap_servers, group=group, folder=str(folder), before=0)

    def starts(self, called: str, *, before: int = 0) -> contextlib.AbstractContextManager[Worker]:
        task = msgspec.structs.replace(self._task, before=before)
        return worker(task, self._folder / f"{called}.log")

    async def holds(self, topic: str, keys: int) -> None:
        """Return when a topic has records of so many keys."""
        deadline = time.monotonic() + SECONDS
        while (found := len({record.key for record in await logs.read(self.connection, topic)})) < keys:
            assert time.monotonic() < deadline, f"{found} of {keys}"
            await asyncio.sleep(0.1)


async def haunted(stage: Stage, topic: str, earlier: list[Outbound], later: list[Outbound]) -> list[logs.Record]:
    """Let a zombie write `earlier` after its successor wrote it and `later`; return what readers see in `topic`."""
    with stage.starts("zombie", before=2) as zombie:
        await logs.write(stage.connection, earlier[:1])
        await stage.holds(topic, 1)
        await logs.write(stage.connection, earlier[1:])
        await zombie.stopped()
        with stage.starts("successor") as successor:
            await stage.holds(topic, len(earlier))
            await logs.write(stage.connection, later)
            await stage.holds(topic, len(earlier) + len(later))
            zombie.goes_on()
            await zombie.writes(2)
            assert successor.written()
            return await logs.read(stage.connection, topic)


def assert_only_repeats(found: list[logs.Record], keys: int) -> None:
    """Some records came twice, so the zombie wrote; every repeat is the same in each byte and in each header."""
    assert len({record.key for record in found}) == keys
    assert len(found) > keys
    same = {(record.key, record.partition, record.value, tuple(record.headers)) for record in found}
    assert len(same) == keys


async def test_what_a_zombie_of_screen_hands_over_was_handed_over_word_for_word(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    stage = Stage("screen", fresh_topics, tmp_path)
    calls = [outbound(number, FIRE) for number in range(12)]
    found = await haunted(stage, topics.HANDOVER, calls[:8], calls[8:])
    assert_only_repeats(found, 12)
    wanted = {ids.message_id("/hotline/record/office", f"n{number}") for number in range(12)}
    assert {decode(record.value or b"", Handover).handover_id for record in found} == wanted


async def test_what_a_zombie_of_normalize_writes_late_is_decided_once(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    stage = Stage("normalize", fresh_topics, tmp_path)
    raws = [outbound(number, f"第{number}件事") for number in range(12)]
    found = await haunted(stage, topics.MESSAGE, raws[:8], raws[8:])
    assert_only_repeats(found, 12)
    messages = [decode(record.value or b"", Message) for record in found]
    (partition,) = {record.partition for record in found}
    blobs = LocalStore(tmp_path / "blobs", mkdir=True)
    owner = await take_over(partition, fresh_topics, blobs, TicketPolicy(), lambda point: None)
    await owner.work_off(found)
    await owner.close()
    await logs.assert_nothing_lost_or_doubled(fresh_topics, messages)


async def test_a_zombie_of_assign_is_refused_and_what_it_wrote_is_invisible(
    fresh_topics: KafkaConnection, tmp_path: Path
) -> None:
    stage = Stage("assign", fresh_topics, tmp_path)
    messages = [one for one in letters(60) if one.jurisdiction == CITY]
    with stage.starts("zombie", before=2) as zombie:
        await logs.write(fresh_topics, map(logs.outbound, messages[:1]))
        await logs.until_decided(fresh_topics, 1, seconds=SECONDS)
        await logs.write(fresh_topics, map(logs.outbound, messages[1:20]))
        await zombie.stopped()
        with stage.starts("successor"):
            await logs.write(fresh_topics, map(logs.outbound, messages[20:]))
            await logs.until_decided(fresh_topics, decided(messages), seconds=SECONDS)
            zombie.goes_on()
            await zombie.writes(2)
            assert zombie.written()[1].startswith("WRITTEN nothing")
    await logs.assert_nothing_lost_or_doubled(fresh_topics, messages)
    visible = await logs.read(fresh_topics, topics.TICKET)
    written = await logs.read(fresh_topics, topics.TICKET, committed=False)
    assert len(written) > len(visible), "it had written, and no reader of what is committed sees it"
