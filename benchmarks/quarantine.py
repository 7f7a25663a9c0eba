"""`hotline bench quarantine`: one city's log is cut under load; how long do the others wait, and does a process end?

Two workers of assign have four cities, one in each partition. While messages come, the first records of one city's
event log are deleted and both workers are started anew, one behind the other, as an upgrade does. Prints as one line
of JSON what the three other cities waited before, while the workers were started anew (rebalances), and from then on
with the fourth in quarantine; exit code 1 when its p99 is 2 s or more, a message is not decided, or a worker ended.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from msgspec import Struct

from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.dev.stack.stack import Existing, Stack
from schemas import ids, topics
from schemas.codec import decode
from schemas.records import Event
from tests.assign import logs
from tests.assign.workers import WORKER
from tests.tickets.build import message

PARTITIONS = 4
CUT, OTHERS = "210100", ("110000", "310000", "440100")
DELETED = 10
"""Records that are deleted from the beginning of the cut city's log."""

BOUND_SECONDS = 2.0
START_SECONDS = 60.0


class Waited(Struct, frozen=True):
    """Seconds from Kafka's taking a message to its taking the decision, of the three cities with whole logs."""

    sent: int
    decided: int
    median: float
    p99: float
    most: float


class Report(Struct, frozen=True, kw_only=True):
    """What came of it."""

    rate: float
    before: Waited
    restarting: Waited
    quarantined: Waited
    ended: int
    """Processes that ended by themselves after the cut."""
    in_quarantine: int
    cut_city_decided: int
    """Of the cut city's messages after the restart: 0, as they wait in Kafka."""


class Worker:
    """A worker of assign, which is started anew on demand."""

    def __init__(self, folder: Path, number: int, broker: str) -> None:
        self.log = folder / f"worker{number}.log"
        (folder / "blobs").mkdir(exist_ok=True)
        self._command = [sys.executable, str(WORKER), broker, str(folder / "blobs"), "", "0", str(PARTITIONS)]
        self.start()

    def start(self) -> None:
        """Start it, with a log of its own."""
        with self.log.open("wb") as log:
            environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def has_a_partition(self) -> bool:
        told = self.log.read_bytes()
        return b"partition_taken_over" in told or b"partition_quarantined" in told

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it and wait for its end."""
        self._process.send_signal(number)
        self._process.wait(90)


class Load:
    """Messages at an even pace, to all cities alike."""

    def __init__(self, connection: KafkaConnection, rate: float) -> None:
        self._producer = make_producer(connection)
        self._sender = Sender(self._producer, PARTITIONS)
        self._pause = (1 + len(OTHERS)) / rate
        self._next = 0
        self.phases: dict[str, str] = {}
        """Of each message of the three cities, by its id."""
        self.cut_after: set[str] = set()

    async def run(self, phase: list[str]) -> None:
        """Write until cancelled; `phase` holds the name of what goes on."""
        await self._producer.start()
        try:
            while True:
                began = time.monotonic()
                said = [self._message(city) for city in (CUT, *OTHERS)]
                await self._sender.send(map(logs.outbound, said))
                for one in said:
                    if one.jurisdiction != CUT:
                        self.phases[one.message_id] = phase[0]
                    elif phase[0] == "quarantined":
                        self.cut_after.add(one.message_id)
                await asyncio.sleep(max(0.0, began + self._pause - time.monotonic()))
        finally:
            await self._producer.stop()

    def _message(self, city: str):  # type: ignore[no-untyped-def] # Message
        self._next += 1
        number = self._next
        return message(number, f"第{number}件事情要反映", sender=f"139{number:08d}", jurisdiction=city)


async def measured(connection: KafkaConnection, folder: Path, rate: float, seconds: float) -> Report:
    """Run it once."""
    workers = [Worker(folder, number, connection.bootstrap_servers) for number in range(2)]
    load, phase = Load(connection, rate), ["starting"]
    writing = asyncio.create_task(load.run(phase))
    ended = 0
    try:
        await _all(workers)
        await asyncio.sleep(10)
        phase[0] = "before"
        await asyncio.sleep(seconds / 2)
        _cut(connection)
        phase[0] = "restarting"
        for worker in workers:
            await asyncio.to_thread(worker.stop)
            worker.start()
            await _all([worker])
        await _quarantined(workers)
        await asyncio.sleep(10)
        phase[0] = "quarantined"
        for _ in range(int(seconds)):
            await asyncio.sleep(1)
            ended = sum(worker.has_ended for worker in workers)
        phase[0] = "over"
        await asyncio.sleep(5)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        for worker in workers:
            if not worker.has_ended:
                worker.stop(signal.SIGKILL)
    waited = await _waited(connection)
    told = {name: [one for one, when in load.phases.items() if when == name] for name in set(load.phases.values())}
    return Report(
        rate=rate,
        before=_summed(told["before"], waited),
        restarting=_summed(told["restarting"], waited),
        quarantined=_summed(told["quarantined"], waited),
        ended=ended,
        in_quarantine=sum(b"partition_quarantined" in worker.log.read_bytes() for worker in workers),
        cut_city_decided=len(load.cut_after & waited.keys()),
    )


async def _all(workers: Iterable[Worker]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all(worker.has_a_partition for worker in workers) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


async def _quarantined(workers: Iterable[Worker]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not any(b"partition_quarantined" in worker.log.read_bytes() for worker in workers):
        if time.monotonic() > deadline:
            raise TimeoutError("no worker quarantined the partition")
        await asyncio.sleep(0.2)


def _cut(connection: KafkaConnection) -> None:
    place = TopicPartition(topics.EVENT, ids.partition_of(CUT, PARTITIONS))
    client = KafkaAdminClient(**connection.client_options())
    try:
        client.delete_records({place: DELETED})
    finally:
        client.close()


async def _waited(connection: KafkaConnection) -> dict[str, float]:
    """Return how long each decided message waited, by its id."""
    inputs: list[Any] = await logs.read(connection, topics.MESSAGE)
    events: list[Any] = await logs.read(connection, topics.EVENT)
    came = {(record.key or b"").decode(): record.timestamp for record in inputs}
    waited = {}
    for record in events:
        name = decode(record.value or b"", Event).event_id
        if name in came:
            waited[name] = (record.timestamp - came[name]) / 1000
    return waited


def _summed(sent: list[str], waited: dict[str, float]) -> Waited:
    times = sorted(waited[one] for one in sent if one in waited) or [0.0]
    median, p99 = (round(times[int(len(times) * share)], 3) for share in (0.5, 0.99))
    decided = sum(one in waited for one in sent)
    return Waited(sent=len(sent), decided=decided, median=median, p99=p99, most=round(times[-1], 3))


@contextmanager
def kafka(folder: Path) -> Iterator[KafkaConnection]:
    """A Kafka of its own."""
    stack = Stack(folder, Existing(elasticsearch_url="none"))
    try:
        broker = stack.up(owner=os.getpid()).bootstrap_servers
        connection = KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS)
        Provision(connection).create_when_started()
        yield connection
    finally:
        stack.down()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=12.0, help="messages a second, of all four cities")
    parser.add_argument("--seconds", type=float, default=100.0, help="how long the quarantine is measured")
    parser.add_argument("--keep", type=Path, help="leave the logs of the workers here")
    chosen = parser.parse_args()
    with ExitStack() as standing:
        folder = chosen.keep or Path(standing.enter_context(tempfile.TemporaryDirectory(prefix="hotline-quarantine-")))
        folder.mkdir(parents=True, exist_ok=True)
        connection = standing.enter_context(kafka(folder))
        report = asyncio.run(measured(connection, folder, chosen.rate, chosen.seconds))
    print(msgspec.json.encode(report).decode())
    others = report.quarantined
    is_fine = others.p99 < BOUND_SECONDS and others.decided == others.sent and not report.ended
    return int(not (is_fine and report.in_quarantine))


if __name__ == "__main__":
    sys.exit(main())
