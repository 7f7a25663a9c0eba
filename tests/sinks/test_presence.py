"""An archive that lost what it had: the sink says so, and brings nothing into an index that nobody would find."""

import asyncio
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from hotline.runtime.health import HealthServer, ProcessHealth
from sinks.elastic.consistency import SAMPLE, Presence
from tests.alerts.test_alerts import hurried
from tests.peers import prometheus
from tests.peers.presence import require
from tests.peers.prometheus import Prometheus
from tests.sinks.conftest import Lane, until
from tests.sinks.test_rebuild import letter, rebuilt, ticket

pytestmark = pytest.mark.integration

BOTH = ("ticket", "message")


def presence(lane: Lane, *names: str) -> Presence:
    return Presence(lane.es, lane.kafka, {name: lane.routes[name] for name in names or BOTH}, lane.group)


async def brought(lane: Lane, count: int = 60) -> None:
    """Let the sink bring tickets and messages of two months, and stop."""
    await lane.publish([ticket(lane, n) for n in range(count)])
    await lane.publish([letter(lane, n, "2026-10") for n in range(count // 2)])
    await lane.publish([letter(lane, n, "2026-11") for n in range(count // 2, count)])
    async with lane.running(names=BOTH):
        await lane.until_indexed(count)
        await lane.until_indexed(count, "message")
        await until(lambda: lane.committed(lane.routes["message"].topic), count)
        await until(lane.committed, count)


async def test_an_archive_that_has_all_and_one_that_has_not_begun_lack_nothing(lane: Lane) -> None:
    assert await presence(lane).lacking() == set()
    await brought(lane)
    assert await presence(lane).lacking() == set()
    await lane.publish([ticket(lane, n) for n in range(100, 200)])
    assert await presence(lane).lacking() == set(), "what is still to be brought is not missing"


async def test_an_index_that_is_gone_is_told_until_it_is_filled_again(lane: Lane) -> None:
    await brought(lane)
    await lane.es.indices.delete(index=f"{lane.routes['ticket'].index.alias}-v1")
    assert await presence(lane).lacking() == {"ticket"}
    await lane.publish([ticket(lane, n) for n in range(1000, 1003)])
    async with lane.running(names=BOTH):  # it makes the index, and goes on where it was
        await lane.until_indexed(3)
        await until(lane.committed, 63)
        assert await presence(lane).lacking() == {"ticket"}
        await rebuilt(lane)
        assert await presence(lane).lacking() == set()
    assert await lane.indexed() == 63


@pytest.mark.parametrize("month", ["2026-10", "2026-11"])
async def test_a_month_that_is_gone_is_told(lane: Lane, month: str) -> None:
    await brought(lane, 200)
    await lane.es.indices.delete(index=lane.routes["message"].index.of_month(month))
    assert await presence(lane).lacking() == {"message"}


async def test_an_index_put_back_as_it_was_last_week_is_told(lane: Lane) -> None:
    await brought(lane, 200)
    alias = lane.routes["ticket"].index.alias
    for number in range(100, 200):
        await lane.es.delete(index=alias, id=f"t{number}")
    assert await presence(lane).lacking() == {"ticket"}


async def test_a_few_dead_letters_at_the_end_are_no_loss(lane: Lane) -> None:
    await brought(lane)
    bad = [ticket(lane, 1)._replace(key=b"not a valid id")] * (SAMPLE // 2)
    await lane.publish(bad)
    async with lane.running(names=BOTH):
        await until(lane.committed, 60 + len(bad))
    assert await presence(lane).lacking() == set()


async def test_no_month_grows_in_an_archive_without_our_templates(lane: Lane) -> None:
    await brought(lane)
    index = lane.routes["message"].index
    async with lane.running(names=BOTH):
        await lane.es.indices.delete(index=[f"{index.alias}-2026.10", f"{index.alias}-2026.11"])
        await lane.es.indices.delete_index_template(name=index.alias)
        await asyncio.sleep(1.0)  # what was seen a second ago is believed: no Elasticsearch is emptied within it
        await lane.publish([letter(lane, 500, "2026-11")])
        await lane.until_indexed(1, "message")
    made = (await lane.es.indices.get_mapping(index=index.of_month("2026-11")))[index.of_month("2026-11")]
    assert made["mappings"]["dynamic"] == "false"


def lacks() -> float | None:
    return REGISTRY.get_sample_value("hotline_sinks_archive_lacks", {"index": "ticket"})


@pytest.fixture
def peer() -> Iterator[Prometheus]:
    require(prometheus.missing())
    with (
        HealthServer(ProcessHealth([]), "127.0.0.1", 0) as told,
        Prometheus(hurried(), {"sink": told.port}) as running,
    ):
        yield running


async def test_the_alarm_rings(lane: Lane, peer: Prometheus) -> None:
    await brought(lane)
    stop = asyncio.Event()
    watching = asyncio.create_task(presence(lane).watch(stop, 0.2))

    async def ringing() -> list[str]:
        firing = await asyncio.to_thread(peer.firing)
        return [one["index"] for one in firing if one["alertname"] == "ArchiveLacks"]

    async def told() -> float | None:
        return lacks()

    await until(told, 0.0)
    assert await ringing() == []
    await lane.es.indices.delete(index=f"{lane.routes['ticket'].index.alias}-v1")
    await until(ringing, ["ticket"])
    async with lane.running(names=BOTH):
        pass
    await rebuilt(lane)
    await until(ringing, [])
    stop.set()
    await watching
