"""A topic that is deleted and made under a running sink: the sink ends, and the next one stores all that is in it."""

import asyncio

import pytest

from schemas import topic_ids
from schemas.errors import FatalError
from tests.fresh import made_anew
from tests.sinks.conftest import PARTITIONS, Lane, until
from tests.sinks.test_runner_live import tickets

pytestmark = pytest.mark.integration


async def test_the_sink_ends_and_the_next_one_stores_what_the_new_topic_holds(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_ids, "ASK_SECONDS", 1.0)
    await lane.publish(tickets(lane, 20))

    async def work() -> None:
        async with lane.running():
            await until(lane.committed, 20)
            await asyncio.to_thread(made_anew, lane.kafka, lane.topic, PARTITIONS)
            await lane.publish(tickets(lane, 60, first=100))
            while any(task.get_name() == "sink" for task in asyncio.all_tasks()):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)

    with pytest.raises(FatalError, match="made anew"):
        await work()
    async with lane.running():
        await lane.until_indexed(80)
