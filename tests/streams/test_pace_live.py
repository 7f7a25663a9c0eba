"""Back-fill gives way to live messages that wait, on the real Kafka."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from schemas import topics
from streams import lanes, pace
from streams.pace import RESUME_SECONDS
from tests.streams.conftest import Bench, until
from tests.streams.raws import outbound

pytestmark = pytest.mark.integration

LIVE = topics.raw("record")


def lag() -> float | None:
    return REGISTRY.get_sample_value("hotline_streams_lag_records", {"stage": "test"})


async def test_back_fill_waits_while_live_messages_do(bench: Bench) -> None:
    go_on, live, old = asyncio.Event(), [], []
    watching: list[pace.Pace] = []

    async def slow(tp, chunk) -> None:
        await go_on.wait()
        live.extend(chunk.records)
        chunk.ack()

    async def quick(tp, chunk) -> None:
        old.extend(chunk.records)
        chunk.ack()

    def declare(app) -> None:
        lanes.declare(app, "live", [LIVE], slow)
        lanes.declare(app, "backfill", [topics.BACKFILL], quick)
        watching.append(pace.watch(app, "test", [LIVE], [topics.BACKFILL]))

    async with bench.running(declare):
        await bench.put(outbound(1, backfill=True))
        await until(lambda: len(old) == 1)
        await bench.put(outbound(2))
        await until(lambda: watching[0].paused)
        assert lag() == 1
        await asyncio.sleep(0.3)  # a fetch that was under way may still bring something
        await bench.put(outbound(3, backfill=True))
        await asyncio.sleep(RESUME_SECONDS)
        assert len(old) == 1
        go_on.set()
        await until(lambda: len(old) == 2)
        await until(lambda: lag() == 0)
    assert len(live) == 1
