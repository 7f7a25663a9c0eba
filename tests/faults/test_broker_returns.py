"""Kafka is killed while a stage works: it waits, goes on by itself, and nothing is missing."""

import asyncio
from pathlib import Path

import pytest

from hotline.dev.stack.stack import Endpoints, Stack
from normalizers.base import Policy
from schemas import topics
from schemas.codec import decode
from schemas.records import Message
from streams import normalize
from tests.streams.conftest import opened
from tests.streams.raws import outbound

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]


async def test_nothing_is_missing_after_a_kill_of_the_broker(
    local_stack: Stack, stack: Endpoints, tmp_path: Path
) -> None:
    async with opened(stack, tmp_path) as bench:
        declared = bench.running(normalize.declare, bench.connection, bench.blobs, Policy())
        async with declared as app:
            sending = asyncio.create_task(bench.put(*(outbound(number) for number in range(300))))
            await bench.read(topics.MESSAGE, 20)
            await asyncio.to_thread(local_stack.restart, "kafka")
            await sending
            await bench.put(outbound(300))
            found = await bench.read(topics.MESSAGE, 301, seconds=90, keys=True)
            assert not app.should_stop
        assert {decode(record.value, Message).id for record in found} == {f"n{number}" for number in range(301)}
