"""Two workers share four partitions while messages flow; one leaves, by SIGTERM or by kill -9. Nothing is missing."""

import asyncio
import collections
import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from hotline.dev.stack.stack import Endpoints
from tests.forked import Forked

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]

WORKER = Path(__file__).with_name("hop_worker.py")


class Worker:
    """One process on the chunk transport; its log tells what it was assigned."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        self._log = folder / "log"
        folder.mkdir()
        with self._log.open("ab") as log:
            self.process = Forked(str(WORKER), broker, prefix, str(folder), stdout=log, stderr=log)

    def assigned(self) -> str:
        """Return the last assignment, empty before the first."""
        lines = [line for line in self._log.read_text().splitlines() if line.startswith("ASSIGNED")]
        return lines[-1] if lines else ""

    async def until_assigned(self, count: int, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.assigned().count(",") + 1 != count or "[" not in self.assigned():
            assert time.monotonic() < deadline, self._log.read_text()
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def two_workers(broker: str, prefix: str, folder: Path) -> Iterator[list[Worker]]:
    workers = [Worker(broker, prefix, folder / str(number)) for number in range(2)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.wait()


class Flow:
    """Numbered messages, about 200 a second, until it is stopped."""

    def __init__(self, broker: str, topic: str) -> None:
        self._broker, self._topic = broker, topic
        self.sent = 0

    @contextlib.asynccontextmanager
    async def running(self):
        producer = AIOKafkaProducer(bootstrap_servers=self._broker)
        await producer.start()
        task = asyncio.create_task(self._send(producer))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer) -> None:
        while True:
            number, self.sent = self.sent, self.sent + 1
            await producer.send(self._topic, b"%d" % number, key=b"k%d" % (number % 64))
            await asyncio.sleep(0.005)


async def all_seen(broker: str, topic: str, expected: int, seconds: float) -> collections.Counter:
    """Count the numbers in a topic until all are there, or time is up."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker, auto_offset_reset="earliest")
    await consumer.start()
    seen: collections.Counter = collections.Counter()
    deadline = time.monotonic() + seconds
    try:
        while len(seen) < expected and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                seen.update(int(record.value) for record in records)
    finally:
        await consumer.stop()
    return seen


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
async def test_nothing_is_missing_when_a_worker_leaves(stack: Endpoints, tmp_path: Path, how: signal.Signals) -> None:
    broker, prefix = stack.bootstrap_servers, f"leave-{time.time_ns()}-"
    create_topics(broker, prefix)
    flow = Flow(broker, f"{prefix}in")
    with two_workers(broker, prefix, tmp_path) as (stays, leaves):
        await stays.until_assigned(2)
        await leaves.until_assigned(2)
        async with flow.running():
            await asyncio.sleep(2)
            leaves.process.send_signal(how)
            await asyncio.to_thread(leaves.process.wait, 60)
            await stays.until_assigned(4)
            await asyncio.sleep(1)
        seen = await all_seen(broker, f"{prefix}out", flow.sent, seconds=90)
    missing = [number for number in range(flow.sent) if number not in seen]
    repeated = sum(seen.values()) - len(seen)
    print(f"{how.name}: sent {flow.sent}, missing {len(missing)}, repeated {repeated}")
    assert missing == []
    if how is signal.SIGTERM:
        assert leaves.process.returncode == 0
        assert repeated < 100  # a worker that drains leaves next to nothing behind


def create_topics(broker: str, prefix: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(f"{prefix}in", 4, 1), NewTopic(f"{prefix}out", 4, 1)])
    admin.close()
