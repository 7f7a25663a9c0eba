"""Raw messages a second through the publisher, beside bare kafka-python with the same and with its own settings.

`python -m benchmarks.publisher [MESSAGES]`. One process, acks from the broker awaited for every message.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psutil
from kafka import KafkaProducer
from obstore.store import LocalStore

from benchmarks.transport import a_kafka
from broker.config import KafkaConnection
from broker.sync_producer import SETTINGS
from connectors.publish.publisher import Publisher
from hotline.admin.topics import Provision
from schemas import topics
from schemas.records import RawMessage, raw_message

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
BATCH = 2000
AT_ONCE = 200
BODY = "岳麓区麓山路与新民路路口的路灯已经坏了三天，晚上非常危险，希望尽快维修。".encode() * 4

Run = Callable[[list[RawMessage]], None]


def made(count: int) -> list[RawMessage]:
    """Return messages of about half a kilobyte, a thousand senders."""
    return [
        raw_message(
            channel="sms",
            channel_kind="sms_http",
            account="bench",
            jurisdiction="430100",
            identifier=str(number),
            value=b"%d %s" % (number, BODY),
            content_type="text/plain",
            time=NOON,
            recorded=NOON,
            sender=f"138{number % 1000:08d}",
        )
        for number in range(count)
    ]


def through_publisher(publisher: Publisher) -> Run:
    """Publish as a pull connector does: a batch, and the next when the broker holds it."""

    def run(messages: list[RawMessage]) -> None:
        for start in range(0, len(messages), BATCH):
            publisher.publish(messages[start : start + BATCH])

    return run


def one_by_one(publisher: Publisher) -> Run:
    """Publish as the receiver does: each message is awaited, many at once."""

    async def send_all(messages: list[RawMessage]) -> None:
        waiting = iter(messages)

        async def sender() -> None:
            for message in waiting:
                await publisher.publish_async([message], 30)

        await asyncio.gather(*(sender() for _ in range(AT_ONCE)))

    return lambda messages: asyncio.run(send_all(messages))


def bare(producer: KafkaProducer) -> Run:
    """Send the same records with kafka-python alone, in the same batches."""

    def run(messages: list[RawMessage]) -> None:
        for start in range(0, len(messages), BATCH):
            records = [message.outbound() for message in messages[start : start + BATCH]]
            sent = [producer.send(each.topic, each.value, each.key, each.headers) for each in records]
            for delivery in sent:
                delivery.get(30)

    return run


def measured(name: str, run: Run, messages: list[RawMessage]) -> None:
    """Print one line of the table."""
    run(messages[:BATCH])
    process = psutil.Process()
    began, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
    run(messages)
    seconds, cpu = time.perf_counter() - began, sum(process.cpu_times()[:2]) - cpu
    rate, per = len(messages) / seconds, cpu * 100_000 / len(messages)
    print(f"| {name:<46} | {rate:>8,.0f} | {per:>6.2f} | {process.memory_info().rss >> 20:>5} |", flush=True)


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with a_kafka() as broker, tempfile.TemporaryDirectory() as folder:
        connection = KafkaConnection(bootstrap_servers=broker)
        Provision(connection).create_when_started()
        messages = made(count)
        size = len(messages[-1].value)
        print(f"{count:,} messages of {size} bytes to {topics.raw('sms')}, {os.cpu_count()} cores with the broker\n")
        print(f"| {'':<46} | {'msg/s':>8} | {'CPU-s':>6} | {'MB':>5} |\n|{'-' * 48}|{'-' * 10}|{'-' * 8}|{'-' * 7}|")
        publisher = Publisher(connection, LocalStore(folder))
        measured(f"Publisher.publish, batches of {BATCH}", through_publisher(publisher), messages)
        measured(f"Publisher.publish_async, {AT_ONCE} at once", one_by_one(publisher), messages)
        publisher.close()
        same = KafkaProducer(**SETTINGS, **connection.client_options())
        measured(f"kafka-python, same settings, batches of {BATCH}", bare(same), messages)
        same.close()
        own = KafkaProducer(**connection.client_options())
        measured(f"kafka-python, its own settings, batches of {BATCH}", bare(own), messages)
        own.close()


if __name__ == "__main__":
    main()
