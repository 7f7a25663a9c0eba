"""First versions that Kafka's own cleaner took: who was away, or is new, is told by the oldest that is left."""

import asyncio
import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas import topics
from sinks import Document, Source
from sinks.groups import group_of, name_of
from sinks.webhook.run import run_subscriber
from tests.sinks.conftest import Lane, make_topics, until
from tests.sinks.webhook.receiver import Receiver, receiving
from tests.sinks.webhook.snapshots import snapshot, subscriber

pytestmark = pytest.mark.integration

SEGMENT_MS = 500
EAGER = {
    "cleanup.policy": "compact",
    "segment.ms": str(SEGMENT_MS),
    "min.cleanable.dirty.ratio": "0.001",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1000",
    "message.timestamp.type": "LogAppendTime",
}
"""Cleans what is no longer written to, within seconds."""

NOW = datetime.now(UTC)
ROLLS = itertools.count()


class Log:
    """A topic of one partition from which compaction takes what is superseded."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.name = f"{lane.prefix}.compacted"
        self.place = TopicPartition(self.name, 0)

    async def make(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._lane.endpoints.bootstrap_servers)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(self.name, 1, 1, topic_configs=EAGER)])
        finally:
            await admin.close()

    def opened(self, ticket: str, hour: int, version: int = 1, changed: int | None = None) -> Document:
        """A snapshot of a ticket that was opened so many hours ago, and changed later."""
        times = {"ingested_at": hour, "updated_at": hour if changed is None else changed}
        ago = {name: NOW - timedelta(hours=hours) for name, hours in times.items()}
        return snapshot(ticket, version, topic=self.name, **ago)

    async def write(self, documents: Iterable[Document]) -> None:
        """Write in a transaction, as `assign` does."""
        await self._lane.publish(documents, abort=False)

    async def clean(self) -> list[str]:
        """Return what is left, in order, once the cleaner has taken all that it may of what was written so far."""
        written = {entry.rpartition(":")[0]: entry for entry in await self.left()}
        await asyncio.sleep(SEGMENT_MS / 1000)
        await self.write([self.opened(f"210100-roll{next(ROLLS)}", 30)])  # closes the segment before it
        await until(lambda: self._count(set(written)), len(written))
        return await self.left()

    async def _count(self, tickets: set[str]) -> int:
        return sum(entry.rpartition(":")[0] in tickets for entry in await self.left())

    async def left(self) -> list[str]:
        servers, found = self._lane.endpoints.bootstrap_servers, []
        options = {"auto_offset_reset": "earliest", "isolation_level": "read_committed"}
        async with AIOKafkaConsumer(bootstrap_servers=servers, **options) as consumer:
            consumer.assign([self.place])
            end = (await consumer.end_offsets([self.place]))[self.place]
            while await consumer.position(self.place) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [f"{r.key.decode()}:{int(dict(r.headers)['ce_sequence'])}" for r in records]
        return found

    async def told(self, receiver: Receiver, name: str = "desk", **chosen: Any) -> list[str]:
        """Run the subscriber to the log's end, and return of which tickets it was told by which versions."""
        before, stop, name = len(receiver.got), asyncio.Event(), f"{self._lane.prefix}_{name}"
        settings = subscriber(receiver.url, filter={"first_version_only": True, **chosen})
        source = Source(topic=self.name)
        task = asyncio.create_task(run_subscriber(name, settings, self._lane.kafka, stop, source=source))
        try:
            await until(lambda: self._behind(group_of(name_of(name))), 0)
        finally:
            stop.set()
            await task
        found = [one.id.partition(":")[2] for one in receiver.got[before:]]
        return sorted(one for one in found if "roll" not in one)

    async def _behind(self, group: str) -> int:
        """How many committed records wait for a group: the marker of a transaction is none."""
        servers = self._lane.endpoints.bootstrap_servers
        options = {"group_id": group, "isolation_level": "read_committed", "enable_auto_commit": False}
        async with AIOKafkaConsumer(bootstrap_servers=servers, **options) as consumer:
            consumer.assign([self.place])
            end = (await consumer.end_offsets([self.place]))[self.place]
            return max(0, end - 1 - (await consumer.committed(self.place) or 0))


@pytest.fixture
async def log(lane: Lane) -> Log:
    await make_topics(lane.endpoints.bootstrap_servers, [topics.DELIVERY])
    made = Log(lane)
    await made.make()
    return made


async def test_who_was_away_is_told_of_each_ticket_once_by_the_oldest_that_is_left(log: Log) -> None:
    await log.write([log.opened("210100-old", 20), log.opened("210100-last", 12)])
    async with receiving() as receiver:
        assert await log.told(receiver) == ["210100-last:1", "210100-old:1"]
        await log.write([log.opened("210100-x", 9), log.opened("210100-old", 20, 2, 8), log.opened("210100-y", 7)])
        await log.write([log.opened("210100-x", 9, 2, 6)])
        await log.write([log.opened("210100-x", 9, 3, 5), log.opened("210100-y", 7, 2, 4)])
        left = await log.clean()
        assert {"210100-x:3", "210100-old:2", "210100-y:2"} <= set(left)
        assert not {"210100-x:1", "210100-x:2", "210100-y:1", "210100-old:1"} & set(left)
        await log.write([log.opened("210100-x", 9, 4, 3)])
        assert await log.told(receiver) == ["210100-x:3", "210100-y:2"]


async def test_who_is_new_is_told_of_all_that_were_opened_since_it_wants_to_know(log: Log) -> None:
    """The oldest record that is left is younger than some tickets."""
    await log.write([log.opened("210100-x", 20), log.opened("210100-y", 10)])
    await log.write([log.opened("210100-x", 20, 2, 8), log.opened("210100-z", 7)])
    assert "210100-x:1" not in await log.clean()
    async with receiving() as receiver:
        assert await log.told(receiver) == ["210100-x:2", "210100-y:1", "210100-z:1"]
        assert await log.told(receiver, "late", since=NOW - timedelta(hours=11)) == ["210100-y:1", "210100-z:1"]
