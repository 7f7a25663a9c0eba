"""Decisions a second: the desk alone, the assign stage with its transactions, and a bare loop that does the same.

`python -m benchmarks.assign [MESSAGES] [RUNS]`. The bare loop polls with confluent-kafka, sits at the same desk and
writes the same records in one transaction a batch. Each run is a process of its own on topics made anew.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import confluent_kafka as ck
from faust.types import TP
from kafka.admin import KafkaAdminClient
from msgspec.structs import replace
from obstore.store import LocalStore, MemoryStore

from benchmarks.normalize import neutral
from benchmarks.transport import Meter, a_kafka
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES
from schemas import ids, topics
from schemas.codec import Outbound, Position, decode, encode
from schemas.envelope import Envelope, type_of
from schemas.records import Message
from streams.assign import Assign
from streams.engine import partition_worker
from streams.engine.app import make_app, serve, tune_collector
from streams.state.checkpoint import save_checkpoint
from streams.state.restore import restore
from tickets.masking.precompute import foreseen
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

PARTITIONS = 4
CHUNK = 500
START = datetime(2026, 11, 25, tzinfo=UTC)


def messages(count: int) -> Iterable[Message]:
    """Messages of four cities as `normalize` writes them: of ten, one repeats an earlier one, one says it again."""
    policy = Policy()
    for number in range(count):
        said = number - 196 if number % 10 == 3 and number > 400 else number
        raw = neutral(said)
        if said != number and number % 20 != 3:
            raw = replace(raw, envelope=replace(raw.envelope, id=f"again{number}"))
        at = START + timedelta(seconds=number / 50)
        raw = replace(raw, envelope=replace(raw.envelope, time=at, recordedtime=at))
        message = normalize(raw, policy).message
        sender = replace(message.features, requesters=(f"k:{said // 4}",))
        yield foreseen(replace(message, features=sender), DEFAULT_RULES)


def alone(count: int) -> None:
    """Print the desk's rate on one core, by the number of tickets it holds."""
    tune_collector()  # as in the stage
    desk, taken, began = Desk(State(TicketPolicy())), 0, 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'tickets held':>14}{'decisions/CPU-s':>18}{'KB a ticket':>14}")
    batch: list[Message] = []
    for message in messages(count):
        batch.append(message)
        if len(batch) == CHUNK:
            start = time.process_time()
            for offset, one in enumerate(batch, taken):
                desk.take(one, Position(topics.MESSAGE, 0, offset))
            desk.flush()
            began += time.process_time() - start
            taken, batch = taken + CHUNK, []
            if taken % (count // 5) == 0:
                held = len(desk.state.tickets)
                size = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / held
                print(f"{held:>14,}{count // 5 / began:>18,.0f}{size:>14.1f}")
                began = 0.0


async def fill(connection: KafkaConnection, count: int) -> None:
    """Write the input."""
    producer = make_producer(connection)
    await producer.start()
    outbounds = [_outbound(message) for message in messages(count)]
    for start in range(0, count, CHUNK):
        await Sender(producer, PARTITIONS).send(outbounds[start : start + CHUNK])
    await producer.stop()


def _outbound(message: Message) -> Outbound:
    envelope = Envelope(id=message.message_id, source="/bench", type=type_of("message"), time=START, recordedtime=START)
    return Outbound(
        topics.MESSAGE, message.message_id.encode(), encode(message), envelope.headers(), message.jurisdiction
    )


async def stage_worker(broker: str, expected: int) -> None:
    """Be the assign stage."""
    connection, meter, stop = (
        KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS),
        Meter(expected),
        asyncio.Event(),
    )
    tune_collector()
    assign = Assign(connection, MemoryStore(), TicketPolicy())

    async def handle(tp: TP, chunk: partition_worker.Chunk) -> None:
        meter.begin()
        count = len(chunk.records)
        await assign.handle(tp, chunk)
        if meter.done(count):
            meter.report(expected)
            stop.set()

    with tempfile.TemporaryDirectory() as folder:
        app = make_app(f"bench-{time.time_ns()}", connection, Path(folder))
        partition_worker.declare(app, "assign", [topics.MESSAGE], handle)
        await serve(app, stop)
    await assign.close()


def bare_worker(broker: str, expected: int) -> None:
    """Be the peer: the same desk between a confluent-kafka consumer and a transactional producer."""
    tune_collector()
    consumer = ck.Consumer(
        {"bootstrap.servers": broker, "group.id": f"bench-{time.time_ns()}", "auto.offset.reset": "earliest",
         "enable.auto.commit": False, "fetch.wait.max.ms": 100}
    )  # fmt: skip
    producer = ck.Producer({"bootstrap.servers": broker, "acks": "all", "linger.ms": 5, "transactional.id": "bare"})
    producer.init_transactions()
    consumer.subscribe([topics.MESSAGE])
    desk, meter = Desk(State(TicketPolicy())), Meter(expected)
    while True:
        found = consumer.consume(2000, 0.1)
        if not found:
            continue
        meter.begin()
        for one in found:
            value, partition, offset = one.value(), one.partition(), one.offset()
            assert value is not None
            assert partition is not None
            assert offset is not None
            desk.take(decode(value, Message), Position(topics.MESSAGE, partition, offset))
        producer.begin_transaction()
        for out in desk.flush():
            _emit(producer, out)
        producer.commit_transaction()
        consumer.commit(asynchronous=True)
        if meter.done(len(found)):
            meter.report(expected)
            return


def _emit(producer: ck.Producer, out: Outbound) -> None:
    partition = ids.partition_of(out.jurisdiction or "", PARTITIONS)
    while True:
        try:
            producer.produce(out.topic, out.value, out.key, partition=partition, headers=list(out.headers))
            return
        except BufferError:
            producer.poll(0.1)


def compare(broker: str, count: int, runs: int) -> None:
    """Print the medians of interleaved runs."""
    connection = KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS)
    results: dict[str, list[dict[str, float]]] = {"assign stage": [], "bare confluent-kafka": []}
    for _ in range(runs):
        for engine, found in results.items():
            renew(connection)
            asyncio.run(fill(connection, count))
            command = [sys.executable, "-m", "benchmarks.assign", "worker", engine, broker, str(count)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
            found.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"\n{'engine':<22}{'decisions/s':>12}{'CPU-s/100k':>12}   median of {runs} x {count:,}")
    for engine, found in results.items():
        rate = count / statistics.median(one["seconds"] for one in found)
        cpu = statistics.median(one["cpu"] for one in found) * 100_000 / count
        print(f"{engine:<22}{rate:>12,.0f}{cpu:>12.2f}")


def renew(connection: KafkaConnection) -> None:
    """Make every topic anew."""
    admin = KafkaAdminClient(**connection.client_options())
    there = [name for name in admin.list_topics() if name in topics.TOPICS]
    if there:
        admin.delete_topics(there)
    while any(name in topics.TOPICS for name in admin.list_topics()):
        time.sleep(0.1)
    admin.close()
    Provision(connection).create_when_started()


async def restored(broker: str) -> None:
    """Print how long the largest partition takes to restore, from the logs and from a checkpoint."""
    options = KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS).aiokafka_options()
    with tempfile.TemporaryDirectory() as folder:
        blobs = LocalStore(folder)
        for how in ("whole logs", "checkpoint"):
            began = time.perf_counter()
            found = await restore(options, blobs, ids.partition_of("210100", PARTITIONS), TicketPolicy())
            seconds = time.perf_counter() - began
            print(f"restore from {how:<12}{len(found.state.tickets):>10,} tickets{seconds:>8.2f} s")
            await save_checkpoint(blobs, ids.partition_of("210100", PARTITIONS), found)


def main() -> None:
    """Print the tables."""
    count, runs = (int(text) for text in [*sys.argv[1:], *("40000", "3")[len(sys.argv) - 1 :]])
    tune_collector()
    alone(count)
    with a_kafka() as broker:
        compare(broker, count, runs)
        asyncio.run(restored(broker))


def worker(engine: str, broker: str, count: str) -> None:
    """Be one engine."""
    if engine == "assign stage":
        asyncio.run(stage_worker(broker, int(count)))
    else:
        bare_worker(broker, int(count))


if __name__ == "__main__":
    worker(*sys.argv[2:]) if sys.argv[1:2] == ["worker"] else main()
