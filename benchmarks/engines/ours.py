"""Ours: the chunk transport and its lanes; state is what the output says, restored before the first decision.

With transactions it is what `assign` does: a fenced producer for each partition and one transaction a chunk. Without,
the chunk is acknowledged when the brokers hold its outputs.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faust.types import TP

from benchmarks.engines.job import PARTITIONS, Judged, Place, begin, understood, write
from broker.aio_producer import Sender, make_producer, translated
from broker.config import KafkaConnection
from schemas.codec import Outbound
from streams.engine.app import make_app, serve
from streams.engine.partition_worker import Chunk, declare

TRANSACTIONS = os.environ.get("ENGINE_TRANSACTIONS") == "1"


class Owner:
    """One partition: its producer, what its city has said, and how far its input is decided."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self.sender = Sender(producer, PARTITIONS)
        self.seen: set[int] = set()
        self.decided = -1

    def judged(self, value: bytes, place: int) -> Judged:
        """Do the job on one message."""
        one = understood(value)
        one.new, one.place = one.fingerprint not in self.seen, place
        self.fold(one)
        return one

    def fold(self, one: Judged) -> None:
        """Follow a decision."""
        self.seen.add(one.fingerprint)
        self.decided = max(self.decided, one.place)


class Stage:
    """The partitions of this worker."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection = KafkaConnection(bootstrap_servers=place.broker, partitions=PARTITIONS)
        self._owners: dict[int, Owner] = {}

    async def handle(self, tp: TP, chunk: Chunk) -> None:
        """Judge a chunk, write it, acknowledge it."""
        try:
            owner = self._owners.get(tp.partition) or await self._take_over(tp.partition)
            begin()
            await self._write(owner, self._outbounds(owner, chunk))
        except Exception as error:
            await self.lose([tp.partition])
            raise translated(error) from error
        chunk.ack()

    async def lose(self, partitions: list[int]) -> None:
        """Throw their states away."""
        for owner in [self._owners.pop(one) for one in partitions if one in self._owners]:
            with contextlib.suppress(Exception):
                await owner.producer.stop()

    async def _take_over(self, partition: int) -> Owner:
        fence = {"transactional_id": f"{self._place.group}-{partition}"} if TRANSACTIONS else {}
        owner = Owner(make_producer(self._connection, **fence))
        await owner.producer.start()
        await self._restore(owner, partition)
        self._owners[partition] = owner
        return owner

    async def _restore(self, owner: Owner, partition: int) -> None:
        tp, read = TopicPartition(self._place.target, partition), msgspec.json.Decoder(Judged).decode
        async with AIOKafkaConsumer(
            **self._connection.aiokafka_options(), isolation_level="read_committed"
        ) as consumer:
            consumer.assign([tp])
            await consumer.seek_to_beginning(tp)
            end = (await consumer.end_offsets([tp]))[tp]
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(tp, timeout_ms=200)).values():
                    for record in records:
                        owner.fold(read(record.value))

    def _outbounds(self, owner: Owner, chunk: Chunk) -> list[Outbound]:
        todo = [record for record in chunk.records if record.offset > owner.decided]
        judged = [owner.judged(record.value or b"", record.offset) for record in todo]
        return [Outbound(self._place.target, one.id.encode(), write(one), [], one.city) for one in judged]

    async def _write(self, owner: Owner, outbounds: list[Outbound]) -> None:
        if not outbounds:
            return
        if not TRANSACTIONS:
            await owner.sender.send(outbounds)
            return
        await owner.producer.begin_transaction()
        await owner.sender.send(outbounds)
        await owner.producer.commit_transaction()


async def work(place: Place) -> None:
    """Run until the process ends."""
    stage = Stage(place)
    app = make_app(place.group, KafkaConnection(bootstrap_servers=place.broker), Path(place.folder))
    declare(app, "judge", [place.source], stage.handle)

    async def revoked(app: Any, revoked: Any, *_: Any, **__: Any) -> None:
        await stage.lose([tp.partition for tp in revoked])

    app.on_partitions_revoked.connect(revoked, weak=False)  # type: ignore[arg-type] # as in `streams/assign.py`
    await serve(app, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(Place.of_argv()))
