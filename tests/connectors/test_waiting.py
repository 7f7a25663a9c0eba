"""Those who share a trip to Kafka or to the disk: each hears once what became of what it brought."""

import asyncio

import pytest

from connectors.publish.durable_publisher import Waiting, settle
from schemas.errors import UnreachableError


async def test_all_hear_of_the_end_also_while_one_that_spoils_the_trip_is_looked_for() -> None:
    tried: list[list[str]] = []
    alone = asyncio.Event()

    async def bring(given: list[str]) -> None:
        tried.append(given)
        if len(given) > 1:
            raise ValueError("one of them is at fault")
        alone.set()
        await asyncio.Event().wait()

    batch = [Waiting(name, asyncio.get_running_loop().create_future()) for name in "ab"]
    settling = asyncio.create_task(settle(batch, bring))
    await alone.wait()
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert tried == [["a", "b"], ["a"]]
    assert [type(waiting.done.exception()) for waiting in batch] == [UnreachableError, UnreachableError]
