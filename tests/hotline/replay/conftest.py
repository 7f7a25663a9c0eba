"""A recorded run of assign on the real Kafka, to be replayed."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound
from streams.state.partition import take_over
from tests.assign import logs
from tickets.policy import TicketPolicy

CHUNK = 7
"""Inputs of one transaction: of a ticket that changes more than once in it, only the last snapshot is written."""

Record = Callable[[Iterable[Outbound]], None]


@pytest.fixture
def kafka(operators_settings: KafkaConnection) -> KafkaConnection:
    """Fresh topics, and the settings of an operator beside them."""
    return operators_settings


@pytest.fixture
def record(kafka: KafkaConnection, tmp_path: Path) -> Record:
    """Return what writes inputs and lets assign decide about them."""
    blobs = LocalStore(tmp_path / "blobs")

    async def decide(outbounds: Iterable[Outbound]) -> None:
        await logs.write(kafka, outbounds)
        records = await logs.read(kafka, topics.MESSAGE)
        for partition in range(kafka.partitions):
            mine = [one for one in records if one.partition == partition]
            owner = await take_over(partition, kafka, blobs, TicketPolicy(), lambda point: None)
            for begin in range(0, len(mine), CHUNK):
                await owner.work_off(mine[begin : begin + CHUNK])
            await owner.close()
        await logs.settle(kafka)

    return lambda outbounds: asyncio.run(decide(outbounds))
