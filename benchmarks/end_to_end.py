"""From the raw topic to a search hit: documents a second of the whole pipeline, and its latency at a city's pace.

`python -m benchmarks.end_to_end [--only throughput latency backfill] [--records 30000] [--rates 50 500] [--seconds N]
[--before SECONDS] [--before-rate N]`
Every stage is a process of its own, as in production. Beside it a bare confluent-kafka loop that normalizes, decides
and writes the same documents to Elasticsearch in one process.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import confluent_kafka as ck
import psutil
from elasticsearch import Elasticsearch
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from msgspec.structs import replace

from benchmarks.assign import renew
from benchmarks.normalize import neutral
from benchmarks.searchable import Searchable
from broker.config import KafkaConnection
from broker.sync_producer import SETTINGS
from hotline.dev.stack.stack import Endpoints, Stack
from normalizers.base import Policy
from normalizers.pipeline import normalize as normalize
from schemas import topics
from schemas.codec import Outbound, Position
from schemas.contract.index_templates import indices
from schemas.records import RawMessage
from sinks.elastic.templates import ensure_indices
from streams.engine.app import tune_collector
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

STAGES = ("screen", "normalize", "assign", "sink:elastic")
PARTITIONS = 8
FIRE = "解放路88号着火了，快来人"


NO_SHARES = {"HOTLINE_FLOODS__SENDER_PER_MINUTE": "0", "HOTLINE_FLOODS__ACCOUNT_PER_MINUTE": "0"}
"""All that is measured here comes from one sender."""


@contextmanager
def pipeline(data_dir: Path, shares: Mapping[str, str] | None = None) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run every stage in a process of its own."""
    environment = {
        **(shares if shares is not None else NO_SHARES),
        **os.environ,
        "HOTLINE_LOCAL__DATA_DIR": str(data_dir),
        "HOTLINE_TELEMETRY__PORT": "0",
    }
    with (data_dir / "pipeline.log").open("wb") as log:
        running = [
            subprocess.Popen([sys.executable, "-m", "hotline", "run", name], env=environment, stdout=log, stderr=log)
            for name in STAGES
        ]
        try:
            yield running
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(40)


def count(client: Elasticsearch, name: str) -> int:
    """Return how many documents of a kind a search finds."""
    return int(client.count(index=indices()[name].alias)["count"])


def fresh(endpoints: Endpoints) -> KafkaConnection:
    """Make topics and indices anew."""
    from elasticsearch import AsyncElasticsearch

    connection = KafkaConnection(bootstrap_servers=endpoints.bootstrap_servers, partitions=PARTITIONS)
    renew(connection)

    async def again() -> None:
        async with AsyncElasticsearch(endpoints.elasticsearch_url) as client:
            for name in await client.indices.get(index="hotline-*"):
                await client.indices.delete(index=name)
            await ensure_indices(client)

    asyncio.run(again())
    return connection


def publish(producer: KafkaProducer, raw: RawMessage) -> None:
    """Send one raw record as a connector does."""
    out = raw.outbound()
    producer.send(out.topic, key=out.key, value=out.value, headers=out.headers)


def a_producer(connection: KafkaConnection) -> KafkaProducer:
    """Make the connectors' producer."""
    return KafkaProducer(bootstrap_servers=connection.bootstrap_servers, **SETTINGS)


def throughput(endpoints: Endpoints, data_dir: Path, records: int) -> None:
    """Print the rate of the pipeline with everything waiting in the raw topic."""
    connection, client = fresh(endpoints), Elasticsearch(endpoints.elasticsearch_url)
    with pipeline(data_dir) as running:
        warm(connection, client, endpoints)
        producer = a_producer(connection)
        began, cpu = time.perf_counter(), cpu_of(stages_of(running))
        for number in range(records):
            publish(producer, neutral(number))
        producer.flush()
        while count(client, "ticket") < records + 1 or count(client, "link") < records + 1:
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        each = {name: used - cpu[name] for name, used in cpu_of(stages_of(running)).items()}
    used = sum(each.values())
    documents = sum(count(client, name) for name in ("ticket", "ticket_masked", "message", "link"))
    print(f"pipeline, 4 processes  {records / seconds:>8,.0f} messages/s {documents / seconds:>9,.0f} documents/s "
          f"{used * 100_000 / records:>8.1f} CPU-s/100k messages")  # fmt: skip
    print("  of which " + ", ".join(f"{name} {one * 100_000 / records:.1f}" for name, one in each.items()), flush=True)


def warm(connection: KafkaConnection, client: Elasticsearch, endpoints: Endpoints) -> None:
    """Send one message through, so that every process has its partitions."""
    producer = a_producer(connection)
    publish(producer, neutral(10**9))
    producer.flush()
    while count(client, "ticket") < 1:
        time.sleep(0.1)


def cpu_of(parts: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds that processes have used, by their names."""
    times = {name: psutil.Process(pid).cpu_times() for name, pid in parts.items()}
    return {name: one.user + one.system for name, one in times.items()}


def stages_of(running: list[subprocess.Popen[bytes]]) -> dict[str, int]:
    """Return the pid of each stage."""
    return {name: process.pid for name, process in zip(STAGES, running, strict=True)}


def bare(endpoints: Endpoints, records: int) -> None:
    """Print the rate of the bare loop: the same functions, the same four documents a message, no topics between."""
    connection, client = fresh(endpoints), Elasticsearch(endpoints.elasticsearch_url)
    producer = a_producer(connection)
    for number in range(records):
        publish(producer, neutral(number))
    producer.flush()
    consumer = ck.Consumer(
        {
            "bootstrap.servers": endpoints.bootstrap_servers,
            "group.id": f"b{time.time_ns()}",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topics.raw("record")])
    desk, policy, done = Desk(State(TicketPolicy())), Policy(), 0
    alias = {index.alias: index for index in indices().values()}
    began, cpu = 0.0, 0.0
    while done < records:
        found = consumer.consume(2000, 0.1)
        if not found:
            continue
        began, cpu = began or time.perf_counter(), cpu or time.process_time()
        lines = [line for one in found for line in _documents(one, desk, policy, alias)]
        lines += [line for out in desk.flush() for line in _bulk(out)]
        client.options(request_timeout=60).perform_request(
            "POST", "/_bulk", params={"filter_path": "errors"}, body=b"\n".join(lines) + b"\n",
            headers={"content-type": "application/x-ndjson", "accept": "application/json"},
        )  # fmt: skip
        done += len(found)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"bare loop, 1 process   {records / seconds:>8,.0f} messages/s {records * 4 / seconds:>9,.0f} documents/s "
          f"{used * 100_000 / records:>8.1f} CPU-s/100k messages")  # fmt: skip


def _documents(one: ck.Message, desk: Desk, policy: Policy, alias: object) -> Iterator[bytes]:
    from schemas.codec import encode
    from schemas.envelope import Envelope

    value, key, partition, offset, headers = one.value(), one.key(), one.partition(), one.offset(), one.headers()
    assert value is not None
    assert key is not None
    assert partition is not None
    assert offset is not None
    envelope = Envelope.of(cast("list[tuple[str, bytes]]", headers))
    raw = RawMessage(envelope=envelope, value=value, conversation=key.decode())
    message = normalize(raw, policy).message
    desk.take(message, Position(topics.MESSAGE, partition, offset))
    yield b'{"index":{"_index":"hotline-message-bare","_id":"%b"}}' % message.message_id.encode()
    yield encode(message)


def _bulk(out: Outbound) -> Iterator[bytes]:
    names = {topics.TICKET: "ticket", topics.TICKET_MASKED: "ticket_masked", topics.LINK: "link"}
    if out.topic in names:
        yield b'{"index":{"_index":"%b","_id":"%b"}}' % (indices()[names[out.topic]].alias.encode(), out.key)
        yield out.value


def latency(
    endpoints: Endpoints, data_dir: Path, rate: int, seconds: int, before: int = 0, gentle: int = 0, backfill: int = 0
) -> None:
    """Print raw → hand-over and raw → searchable of live messages at a steady pace, beside so many of back-fill.

    The first `before` seconds are not measured, since Elasticsearch compiles itself while it works: they have the same
    pace, or `gentle` messages a second.
    """
    connection, client = fresh(endpoints), Elasticsearch(endpoints.elasticsearch_url)
    first = before * (gentle or rate)
    made = [(one, neutral(one) if one % 10 else _urgent(one)) for one in range(-first, rate * seconds)]
    sent: dict[str, float] = {}
    with pipeline(data_dir) as running, Searchable(client) as looked:
        warm(connection, client, endpoints)
        handovers = _handovers(connection)
        producer = a_producer(connection)
        urgent: list[float] = []
        for number in range(backfill):
            publish(producer, replace(neutral(10**8 + number), backfill=True))
        producer.flush()
        parts, used = _parts(running, data_dir), {}
        began = time.perf_counter() + before
        for number, raw in made:
            if number == 0:
                used = cpu_of(parts)
            now = datetime.now(UTC)
            raw = replace(raw, envelope=replace(raw.envelope, time=now, recordedtime=now))
            if number >= 0:
                sent[raw.message_id] = time.time()
            publish(producer, raw)
            if number >= 0 and number % (rate // 5) == 0:
                looked.look_for(raw.message_id, sent[raw.message_id])
            pace = gentle or rate if number < 0 else rate
            time.sleep(max(0.0, began + (number + 1) / pace - time.perf_counter()))
        used = {name: now - used[name] for name, now in cpu_of(parts).items()}
        end = time.time() + 5
        while len(urgent) < rate * seconds // 10 and time.time() < end:
            _arrived(handovers, sent, urgent)
        handovers.close()
        looked.wait()
    if backfill:
        left = backfill - count(client, "link") + 1 + first + rate * seconds
        print(f"beside {backfill:,} records of back-fill, of which about {left:,} still waited at the end")
    print(f"CPU-s of {os.cpu_count()} × {seconds} s: " + ", ".join(f"{name} {one:.1f}" for name, one in used.items()))
    for what, times in (("raw → hand-over", urgent), ("raw → searchable", looked.times)):
        low, high = statistics.median(times), sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
        print(f"{what:<18} at {rate:>4}/s   p50 {low * 1000:>6.0f} ms   p99 {high * 1000:>6.0f} ms   of {len(times)}")


def _parts(running: list[subprocess.Popen[bytes]], data_dir: Path) -> dict[str, int]:
    """Return the pids of all that share the machine: stages, servers and the benchmark itself."""
    stack = Stack(data_dir)
    servers = {"Kafka": stack.pid("kafka"), "Elasticsearch": stack.pid("elasticsearch")}
    return {**stages_of(running), **{name: pid for name, pid in servers.items() if pid}, "benchmark": os.getpid()}


def _urgent(number: int) -> RawMessage:
    raw = neutral(number)
    value = json.loads(raw.value)
    value["text"] += FIRE
    return replace(raw, value=json.dumps(value, ensure_ascii=False).encode())


def _handovers(connection: KafkaConnection) -> KafkaConsumer:
    consumer = KafkaConsumer(bootstrap_servers=connection.bootstrap_servers)
    places = [TopicPartition(topics.HANDOVER, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    consumer.seek_to_end(*places)
    for place in places:
        consumer.position(place)
    return consumer


def _arrived(consumer: KafkaConsumer, sent: dict[str, float], urgent: list[float]) -> None:
    for records in consumer.poll(0).values():
        for record in records:
            began = sent.get(record.key.decode())
            if began is not None:
                urgent.append(record.timestamp / 1000 - began)


def main() -> None:
    """Print the figures, and how busy the machine is beside this."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.end_to_end", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="what is measured")
    parser.add_argument("--records", type=int, default=30_000, help="of the throughput")
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 500], help="messages a second of the latency")
    parser.add_argument("--seconds", type=int, default=60, help="of each latency")
    parser.add_argument("--before", type=int, default=20, help="seconds that are not measured")
    parser.add_argument("--before-rate", type=int, default=0, help="messages a second in them; 0: as in those measured")
    chosen = parser.parse_args()
    tune_collector()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stack = Stack(folder)
        endpoints = stack.up(owner=os.getpid())
        before = ", ".join(f"{one:.1f}" for one in psutil.getloadavg())
        print(f"{platform.machine()}, {os.cpu_count()} cores, load before {before}", flush=True)
        try:
            for part in chosen.only:
                PARTS[part](endpoints, folder, chosen)
        finally:
            stack.down()


def _throughput(endpoints: Endpoints, folder: Path, chosen: argparse.Namespace) -> None:
    throughput(endpoints, folder, chosen.records)
    bare(endpoints, chosen.records)


def _latency(endpoints: Endpoints, folder: Path, chosen: argparse.Namespace) -> None:
    for rate in chosen.rates:
        latency(endpoints, folder, rate, chosen.seconds, chosen.before, chosen.before_rate)


def _backfill(endpoints: Endpoints, folder: Path, chosen: argparse.Namespace) -> None:
    latency(endpoints, folder, 50, 20, backfill=100_000)


PARTS = {"throughput": _throughput, "latency": _latency, "backfill": _backfill}


if __name__ == "__main__":
    main()
