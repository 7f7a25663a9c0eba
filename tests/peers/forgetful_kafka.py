"""A Kafka of its own that loses the ends of its logs: `with ForgetfulKafka(folder) as kafka: kafka.lose(…)`.

So it is when the power fails before a disk has what one broker alone acknowledged, or when a broker that was behind is
made the leader: the topic is the same, and ends before the place of whoever read it.
"""

import shutil
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import psutil

from hotline.dev.stack import jars
from hotline.dev.stack.kafka import Kafka
from hotline.dev.stack.processes import environment
from tests.peers.dovecot import free_ports
from tests.peers.leash import leash

_HEAD = struct.Struct(">qi")
"""Of a batch: its first offset, and how many bytes follow."""


class ForgetfulKafka:
    """A running broker on loopback."""

    def __init__(self, folder: Path) -> None:
        first = free_ports(2)
        self._folder = folder
        self._kafka = Kafka(folder, (first, first + 1))
        self._starter = ThreadPoolExecutor(1)  # a leash is held by the thread that put it on: it must live on
        self.address = f"127.0.0.1:{first}"

    def __enter__(self) -> "ForgetfulKafka":
        jars.fetch_jars(jars.KAFKA)
        self._command = self._kafka.command()
        self._starter.submit(self._start).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        self._starter.shutdown()
        shutil.rmtree(self._folder / "kafka", ignore_errors=True)

    def lose(self, topic: str, partition: int, first: int) -> None:
        """Kill it, and start it without the records of a partition from `first` on, the first of a batch."""
        with self.away():
            (log,) = (self._folder / "kafka" / "data").glob(f"**/{topic}-{partition}/*0.log")
            with log.open("r+b") as file:
                file.truncate(_place(log.read_bytes(), first))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Kill it, and start it again at the end."""
        self._kill()
        yield
        self._starter.submit(self._start).result()

    def _start(self) -> None:
        with (self._folder / "kafka.out").open("ab") as log:
            self._process = psutil.Popen(self._command, env=environment(), stdout=log, stderr=log, preexec_fn=leash)
        deadline = time.monotonic() + 60
        while not self._kafka.answers():
            assert self._process.poll() is None, f"see {self._folder / 'kafka.out'}"
            assert time.monotonic() < deadline, f"see {self._folder / 'kafka.out'}"
            time.sleep(0.05)

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait(60)


def _place(log: bytes, first: int) -> int:
    """Return where the batch that begins with an offset begins."""
    at = 0
    while at < len(log):
        offset, length = _HEAD.unpack_from(log, at)
        if offset == first:
            return at
        at += _HEAD.size + length
    raise AssertionError(f"no batch begins with {first}")
