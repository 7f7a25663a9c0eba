"""Runs one engine in a process of its own, reads what it wrote as a consumer of committed records, and judges it."""

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import confluent_kafka as ck
import msgspec
import psutil
from confluent_kafka.admin import AdminClient
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks.engines.job import CITIES, PARTITIONS, Judged
from benchmarks.engines.venvs import CONFLUENT, python_of

ROOT = Path(__file__).resolve().parents[2]
QUIET_SECONDS = 60.0
"""A run without a new output for so long has ended, whatever is missing."""

SETTLE_SECONDS = 3.0
"""What is repeated after the last missing output still counts."""

IDS = msgspec.json.Decoder(Judged)


class Engine(NamedTuple):
    """How an engine is started; without packages it runs in our own environment."""

    name: str
    module: str
    packages: tuple[str, ...] = ()
    transactions: bool = False


ENGINES = (
    Engine("bare confluent-kafka loop", "bare"),
    Engine("bare loop, transactions", "bare", transactions=True),
    Engine("ours", "ours"),
    Engine("ours, transactions", "ours", transactions=True),
    Engine("Bytewax", "bytewax_flow", ("bytewax==0.21.1", CONFLUENT)),
    Engine("Quix Streams", "quix", ("quixstreams==3.28.1",)),
    Engine("Quix Streams, exactly once", "quix", ("quixstreams==3.28.1",), transactions=True),
    Engine("Faust, agent and Table", "stock_faust"),
)


@dataclass(frozen=True)
class Figures:
    """What one run took and what became of its messages."""

    seconds: float
    cpu: float
    peak_mb: float
    lost: int
    doubled: int
    misjudged: int


class Outputs:
    """Reads the target topic from its beginning; only committed records."""

    def __init__(self, broker: str, topic: str) -> None:
        self.values: list[bytes] = []
        self.newest = time.time()
        self._consumer = ck.Consumer(
            {
                "bootstrap.servers": broker, "group.id": "bench-outputs", "enable.auto.commit": False,
                "isolation.level": "read_committed", "fetch.wait.max.ms": 20,
            }
        )  # fmt: skip
        self._consumer.assign([ck.TopicPartition(topic, number, 0) for number in range(PARTITIONS)])

    def more(self, seconds: float = 0.1) -> bool:
        """Take what is there by now, and say whether there was any."""
        read = self._consumer.consume(10_000, seconds)
        found = [message.value() or b"" for message in read if not message.error()]
        if found:
            self.newest = time.time()
            self.values += found
        return bool(found)

    def close(self) -> None:
        """Let go of Kafka."""
        self._consumer.close()


def measured(engine: Engine, broker: str, source: str, count: int) -> Figures:
    """Run an engine to the end of `count` messages."""
    with _target(broker) as target, _worker(engine, broker, source, target) as (start, folder):
        process, outputs = start(), Outputs(broker, target)
        _until(outputs, process, lambda: len(outputs.values) >= count)
        used = psutil.Process(process.pid)
        times, begun = used.cpu_times(), json.loads((folder / "begun.json").read_text())
        cpu, seconds = times.user + times.system - begun["cpu"], outputs.newest - begun["at"]
        peak = _peak_mb(process.pid)
        outputs.close()
        return Figures(seconds, cpu, peak, *judge(outputs.values, count))


def killed(engine: Engine, broker: str, source: str, count: int) -> Figures:
    """Kill -9 an engine when half of its outputs are there, start it again, and wait until nothing more comes."""
    with _target(broker) as target, _worker(engine, broker, source, target) as (start, _):
        process, outputs = start(), Outputs(broker, target)
        _until(outputs, process, lambda: len(outputs.values) >= count // 2)
        process.kill()
        process.wait()
        again = start()
        while outputs.more() or not _complete(outputs, count):
            if again.poll() is not None:
                raise SystemExit(f"{engine.name} ended by itself after the kill")
        while time.time() - outputs.newest < SETTLE_SECONDS:
            outputs.more()
        peak = _peak_mb(again.pid)
        outputs.close()
        return Figures(0.0, 0.0, peak, *judge(outputs.values, count))


def judge(values: list[bytes], count: int) -> tuple[int, int, int]:
    """Return how many inputs have no output, how many outputs are repeats, and how many texts are misjudged.

    A text is misjudged when the outputs of its city call it new never, or for more than one message.
    """
    judged = [IDS.decode(value) for value in values]
    outputs = Counter(one.id for one in judged)
    texts = {(one.city, one.fingerprint) for one in judged}
    new = Counter(
        (city, fingerprint) for city, fingerprint, _ in {(o.city, o.fingerprint, o.id) for o in judged if o.new}
    )
    return count - len(outputs), len(judged) - len(outputs), sum(new[text] != 1 for text in texts)


def _complete(outputs: Outputs, count: int) -> bool:
    """Say whether every input has its output, or whether that is not to be expected any more."""
    quiet = time.time() - outputs.newest > QUIET_SECONDS
    return quiet or len({IDS.decode(value).id for value in outputs.values}) >= count


def _until(outputs: Outputs, process: subprocess.Popen[bytes], enough: Callable[[], bool]) -> None:
    while not enough():
        if process.poll() is not None:
            raise SystemExit(f"the engine ended by itself ({process.returncode}): see above")
        if not outputs.more(0.02) and time.time() - outputs.newest > QUIET_SECONDS:
            raise SystemExit(f"only {len(outputs.values):,} outputs, and no more for {QUIET_SECONDS:.0f} s")


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@contextmanager
def _target(broker: str) -> Iterator[str]:
    """A topic for one run's outputs; afterwards it is deleted, and with it what the engine made for itself."""
    name = f"bench-out-{time.time_ns()}"
    create(broker, name)
    try:
        yield name
    finally:
        delete(broker, name)


@contextmanager
def _worker(
    engine: Engine, broker: str, source: str, target: str
) -> Iterator[tuple[Callable[[], subprocess.Popen[bytes]], Path]]:
    """Yield what starts the engine's process on the same group and folder, and that folder."""
    python, group = python_of(engine.module, engine.packages), f"engine-{target}"
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ENGINE_TRANSACTIONS": str(int(engine.transactions))}
        words = [broker, source, target, group, folder]

        def start() -> subprocess.Popen[bytes]:
            command = [str(python), "-m", f"benchmarks.engines.{engine.module}", *words]
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment))
            return running[-1]

        try:
            yield start, Path(folder)
        finally:
            for process in running:
                process.kill()
                process.wait()


def create(broker: str, topic: str) -> None:
    """Make a topic."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    admin.close()


def delete(broker: str, stem: str) -> None:
    """Delete a topic, and those whose names hold its name: change logs of an engine's state."""
    admin = AdminClient({"bootstrap.servers": broker})
    there = [name for name in admin.list_topics(timeout=30).topics if stem in name]
    for future in admin.delete_topics(there).values():
        future.result()


def load(broker: str, topic: str, lines: Iterator[tuple[str, bytes]]) -> None:
    """Write (city, value) pairs, each to its city's partition."""
    producer = ck.Producer({"bootstrap.servers": broker, "acks": "all", "linger.ms": 50})
    for city, value in lines:
        producer.produce(topic, value, city, partition=CITIES.index(city))
        while len(producer) > 50_000:
            producer.poll(0.05)
    producer.flush()
