"""The broker of a run: a real Kafka that is killed and frozen, and whose clients come by a line that is cut."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.faults.actors import Actor
from benchmarks.faults.kafka import ProxiedKafka
from benchmarks.faults.proxy import Cutter
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.dev.stack import jars
from hotline.dev.stack.processes import environment
from tests.peers.dovecot import free_ports

PARTITIONS = 4


class Broker:
    """One node, while a `with` block lasts; `connection` leads past the line, `address` along it."""

    def __init__(self, folder: Path) -> None:
        direct, behind, controller, proxy = range(first := free_ports(4), first + 4)
        kafka = ProxiedKafka(folder, direct, behind, controller, proxy)
        self.actor = Actor("kafka", kafka.command, environment(), folder / "kafka.log", kafka.answers)
        self.line = Cutter(proxy, behind)
        self.address = f"127.0.0.1:{proxy}"
        self.connection = KafkaConnection(bootstrap_servers=f"127.0.0.1:{direct}", partitions=PARTITIONS)
        self._standing = ExitStack()

    def __enter__(self) -> Self:
        jars.fetch_jars(jars.KAFKA)
        with ExitStack() as standing:
            standing.callback(self.actor.kill)
            self.actor.start()
            standing.enter_context(self.line)
            Provision(self.connection).create_when_started()
            self._standing = standing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._standing.close()
