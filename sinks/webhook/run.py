"""Runs the subscribers, each with its own consumer group: one that waits delays no other."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer

from broker.config import KafkaConnection
from schemas.errors import FatalError, MisconfiguredError, PipelineError, RetriableError
from schemas.tracing import OFF, Tracer
from sinks.base import Source
from sinks.groups import group_of
from sinks.kafka import Graveyard, make_consumer, make_reader
from sinks.runner import Runner, run_sink
from sinks.settings import SinkSettings
from sinks.webhook.client import WebhookSink
from sinks.webhook.delivery_log import Book
from sinks.webhook.dispatcher import Courier
from sinks.webhook.erasure_lookahead import Ahead
from sinks.webhook.first_version import stood
from sinks.webhook.settings import SubscriberSettings

BATCH_DOCUMENTS = 10
BATCHES = 400
"""Batches in flight: a waiting delivery delays the commit and no other delivery; a crash repeats at most so many."""

_DRAIN_MAX_SECONDS = 30.0

AGAIN_SECONDS = 10.0
"""Seconds after an internal error of one subscriber until it is restarted."""


_log = structlog.get_logger(__name__)


class Webhooks:
    """All subscribers of one process."""

    def __init__(
        self, subscribers: Mapping[str, SubscriberSettings], connection: KafkaConnection, tracer: Tracer = OFF
    ) -> None:
        self._subscribers = subscribers
        self._connection = connection
        self._tracer = tracer
        self._runners: dict[str, Runner] = {}
        self._stopped: dict[str, FatalError] = {}
        self._failed: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; a subscriber that needs an operator stops alone, one with an internal error
        restarts alone.

        Raises its FatalError if none is left, and faults of Kafka at once.
        """
        tasks = [asyncio.create_task(self._watched(name, stop)) for name in self._subscribers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if len(self._stopped) == len(tasks):
            raise next(iter(self._stopped.values()))

    @property
    def begun(self) -> bool:
        """Return whether each subscriber has read at least once, or does not start for a reported reason."""
        return not self._subscribers.keys() - self._runners.keys() - self._failed.keys() - self._stopped.keys()

    def troubles(self) -> dict[str, str]:
        """Return the reason of each failing subscriber."""
        known = {name: runner.health() for name, runner in self._runners.items()}
        away = {name: health.detail for name, health in known.items() if not health.ready}
        return away | self._failed | {name: str(error) for name, error in self._stopped.items()}

    async def _watched(self, name: str, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set() and not await self._ended(name, stop):
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)
        except FatalError as error:
            self._stopped[name] = error
            _log.error("subscriber_stopped", subscriber=name, sentence=str(error))

    async def _ended(self, name: str, stop: asyncio.Event) -> bool:
        """Run a subscriber and return whether it is done; an internal error is logged, and it is not."""
        settings, ready = self._subscribers[name], partial(self._ready, name)
        try:
            await run_subscriber(name, settings, self._connection, stop, ready, tracer=self._tracer)
        except (MisconfiguredError, RetriableError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever ends one subscriber must not end the others
            told = str(error) if isinstance(error, PipelineError) else f"it ended ({type(error).__name__})"
            self._failed[name] = f"{told.removesuffix('.')}, and begins again"
            _log.error("subscriber_failed", subscriber=name, error=type(error).__name__)
            return False
        return True

    def _ready(self, name: str, runner: Runner) -> None:
        self._failed.pop(name, None)
        self._runners[name] = runner


async def run_subscriber(
    name: str,
    settings: SubscriberSettings,
    connection: KafkaConnection,
    stop: asyncio.Event,
    on_ready: Callable[[Runner], None] = lambda _: None,
    source: Source | None = None,
    tracer: Tracer = OFF,
) -> None:
    """Run one subscriber until `stop` is set; `source` is the topic to read, if it is not that of its snapshots."""
    sink = WebhookSink(name, settings)
    asks = partial(stood, partial(make_consumer, connection, group_of(sink.name)))
    ahead = Ahead(sink.may_read, partial(make_reader, connection, client_id=f"{group_of(sink.name)}-ahead"))

    def courier(producer: AIOKafkaProducer) -> Courier:
        bury, write = Graveyard(producer).bury, Book(producer).write
        return Courier(sink, name, settings, bury, write, ahead=ahead, stood=asks)

    limits = SinkSettings(
        batch_max_documents=BATCH_DOCUMENTS,
        batch_max_age_seconds=0.05,
        in_flight_max_batches=BATCHES,
        drain_max_seconds=min(settings.request_timeout_seconds, _DRAIN_MAX_SECONDS),
    )
    sources = [source or Source(topic=settings.topic)]
    reading = asyncio.create_task(ahead.run(), name="ahead")
    try:
        await run_sink(sink, sources, connection, limits, stop, on_ready, make=courier, tracer=tracer)
    finally:
        reading.cancel()
        await asyncio.wait([reading])
