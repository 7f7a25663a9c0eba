"""What breaks around a sink loses nothing: overload, a server killed, the sink itself killed."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from hotline.dev.stack.stack import Stack
from sinks.runner import Runner
from sinks.settings import SinkSettings
from tests.forked import Forked
from tests.sinks.conftest import QUICK, Lane, until
from tests.sinks.flaky import flaky, larger_than, some, whole
from tests.sinks.test_runner_live import tickets
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]


def oldest() -> float | None:
    return REGISTRY.get_sample_value("hotline_sinks_oldest_seconds", {"sink": "elastic"})


async def test_partial_and_whole_overloads_lose_nothing(lane: Lane) -> None:
    await lane.publish(tickets(lane, 1000))
    async with flaky(lane.endpoints.elasticsearch_url) as (proxy, url):
        proxy.faults = [some(429, 3), whole(429, **{"retry-after": "0"}), some(503, 2), whole(503), some(429, 1)] * 3
        async with lane.running(url):
            await until(lane.committed, 1000)
        assert proxy.faults == []
    assert await lane.indexed() == 1000
    assert await lane.dead() == []


async def test_nothing_is_committed_while_a_document_waits(lane: Lane) -> None:
    await lane.publish(tickets(lane, 400))
    async with flaky(lane.endpoints.elasticsearch_url) as (proxy, url):
        proxy.faults = [some(429, 100)] * 10_000
        async with lane.running(url) as runner:
            await soon(lambda: not runner.health().ready and len(proxy.sizes) >= 6)
            assert await lane.committed() == 0
            assert (oldest() or 0) > 0
            proxy.faults = []
            await until(lane.committed, 400)
            assert oldest() == 0
    assert await lane.indexed() == 400


async def test_a_second_index_behind_an_alias_makes_documents_wait_and_buries_none(lane: Lane) -> None:
    """Elasticsearch refuses each as a bad document, while nobody is named to be written."""
    index = lane.routes["ticket"].index
    await lane.publish(tickets(lane, 20))
    async with lane.running():
        await until(lane.committed, 20)
    await lane.es.indices.create(index=f"{index.alias}-v2", aliases={index.alias: {}})
    await lane.es.indices.put_alias(index=f"{index.alias}-v1", name=index.alias, is_write_index=False)
    await lane.publish(tickets(lane, 20))
    async with lane.running() as runner:
        await soon(lambda: not runner.health().ready)
        assert "illegal_argument_exception" in runner.health().detail
        await lane.es.indices.put_alias(index=f"{index.alias}-v1", name=index.alias, is_write_index=True)
        await until(lane.committed, 40)
    assert await lane.dead() == []


async def test_requests_that_are_too_large_become_smaller(lane: Lane) -> None:
    await lane.publish(tickets(lane, 200))
    async with flaky(lane.endpoints.elasticsearch_url) as (proxy, url):
        proxy.faults = [larger_than(30)] * 10_000
        async with lane.running(url):
            await until(lane.committed, 200)
        assert max(proxy.sizes) > 30
    assert await lane.indexed() == 200
    assert await lane.dead() == []


async def test_an_elasticsearch_killed_in_midstream_loses_nothing(lane: Lane, local_stack: Stack) -> None:
    async with lane.running() as runner:
        await lane.publish(tickets(lane, 1000))
        await until(lane.committed, 1000)
        sending = asyncio.create_task(lane.publish(tickets(lane, 3000, first=1000)))
        await asyncio.to_thread(local_stack.kill, "elasticsearch")
        await sending
        await until(lambda: _ready(runner), False)
    committed = await lane.committed()
    await asyncio.to_thread(local_stack.wait_ready)
    assert await lane.indexed() >= committed, "what was committed is there"
    async with lane.running():
        await lane.until_indexed(4000)
        await until(lane.committed, 4000)
    assert await lane.dead() == []


async def _ready(runner: Runner) -> bool:
    return runner.health().ready


async def test_a_long_outage_does_not_cost_the_membership(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.runner._STAY_SECONDS", 0.2)
    await lane.publish(tickets(lane, 1000))
    settings = SinkSettings(**{**QUICK.model_dump(), "batch_max_documents": 50, "in_flight_max_batches": 2})
    async with flaky(lane.endpoints.elasticsearch_url) as (proxy, url):
        proxy.faults = [whole(503)] * 10_000
        async with lane.running(url, settings) as runner:
            await until(lambda: _ready(runner), False)
            await asyncio.sleep(2)  # ten times as long as it stays without a poll
            assert not runner.health().ready
            assert await lane.committed() == 0
            proxy.faults = []
            await until(lane.committed, 1000)
    assert await lane.indexed() == 1000


async def test_a_stop_during_an_outage_is_quick_and_commits_nothing(lane: Lane) -> None:
    await lane.publish(tickets(lane, 2000))
    settings = SinkSettings(**{**QUICK.model_dump(), "drain_max_seconds": 0.5})
    async with flaky(lane.endpoints.elasticsearch_url) as (proxy, url):
        proxy.faults = [whole(503)] * 10_000
        async with lane.running(url, settings) as runner:
            await until(lambda: _ready(runner), False)
            stopping = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - stopping < 9.5  # it would be 10 and more by default
    assert await lane.committed() == 0


async def test_a_sink_killed_between_answer_and_commit_repeats_harmlessly(lane: Lane) -> None:
    deaths = 4
    await lane.publish(tickets(lane, 1000))
    assert await run_process(lane, deaths) == -signal.SIGKILL
    indexed, committed = await lane.indexed(), await lane.committed()
    assert 0 < indexed <= deaths * 100
    assert committed < indexed, "the last answer was not committed"
    async with lane.running():
        await until(lane.committed, 1000)
    assert await lane.indexed() == 1000
    assert await lane.dead() == []


async def run_process(lane: Lane, deaths: int) -> int:
    told = {
        "topic": lane.topic,
        "prefix": lane.prefix,
        "group": lane.group,
        "elasticsearch": lane.endpoints.elasticsearch_url,
        "kafka": lane.endpoints.bootstrap_servers,
        "deaths": str(deaths),
    }
    script = Path(__file__).with_name("dying_sink.py")
    process = await asyncio.to_thread(Forked, str(script), json.dumps(told))
    return await asyncio.to_thread(process.wait, 60)
