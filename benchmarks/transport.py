"""Messages a second through our chunk transport, beside a bare confluent-kafka loop that does the same.

`python -m benchmarks.transport [MESSAGES] [RUNS]`. The job: parse, NFKC, fingerprint, dedupe, emit with acks=all. Each
run is a process of its own and the engines take turns; read CPU-s per 100k first, wall rates depend on the machine.
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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka as ck
import msgspec
import xxhash
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.dev.stack.stack import Existing, Stack
from normalizers.text.fold import nfkc
from schemas.codec import Outbound
from streams.engine.app import make_app, serve
from streams.engine.partition_worker import Chunk, declare

PARTITIONS = 4
CITIES = ("210100", "330100", "430100", "510100")
WORDS = "路灯坏了三天没人修小区门口积水井盖丢失夜里施工噪音扰民停车位被占公交站台漏雨请尽快处理谢谢"


class Incoming(msgspec.Struct):
    """What the job reads of a message."""

    id: str
    city: str
    text: str


class Ticket(msgspec.Struct):
    """What the job emits."""

    id: str
    city: str
    text: str
    fingerprint: int


_read = msgspec.json.Decoder(Incoming).decode
_write = msgspec.json.Encoder().encode


def job(values: Iterable[bytes], seen: set[int]) -> Iterator[Ticket]:
    """Parse, NFKC, fingerprint, dedupe."""
    for value in values:
        message = _read(value)
        text = nfkc(message.text)
        fingerprint = xxhash.xxh3_64_intdigest(text.encode())
        if fingerprint not in seen:
            seen.add(fingerprint)
            yield Ticket(message.id, message.city, text, fingerprint)


class Meter:
    """Time and CPU from the first message to the last acknowledgement."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self._began: tuple[float, float] | None = None

    def begin(self) -> None:
        self._began = self._began or (time.perf_counter(), time.process_time())

    def done(self, count: int) -> bool:
        self._left -= count
        return self._left <= 0

    def report(self, tickets: int) -> None:
        began, cpu = self._began or (0.0, 0.0)
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
        print(json.dumps({"seconds": seconds, "cpu": used, "tickets": tickets}), flush=True)


async def chunk_worker(broker: str, source: str, target: str, expected: int) -> None:
    """Be the worker on our transport."""
    connection = KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS)
    producer = make_producer(connection)
    await producer.start()
    sender, seen, meter, stop = Sender(producer, PARTITIONS), set[int](), Meter(expected), asyncio.Event()

    async def handle(tp: object, chunk: Chunk) -> None:
        meter.begin()
        tickets = job((record.value or b"" for record in chunk.records), seen)
        await sender.send([Outbound(target, t.id.encode(), _write(t), [], t.city) for t in tickets])
        chunk.ack()
        if meter.done(len(chunk.records)):
            meter.report(len(seen))
            stop.set()

    with tempfile.TemporaryDirectory() as folder:
        app = make_app(f"bench-{time.time_ns()}", connection, Path(folder))
        declare(app, "bench", [source], handle)
        await serve(app, stop)
    await producer.stop()


def bare_worker(broker: str, source: str, target: str, expected: int) -> None:
    """Be the peer: poll a batch, do the job, produce, flush, commit."""
    consumer = ck.Consumer(
        {
            "bootstrap.servers": broker, "group.id": f"bench-{time.time_ns()}", "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "fetch.wait.max.ms": 100,
        }
    )  # fmt: skip
    producer = ck.Producer({"bootstrap.servers": broker, "acks": "all", "linger.ms": 5})
    consumer.subscribe([source])
    seen, meter, failed = set[int](), Meter(expected), []

    def delivered(error: object, _: object) -> None:
        if error is not None:
            failed.append(error)

    while True:
        messages = consumer.consume(5000, 0.1)
        if not messages:
            continue
        meter.begin()
        for ticket in job((message.value() or b"" for message in messages), seen):
            partition = CITIES.index(ticket.city)
            emit(producer, target, ticket, partition, delivered)
        producer.flush()
        if failed:
            raise SystemExit(f"the broker refused: {failed[0]}")
        consumer.commit(asynchronous=True)
        if meter.done(len(messages)):
            meter.report(len(seen))
            return


def emit(producer: ck.Producer, target: str, ticket: Ticket, partition: int, delivered: Callable[..., None]) -> None:
    """Produce one ticket; a full queue is served first."""
    while True:
        try:
            producer.produce(target, _write(ticket), ticket.id, partition=partition, on_delivery=delivered)
            return
        except BufferError:
            producer.poll(0.1)


def load(broker: str, topic: str, count: int) -> None:
    """Fill the input: about 518 bytes each, a fifth of the texts repeated."""
    producer = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=20, batch_size=256 * 1024)
    random.seed(12345)
    for number in range(count):
        text = "".join(random.choices(WORDS, k=115)) if number % 5 else f"重复的诉求{number // 7 % 1000}" + WORDS * 2
        value = {"id": f"m{number:08d}", "city": CITIES[number % 4], "text": f"{text}ＡＢＣ１２３", "pad": "x" * 60}
        producer.send(topic, json.dumps(value, ensure_ascii=False).encode(), partition=number % PARTITIONS)
    producer.flush()
    producer.close()


def measured(engine: str, broker: str, source: str, target: str, count: int) -> dict[str, float]:
    """Run one worker in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.transport", "worker", engine, broker, source, target, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compare(broker: str, count: int, runs: int) -> None:
    """Print the medians of `runs` interleaved runs."""
    stamp = time.time_ns()
    source, target = f"bench-in-{stamp}", f"bench-out-{stamp}"
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(source, PARTITIONS, 1), NewTopic(target, PARTITIONS, 1)])
    load(broker, source, count)
    results: dict[str, list[dict[str, float]]] = {"chunk transport": [], "bare confluent-kafka": []}
    for _ in range(runs):
        for engine, found in results.items():
            found.append(measured(engine, broker, source, target, count))
    admin.delete_topics([source, target])
    admin.close()
    print(f"{'engine':<22}{'msg/s':>10}{'CPU-s/100k':>12}{'tickets':>10}   median of {runs} x {count:,}")
    for engine, found in results.items():
        rate = count / statistics.median(one["seconds"] for one in found)
        cpu = statistics.median(one["cpu"] for one in found) * 100_000 / count
        print(f"{engine:<22}{rate:>10,.0f}{cpu:>12.2f}{found[0]['tickets']:>10,}")


@contextmanager
def a_kafka() -> Iterator[str]:
    """The Kafka of HOTLINE_KAFKA__BOOTSTRAP_SERVERS, or one that is started for this."""
    broker = os.environ.get("HOTLINE_KAFKA__BOOTSTRAP_SERVERS")
    if broker:
        yield broker
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), Existing(elasticsearch_url="none"))
        try:
            yield stack.up(owner=os.getpid()).bootstrap_servers
        finally:
            stack.down()


def main() -> None:
    """Compare the two engines."""
    count, runs = (int(text) for text in [*sys.argv[1:], *("100000", "3")[len(sys.argv) - 1 :]])
    with a_kafka() as broker:
        compare(broker, count, runs)


def worker(engine: str, broker: str, source: str, target: str, count: str) -> None:
    """Be one engine."""
    if engine == "chunk transport":
        asyncio.run(chunk_worker(broker, source, target, int(count)))
    else:
        bare_worker(broker, source, target, int(count))


if __name__ == "__main__":
    worker(*sys.argv[2:]) if sys.argv[1:2] == ["worker"] else main()
