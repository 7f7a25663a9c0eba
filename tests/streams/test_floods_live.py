"""A flood on the real Kafka: everybody else is heard at once, emergencies in it too, and nothing of it is lost."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer

from normalizers.base import Policy
from schemas import topics
from schemas.codec import decode
from schemas.records import Handover, Message
from schemas.tracing import OFF
from streams import normalize, screen
from streams.backpressure.settings import FloodSettings
from tests.streams.conftest import Bench
from tests.streams.raws import outbound, raw

pytestmark = pytest.mark.integration

FLOOD = 2_000
FIRE = "解放路88号居民楼三楼着火了，快来人啊"
LIVE_SECONDS = 2.0
"""The bar of raw to searchable, at the 99th percentile; the stage alone takes a tenth of it on a quiet machine."""

SETTINGS = FloodSettings(sender_burst=50, sender_per_minute=30)


def declare(app, bench: Bench) -> None:
    normalize.declare(app, bench.connection, bench.blobs, Policy(), flood_settings=SETTINGS)


async def test_a_flood_waits_and_nobody_else_does(bench: Bench) -> None:
    flood = [outbound(n, sender="flooder") for n in range(FLOOD)]
    flood[1_500] = outbound(1_500, FIRE, sender="flooder")
    await asyncio.gather(*(bench.put(*flood[start::20], partition=0) for start in range(20)))
    async with (
        bench.running(declare, bench),
        bench.running(screen.declare, bench.connection, bench.blobs, Policy(), group="screen"),
    ):
        (handover,) = await bench.read(topics.HANDOVER, 1)
        await bench.read(topics.FLOOD, FLOOD - 51)
        began = time.monotonic()
        await bench.put(outbound(FLOOD), partition=0)
        heard = await ids_until(bench, f"n{FLOOD}")
        took = time.monotonic() - began
        everything = await ids_until(bench, *(f"n{n}" for n in range(FLOOD + 1)))
    assert decode(handover.value, Handover).level == "critical"
    assert took < LIVE_SECONDS * 15, "on a busy machine"
    assert len(everything) == len(set(everything)) == FLOOD + 1
    # The fire was not put behind although its sender floods: it is among those that went on at once.
    assert {*heard[:51]} == {"n1500", *(f"n{n}" for n in range(50))}
    behind = await bench.read(topics.FLOOD, FLOOD - 51)
    assert len(behind) == FLOOD - 51
    assert behind[0].value == flood[50].value
    assert dict(behind[0].headers)["ce_id"] == b"n50"


async def test_an_emergency_behind_a_flood_is_handed_over_before_the_flood_is_screened(bench: Bench) -> None:
    flood = [outbound(n, sender="flooder") for n in range(FLOOD)]
    flood[-1] = outbound(FLOOD - 1, FIRE, sender="flooder")
    await asyncio.gather(*(bench.put(*flood[start::20], partition=0) for start in range(20)))
    await bench.put(outbound(FLOOD, FIRE, sender="neighbour"), partition=0)
    async with bench.running(
        screen.declare, bench.connection, bench.blobs, Policy(), OFF, SETTINGS, group=f"screen-{time.time_ns()}"
    ):
        found = [decode(one.value, Handover).handover_id for one in await bench.read(topics.HANDOVER, 2)]
    assert found == [raw(FLOOD).message_id, raw(FLOOD - 1).message_id]


async def ids_until(bench: Bench, *wanted: str) -> list[str]:
    """Read messages in their order until all of the wanted ones were seen."""
    found: list[str] = []
    async with (
        AIOKafkaConsumer(
            topics.MESSAGE, bootstrap_servers=bench.connection.bootstrap_servers, auto_offset_reset="earliest"
        ) as consumer,
        asyncio.timeout(60),
    ):
        async for record in consumer:
            found.append(decode(record.value, Message).id)
            if found[-1] in wanted and set(wanted) <= set(found):
                return found
    raise AssertionError("the topic ended")
