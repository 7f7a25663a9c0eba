"""Documents a second from Kafka into Elasticsearch: our sink, beside three bare loops over the same topic.

`python -m benchmarks.sink [DOCUMENTS] [RUNS]`. `confluent` is confluent-kafka with urllib3, three requests in flight;
`helpers` is aiokafka with elasticsearch's own `async_bulk`; `ndjson` is aiokafka with aiohttp, three requests in
flight, and no look at any answer: the least that any program must do.
With `tune` instead: our sink under other settings, one at a time.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from elasticsearch import AsyncElasticsearch, helpers
from msgspec.structs import replace

from benchmarks import bare
from benchmarks.transport import WORDS
from broker.config import KafkaConnection
from hotline.dev.stack.stack import Stack
from normalizers.text.fold import fold
from schemas import ids, topics
from schemas.codec import encode
from schemas.contract.index_templates import Index, indices
from schemas.records import Ticket
from sinks import Document, Route, Verdicts
from sinks.elastic.sink import ElasticSink
from sinks.elastic.templates import ensure_indices
from sinks.kafka import make_producer
from sinks.runner import run_sink
from sinks.settings import SinkSettings

PARTITIONS = 4
START = datetime(2026, 11, 25, tzinfo=UTC)
INDEX = replace(indices("bench")["ticket"], alias="bench-ticket")
TUNED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "500 documents": {"batch_max_documents": 500},
    "2000 documents": {"batch_max_documents": 2000},
    "1 in flight": {"in_flight_max_batches": 1},
    "2 in flight": {"in_flight_max_batches": 2},
    "4 in flight": {"in_flight_max_batches": 4},
    "refresh every 1 s": {"refresh": "1s"},
    "refresh every 5 s": {"refresh": "5s"},
    "refresh every 30 s": {"refresh": "30s"},
    "title and text too": {"everything": True},
}


def ticket(number: int) -> Ticket:
    """Return a ticket with about 110 characters of text, another for each number."""
    text = "".join(random.Random(number).choices(WORDS, k=110)) + f"，第{number}次反映。"
    message = ids.message_id("/hotline/web/bench", str(number))
    at = START + timedelta(seconds=number / 50)
    return Ticket(
        ticket_id=ids.ticket_id("210100", message), ticket_no=ids.ticket_no("210100", at, number % 10**6), version=1,
        jurisdiction="210100", status="registered", status_at=at, channel="web", channel_kind="app",
        channel_account="bench", channels=("web",), title=text[:20], text=text, search_text=fold(f"{text[:20]} {text}"),
        received_at=at, ingested_at=at, updated_at=at, first_message_id=message, message_count=1,
        cluster_id=ids.ticket_id("210100", message),
    )  # fmt: skip


async def fill(broker: str, topic: str, count: int) -> int:
    """Put the tickets into the topic; return the mean size of one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    there = await admin.list_topics()
    wanted = {name for name in (topic, topics.DEAD) if name not in there}
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in wanted])
    await admin.close()
    producer, size = make_producer(KafkaConnection(bootstrap_servers=broker)), 0
    await producer.start()
    for number in range(count):
        made = ticket(number)
        value = encode(made)
        size += len(value)
        await producer.send(topic, value, key=made.ticket_id.encode(), headers=[("ce_sequence", b"0000000001")])
    await producer.stop()
    return size // count


class Meter:
    """Time and CPU of this process from its first documents to the last answer."""

    def __init__(self, expected: int) -> None:
        self.left = expected
        self.began: tuple[float, float] | None = None

    def begin(self) -> None:
        self.began = self.began or (time.perf_counter(), time.process_time())

    def done(self, count: int) -> bool:
        self.left -= count
        return self.left <= 0

    def report(self) -> None:
        began, cpu = self.began or (0.0, 0.0)
        print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}), flush=True)


class Metered(ElasticSink):
    """Our sink with a meter at its door."""

    meter: Meter
    stop: asyncio.Event

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        self.meter.begin()
        verdicts = await super().write(documents)
        if self.meter.done(len(verdicts.stored)):
            self.meter.report()
            self.stop.set()
        return verdicts


async def ours(broker: str, url: str, topic: str, count: int, changes: dict[str, Any]) -> None:
    """Be our sink."""
    async with AsyncElasticsearch(url) as client:
        await ensure_indices(client, [INDEX])
        if "refresh" in changes:
            await client.indices.put_settings(index=INDEX.alias, settings={"refresh_interval": changes["refresh"]})
        if "everything" in changes:
            text = {"type": "text", "analyzer": "standard", "norms": False}
            await client.indices.put_mapping(index=INDEX.alias, properties={"title": text, "text": text})
    settings = SinkSettings(**{k: v for k, v in changes.items() if k not in ("refresh", "everything")})
    route = Route(topic=topic, index=INDEX)
    sink = Metered(AsyncElasticsearch(url), [route])
    sink.meter, sink.stop = Meter(count), asyncio.Event()
    connection = KafkaConnection(bootstrap_servers=broker)
    await run_sink(sink, [route], connection, settings, sink.stop, group=f"bench-{time.time_ns()}")


@asynccontextmanager
async def consumer(broker: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a consumer as ours is."""
    reading = AIOKafkaConsumer(
        topic, bootstrap_servers=broker, group_id=f"bench-{time.time_ns()}", enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed", fetch_max_wait_ms=100,
    )  # fmt: skip
    await reading.start()
    try:
        yield reading
    finally:
        await reading.stop()


async def with_helpers(broker: str, url: str, topic: str, count: int) -> None:
    """Be the loop of elasticsearch's own helper."""
    meter = Meter(count)
    async with AsyncElasticsearch(url) as client, consumer(broker, topic) as reading:
        await ensure_indices(client, [INDEX])
        while meter.left > 0:
            answer = await reading.getmany(timeout_ms=200, max_records=1000)
            records = [record for batch in answer.values() for record in batch]
            meter.begin()
            actions = [
                {"_index": INDEX.alias, "_id": r.key.decode(), "version": 1, "version_type": "external_gte",
                 "_source": json.loads(r.value)}
                for r in records
            ]  # fmt: skip
            await helpers.async_bulk(client, actions, chunk_size=1000)
            await reading.commit()
            meter.done(len(records))
    meter.report()


async def with_ndjson(broker: str, url: str, topic: str, count: int) -> None:
    """Be the least loop: bytes to bytes, answers unread."""
    meter, flying = Meter(count), set[asyncio.Task[None]]()
    async with AsyncElasticsearch(url) as client:
        await ensure_indices(client, [INDEX])
    async with aiohttp.ClientSession() as session, consumer(broker, topic) as reading:

        async def post(body: bytes) -> None:
            headers = {"content-type": "application/x-ndjson"}
            async with session.post(f"{url}/_bulk?filter_path=errors", data=body, headers=headers) as answer:
                await answer.read()

        while meter.left > 0:
            answer = await reading.getmany(timeout_ms=200, max_records=1000)
            records = [record for batch in answer.values() for record in batch]
            meter.begin()
            line = b'{"index":{"_index":"bench-ticket","_id":"%b","version":1,"version_type":"external_gte"}}\n%b\n'
            flying.add(asyncio.create_task(post(b"".join([line % (r.key, r.value) for r in records]))))
            if len(flying) >= 3:
                _, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                await reading.commit()
            meter.done(len(records))
        await asyncio.wait(flying)
    meter.report()


async def with_confluent(broker: str, url: str, topic: str, count: int) -> None:
    """Be the loop of the other Kafka client, which blocks."""
    async with AsyncElasticsearch(url) as client:
        await ensure_indices(client, [INDEX])
    seconds, cpu = await asyncio.to_thread(bare.index, broker, url, topic, INDEX.alias, count)
    print(json.dumps({"seconds": seconds, "cpu": cpu}), flush=True)


ENGINES = {"confluent": with_confluent, "helpers": with_helpers, "ndjson": with_ndjson}


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """Give Kafka and Elasticsearch: those of the settings, or a stack of its own."""
    names = ("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "HOTLINE_ELASTICSEARCH__HOSTS")
    if all(name in os.environ for name in names):
        yield os.environ[names[0]], os.environ[names[1]]
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            endpoints = stack.up(owner=os.getpid())
            yield endpoints.bootstrap_servers, endpoints.elasticsearch_url
        finally:
            stack.down()


async def stored(url: str, index: Index) -> tuple[int, int]:
    """Return how many documents lie there and in how many bytes, then delete the index."""
    async with AsyncElasticsearch(url) as client:
        await client.indices.refresh(index=index.alias)
        count = int((await client.count(index=index.alias))["count"])
        await client.indices.forcemerge(index=index.alias, max_num_segments=1, wait_for_completion=True)
        size = (await client.indices.stats(index=index.alias))["_all"]["primaries"]["store"]["size_in_bytes"]
        await client.indices.delete(index=f"{index.alias}-v1")
        return count, int(size)


def run(
    engine: str, broker: str, url: str, topic: str, count: int, changes: dict[str, Any]
) -> tuple[float, float, int]:
    """Run one engine in a process of its own; every document must be there afterwards."""
    told = json.dumps([engine, broker, url, topic, count, changes])
    done = subprocess.run([sys.executable, "-m", "benchmarks.sink", "worker", told], stdout=subprocess.PIPE, check=True)
    (measured,) = (json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{"))
    found, size = asyncio.run(stored(url, INDEX))
    if found != count:
        raise SystemExit(f"{engine}: {found} of {count} documents are in the index")
    return measured["seconds"], measured["cpu"], size


def compare(jobs: dict[str, tuple[str, dict[str, Any]]], count: int, runs: int) -> None:
    """Run every job `runs` times, interleaved, and print the medians."""
    with servers() as (broker, url):
        topic = f"bench.sink.{time.time_ns()}"
        print(f"{count} tickets of {asyncio.run(fill(broker, topic, count))} bytes, {runs} runs, medians")
        results: dict[str, list[tuple[float, float, int]]] = {name: [] for name in jobs}
        run("ours", broker, url, topic, count, {})  # warms the servers up
        for _ in range(runs):
            for name, (engine, changes) in jobs.items():
                results[name].append(run(engine, broker, url, topic, count, changes))
    for name, measured in results.items():
        seconds, cpu, size = (statistics.median(column) for column in zip(*measured, strict=True))
        rates = ", ".join(f"{count / m[0]:,.0f}" for m in measured)
        figures = f"{count / seconds:8,.0f} documents/s ({rates})  {cpu / count * 1e5:5.2f} CPU-s/100k"
        print(f"{name:20} {figures}  {size / count:6.0f} B each")


def main() -> None:
    """Compare with the bare loops, or tune."""
    asked = sys.argv[1:]
    tune = asked[:1] == ["tune"]
    numbers = [int(text) for text in asked[tune:]]
    count, runs = [*numbers, *(50_000, 3)[len(numbers) :]]
    if tune:
        compare({name: ("ours", changes) for name, changes in TUNED.items()}, count, runs)
    else:
        compare({name: (name, {}) for name in ("ours", *ENGINES)}, count, runs)


def worker(told: str) -> None:
    """Be one engine."""
    engine, broker, url, topic, count, changes = json.loads(told)
    if engine == "ours":
        asyncio.run(ours(broker, url, topic, count, changes))
    else:
        asyncio.run(ENGINES[engine](broker, url, topic, count))


if __name__ == "__main__":
    worker(sys.argv[2]) if sys.argv[1:2] == ["worker"] else main()
