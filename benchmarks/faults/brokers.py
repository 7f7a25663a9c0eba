"""Three brokers: each of them dies, freezes, is rolled, and two are away at once, while citizens write.

`python -m benchmarks.faults.brokers [--messages 8000] [--minutes 6.5] [--only "kill controller kafka" ...]`: three
KRaft nodes of 256 MB, every topic in three copies of which two must have a record. Prints the report of the fault
suite; exit code 1 when it finds anything wrong. `--keep FOLDER` leaves the logs there.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.faults.actors import Actor
from benchmarks.faults.ground import PARTITIONS, Ground
from benchmarks.faults.run import Plan, run
from broker.config import KafkaConnection
from hotline.admin.cluster import admin
from hotline.dev.stack.kafka import Kafka
from hotline.dev.stack.processes import environment
from schemas import topics
from schemas.errors import PipelineError
from streams.engine.groups import ASSIGN, transactional_id
from tests.peers.dovecot import free_ports

NODES = (1, 2, 3)
AWAY_SECONDS = 15.0
"""Longer than the 9 s after which the controller gives a broker up."""
LONG_SECONDS = 30.0
PATIENCE_SECONDS = 120.0

_CLUSTER_ID = "AhotlineThreeBrokers1A"
_NODE = """
node.id={node}
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
unclean.leader.election.enable=false
broker.heartbeat.interval.ms=2000
broker.session.timeout.ms=9000
metadata.max.idle.interval.ms=500
"""
"""What one of three nodes has otherwise than the only one of the local stack; the times are Kafka's own."""


class Node(Kafka):
    """One of the three."""

    def __init__(self, folder: Path, node: int, ports: Mapping[int, tuple[int, int]]) -> None:
        super().__init__(folder / f"kafka-{node}", ports[node])
        (folder / f"kafka-{node}").mkdir()
        voters = ",".join(f"{other}@127.0.0.1:{controller}" for other, (_, controller) in ports.items())
        self._lines = _NODE.format(node=node, voters=voters)

    def _write_config(self) -> None:
        super()._write_config()
        with self._config.open("a", encoding="utf-8") as file:  # later lines beat earlier ones
            file.write(self._lines)

    def _identity(self) -> str:
        return _CLUSTER_ID


class Brokers(Ground):
    """The ground of the fault suite on three brokers, without a proxy before them."""

    def __init__(self, folder: Path, *arguments: Any, **options: Any) -> None:
        super().__init__(folder, *arguments, **options)
        first = free_ports(2 * len(NODES))
        ports = {node: (first + 2 * at, first + 2 * at + 1) for at, node in enumerate(NODES)}
        self._nodes = {node: Node(folder, node, ports) for node in NODES}
        servers = ",".join(f"127.0.0.1:{port}" for port, _ in ports.values())
        self.connection = KafkaConnection(
            bootstrap_servers=servers, partitions=PARTITIONS, replication_factor=len(NODES)
        )
        del self.cutters["kafka"]

    def settings(self) -> dict[str, str]:
        return super().settings() | {
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": self.connection.bootstrap_servers,
            "HOTLINE_KAFKA__REPLICATION_FACTOR": str(len(NODES)),
        }

    def more_faults(self) -> Mapping[str, Callable[[], None]]:
        return {name: partial(fault, self) for name, fault in FAULTS.items()}

    def _start_kafka(self, standing: ExitStack) -> None:
        for node, kafka in self._nodes.items():
            kafka.command()  # formatted one after the other
            name = f"kafka-{node}"
            actor = Actor(name, kafka.command, environment(), self._log(name), kafka.answers)
            self.actors[name] = actor
            standing.callback(actor.kill)
        self.start(NODES)

    def start(self, nodes: Sequence[int]) -> None:
        """Start some of them at once: one alone is no quorum."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(lambda node: self.actors[f"kafka-{node}"].start(), nodes))

    def away(self, node: int) -> None:
        """Kill a broker, and start it again when the others have given it up."""
        say(f"kill -9 of broker {node}")
        self.actors[f"kafka-{node}"].kill()
        time.sleep(AWAY_SECONDS)
        self.start([node])
        self.await_copies()

    def freeze_one(self) -> None:
        """Stop the clock of a leader until it was given up, and let it go on."""
        node = self.leader(topics.EVENT, 0)
        say(f"SIGSTOP of broker {node}")
        self.actors[f"kafka-{node}"].freeze()
        time.sleep(LONG_SECONDS)
        self.actors[f"kafka-{node}"].thaw()
        self.await_copies()

    def roll(self) -> None:
        """End and start each of them in its turn, as an upgrade of Kafka does."""
        for node in NODES:
            say(f"SIGTERM of broker {node}")
            self.actors[f"kafka-{node}"].terminate()
            self.start([node])
            self.await_copies()

    def two_away(self) -> None:
        """Kill two of three, among them no leader of the first events: it stands alone, and may take nothing."""
        nodes = sorted({1, 2, 3} - {self.leader(topics.EVENT, 0)})
        say(f"kill -9 of brokers {nodes}")
        for node in nodes:
            self.actors[f"kafka-{node}"].kill()
        time.sleep(LONG_SECONDS)
        self.start(nodes)
        self.await_copies()

    def leader(self, topic: str, partition: int) -> int:
        """Return the leader of a partition."""
        return next(int(p["leader_id"]) for p in self._partitions([topic]) if p["partition_index"] == partition)

    def controller(self) -> int:
        """Return the active controller."""
        with admin(self.connection) as client:
            (partition,) = client.describe_metadata_quorum()["topics"][0]["partitions"]
            return int(partition["leader_id"])

    def coordinator(self, topic: str, name: str) -> int:
        """Return who coordinates a group or a transactional id."""
        return self.leader(topic, java_hash(name) % sum(1 for _ in self._partitions([topic])))

    def await_copies(self) -> None:
        """Return when every copy of every partition is in sync: else the next fault would take two of three."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with suppress(PipelineError):
                if all(len(one["isr_nodes"]) == len(one["replica_nodes"]) for one in self._partitions()):
                    say("all copies are in sync")
                    return
            time.sleep(1)
        say("NOT all copies are in sync")

    def _partitions(self, names: Sequence[str] | None = None) -> Iterator[Any]:
        with admin(self.connection) as client:
            found = client.describe_topics(names)
        yield from (partition for topic in found for partition in topic["partitions"])


FAULTS: Mapping[str, Callable[[Brokers], None]] = {
    "kill leader kafka": lambda ground: ground.away(ground.leader(topics.EVENT, 0)),
    "kill controller kafka": lambda ground: ground.away(ground.controller()),
    "kill transaction coordinator kafka": lambda ground: ground.away(
        ground.coordinator("__transaction_state", transactional_id(0))
    ),
    "kill group coordinator kafka": lambda ground: ground.away(ground.coordinator("__consumer_offsets", ASSIGN)),
    "freeze leader kafka": Brokers.freeze_one,
    "terminate each kafka": Brokers.roll,
    "kill two kafka": Brokers.two_away,
}


def java_hash(text: str) -> int:
    """Return what Kafka finds the coordinator of a name by: Java's hash without its sign."""
    number = 0
    for sign in text:
        number = (31 * number + ord(sign)) & 0xFFFFFFFF
    return number & 0x7FFFFFFF


def complaints(folder: Path) -> dict[str, int]:
    """Return how often the processes of ours logged what is a warning or worse, by process and event."""
    told: Counter[str] = Counter()
    for log in folder.glob("*.log"):
        for line in log.read_bytes().splitlines():
            try:
                entry = msgspec.json.decode(line)
                if isinstance(entry, dict) and entry.get("level") not in ("info", "debug", None):
                    told[f"{log.stem}: {entry['level']} {str(entry.get('event'))[:100]}"] += 1
            except msgspec.DecodeError:
                if line.startswith(b"Traceback"):
                    told[f"{log.stem}: traceback"] += 1
    return dict(sorted(told.items()))


def say(text: str) -> None:
    """Tell on the way what happens."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main(grounds: type[Brokers] = Brokers, faults: Sequence[str] = tuple(FAULTS), about: str | None = __doc__) -> int:
    """Run it once."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--messages", type=int, default=8_000)
    parser.add_argument("--minutes", type=float, default=6.5)
    parser.add_argument("--cities", type=int, default=2)
    parser.add_argument("--pause", type=float, default=5.0, help="seconds before each fault")
    parser.add_argument("--only", nargs="+", default=list(faults), choices=faults)
    parser.add_argument("--keep", type=Path, help="folder for the logs")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the components end, too
    plan = Plan(
        seed=1,
        messages=chosen.messages,
        minutes=chosen.minutes,
        cities=chosen.cities,
        pause_seconds=chosen.pause,
        only=tuple(chosen.only),
    )
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="hotline-brokers-"))
    folder.mkdir(parents=True, exist_ok=True)
    report = run(plan, folder, grounds=grounds)
    print(msgspec.json.encode(report).decode())
    print(msgspec.json.format(msgspec.json.encode(complaints(folder))).decode(), file=sys.stderr)
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
