"""A message that holds the processor ends each of two workers once at most; then it is a dead letter, and all go on."""

import asyncio
import signal
from pathlib import Path

import pytest

from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import encode
from tests.assign import logs
from tests.assign.exploding import BAD
from tests.forked import Forked
from tests.tickets.build import message
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long, pytest.mark.timeout(600)]

WORKER = Path(__file__).with_name("exploding.py")


class Worker:
    """A worker that is started again when it ends, with the same data folder."""

    def __init__(self, connection: KafkaConnection, blobs: Path, data: Path) -> None:
        self._command = (str(WORKER), connection.bootstrap_servers, str(blobs), str(data))
        self.ends: list[int | None] = []
        self._process = Forked(*self._command)

    def tend(self) -> None:
        if self._process.poll() is not None:
            self.ends.append(self._process.returncode)
            self._process = Forked(*self._command)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)


async def test_what_holds_the_processor_is_set_aside_and_the_city_goes_on(
    connection: KafkaConnection, blobs_folder: Path, tmp_path: Path
) -> None:
    said = [message(number, f"第{number}件事", sender=str(13800000000 + number)) for number in range(6)]
    bad = message(99, BAD, sender="13900000000")
    await logs.write(connection, map(logs.outbound, [*said[:3], bad, *said[3:]]))
    workers = [Worker(connection, blobs_folder, tmp_path / f"data{number}") for number in range(2)]

    async def are_all_decided() -> bool:
        for worker in workers:
            worker.tend()
        await asyncio.sleep(0.5)
        return len(await logs.read(connection, topics.EVENT)) >= len(said)

    try:
        await soon(are_all_decided, seconds=240)
        ends = [code for worker in workers for code in worker.ends]
    finally:
        for worker in workers:
            worker.stop()
    assert ends
    assert set(ends) == {-signal.SIGPROF}
    assert len(ends) <= 4, "each worker once for the chunk and once for the record"
    (dead,) = await logs.dead(connection)
    assert dead.value == encode(bad)
    await logs.assert_nothing_lost_or_doubled(connection, said)
