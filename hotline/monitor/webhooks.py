"""Webhooks for operators: subscribers, backlog, outcome of deliveries, and a ping."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from broker import kafka_reader
from broker.config import KafkaConnection
from hotline.monitor import stages
from hotline.monitor.kafka import opened
from schemas import topics
from schemas.codec import decode
from schemas.envelope import type_of
from schemas.errors import MisconfiguredError, SchemaError
from schemas.records import Delivery
from sinks.webhook import SubscriberSettings
from sinks.webhook.client import WebhookSink
from sinks.webhook.request import Body
from sinks.webhook.response import Answer


class Subscriber(Struct, frozen=True, kw_only=True):
    """One subscriber; `endpoint` is its URL without path and query, `backlog` counts records that it has not done."""

    name: str
    endpoint: str
    snapshot: str
    format: str
    filter: dict[str, object]
    secrets: int
    backlog: int


class Wanted(Struct, frozen=True, kw_only=True):
    """Filters of the delivery log."""

    subscriber: str | None = None
    outcome: str | None = None
    ticket: str | None = None

    def lets_through(self, line: Delivery) -> bool:
        """Return whether a line passes the filters."""
        asked = ((self.subscriber, line.subscriber), (self.outcome, line.outcome), (self.ticket, line.ticket_id))
        return all(wanted in (None, found) for wanted, found in asked)


def subscribers(settings: dict[str, SubscriberSettings], connection: KafkaConnection) -> Iterator[Subscriber]:
    """Yield every subscriber of the settings, with its backlog as Kafka has it now."""
    with opened(connection) as kafka:
        waiting = stages.look(kafka, datetime.now(UTC), stages.of_subscribers(settings))
    for (name, one), stage in zip(settings.items(), waiting, strict=True):
        yield Subscriber(
            name=name,
            endpoint=one.endpoint,
            snapshot=one.snapshot,
            format=one.format,
            filter=one.filter.model_dump(mode="json", exclude_defaults=True),
            secrets=len(one.secrets),
            backlog=stage.lag_records,
        )


def log(
    settings: dict[str, SubscriberSettings], connection: KafkaConnection, wanted: Wanted, limit: int
) -> list[Delivery]:
    """Return the newest lines of the delivery log, the oldest of them first.

    Raises MisconfiguredError when there is nothing of a subscriber that is not in the settings.
    """
    newest = heapq.nlargest(limit, _lines(connection, wanted), key=lambda line: line.at)
    if not newest and wanted.subscriber is not None:
        find(settings, wanted.subscriber)
    return newest[::-1]


def find(settings: dict[str, SubscriberSettings], name: str) -> SubscriberSettings:
    """Return a subscriber's settings. Raises MisconfiguredError if none has this name."""
    if not settings:
        raise MisconfiguredError(f"There is no subscriber: add [sinks.webhook.{name}] to the settings.")
    if name not in settings:
        raise MisconfiguredError(f"There is no subscriber {name}; the settings have {', '.join(settings)}.")
    return settings[name]


async def ping(name: str, settings: SubscriberSettings) -> Answer:
    """Send a signed ping: a CloudEvent that holds no ticket, whatever format the subscriber has."""
    sink, at = WebhookSink(name, settings), datetime.now(UTC)
    content = msgspec.json.encode({"type": "ping", "subscriber": name, "at": at})
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": f"ping:{at.timestamp():.0f}",
        "ce-source": f"/hotline/webhook/{name}",
        "ce-type": type_of("ping"),
    }
    try:
        return await sink.post(
            f"{name}:ping:{at.timestamp():.0f}", Body(content, {"content-type": "application/json", **attributes})
        )
    finally:
        await sink.close()


def _lines(connection: KafkaConnection, wanted: Wanted) -> Iterable[Delivery]:
    for record in kafka_reader.read_all(connection, topics.DELIVERY):
        try:
            line = decode(record.value, Delivery)
        except SchemaError:  # of a later version with fields that this one does not know
            continue
        if wanted.lets_through(line):
            yield line
