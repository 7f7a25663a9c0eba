"""The way out of a stage: a sender whose producer starts with the first record and stops with the app."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.connection import KafkaConnection
from schemas.wire import Outbound
from streams import metrics
from streams.sender import Sender, make_producer, translated

CLOSE_SECONDS = 5.0
"""How long the producer may take to stop while Kafka does not answer."""


class Outlet:
    """Sends a stage's records; safe for all its lanes at once."""

    def __init__(self, app: faust.App, connection: KafkaConnection, stage: str) -> None:
        self._connection = connection
        self._stage = stage
        self._opening = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._sender: Sender | None = None
        signals: Any = app  # Faust's own types do not know that a handler may be a coroutine
        signals.on_before_shutdown.connect(self._stop)

    async def send(self, outbounds: Sequence[Outbound]) -> None:
        """Return when the brokers hold all of them. Raises RetriableError to have the chunk repeated."""
        if not outbounds:
            return
        await (await self._opened()).send(outbounds)
        for topic, count in Counter(outbound.topic for outbound in outbounds).items():
            metrics.OUTPUTS.labels(stage=self._stage, topic=topic).inc(count)

    async def _opened(self) -> Sender:
        async with self._opening:
            if self._sender is None:
                producer = make_producer(self._connection)
                try:
                    await producer.start()
                except (KafkaError, OSError) as error:
                    await producer.stop()
                    raise translated(error) from error
                self._producer, self._sender = producer, Sender(producer, self._connection.partitions)
            return self._sender

    async def _stop(self, *_: Any, **__: Any) -> None:
        producer, self._producer, self._sender = self._producer, None, None
        if producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)
