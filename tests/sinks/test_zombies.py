"""A sink that was taken for dead writes late: Elasticsearch keeps the newer versions, Kafka refuses its commit."""

from pathlib import Path

import msgspec
import pytest

from tests.faults.haunting import SECONDS, worker
from tests.faults.zombie import Task
from tests.sinks.conftest import Lane, until
from tests.sinks.test_runner_live import tickets

pytestmark = [pytest.mark.integration, pytest.mark.faults]


async def test_a_zombie_of_the_sink_puts_no_older_version_over_a_newer_one(lane: Lane, tmp_path: Path) -> None:
    task = Task(
        name="sink",
        kafka=lane.endpoints.bootstrap_servers,
        group=lane.group,
        folder=str(tmp_path),
        before=2,
        elasticsearch=lane.endpoints.elasticsearch_url,
        topic=lane.topic,
        prefix=lane.prefix,
    )
    with worker(task, tmp_path / "zombie.log") as zombie:
        await lane.publish(tickets(lane, 1, first=500))
        await zombie.writes(1)
        await lane.publish(tickets(lane, 100))
        await zombie.stopped()
        with worker(msgspec.structs.replace(task, before=0), tmp_path / "successor.log") as successor:
            await lane.publish(tickets(lane, 100, version=2))
            await until(lambda: _at_version(lane, 2), 100, SECONDS)
            assert successor.written()
            committed = await lane.committed()
            zombie.goes_on()
            await zombie.writes(2)
            await lane.publish(tickets(lane, 1, first=501))
            await lane.until_indexed(102, seconds=SECONDS)
    assert "STALE" in zombie.written()[1]
    assert not zombie.written()[1].endswith("STALE 0"), "what it wrote late was older than what was there"
    assert await lane.committed() >= committed
    assert await _at_version(lane, 2) == 100
    assert await _at_version(lane, 1) == 2
    assert await lane.dead() == []


async def _at_version(lane: Lane, version: int) -> int:
    """Return how many tickets the index holds at a version, in its number and in its content."""
    if await lane.indexed() == 0:
        return 0
    found = await lane.es.search(index=lane.routes["ticket"].index.alias, size=1_000, version=True)
    hits = found["hits"]["hits"]
    return sum((hit["_version"], hit["_source"]["search_text"]) == (version, f"v{version}") for hit in hits)
