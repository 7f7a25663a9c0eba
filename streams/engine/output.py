"""Output of a stage: a sender whose producer starts with the first record and stops with the app."""

import asyncio
from collections.abc import Sequence
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from broker.aio_client import closed, started
from broker.aio_producer import Sender, make_producer, translated
from broker.config import KafkaConnection
from schemas.codec import Outbound
from schemas.errors import TooLargeError
from streams.metrics import count_written


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

    async def send(self, outbounds: Sequence[Outbound]) -> list[Outbound]:
        """Return when the brokers have acknowledged all records; the result is those that they refuse as too large.

        Raises RetriableError to have the chunk repeated.
        """
        refused = await _refused(await self._opened(), outbounds) if outbounds else []
        count_written(self._stage, [one for one in outbounds if one not in refused] if refused else outbounds)
        return refused

    async def _opened(self) -> Sender:
        async with self._opening:
            if self._sender is None:
                producer = make_producer(self._connection)
                try:
                    await started(producer.start)
                except BaseException as error:
                    await closed(producer.stop)
                    if isinstance(error, KafkaError | OSError):
                        raise translated(error) from error
                    raise
                self._producer, self._sender = producer, Sender(producer, self._connection.partitions)
            return self._sender

    async def _stop(self, *_: Any, **__: Any) -> None:
        producer, self._producer, self._sender = self._producer, None, None
        if producer is not None:
            await closed(producer.stop)


async def _refused(sender: Sender, outbounds: Sequence[Outbound]) -> list[Outbound]:
    """Send the records together; if one is too large, send each alone: repeats of the others are harmless."""
    try:
        await sender.send(outbounds)
    except TooLargeError:
        if len(outbounds) == 1:
            return [*outbounds]
        return [one for outbound in outbounds for one in await _refused(sender, [outbound])]
    return []
