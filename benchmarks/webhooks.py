"""How long a new webhook subscriber waits for its first ticket, as all that lies ahead is read before it.

`python -m benchmarks.webhooks [TICKETS]`. One partition of the masked tickets in a real Kafka, each the golden one
under an id of its own; one in a hundred was erased, one in ten is restricted. Each reading is a process of its own.
"""

import asyncio
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

import schemas
from benchmarks.transport import a_kafka
from broker.aio_client import running
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from schemas import topics
from schemas.codec import Position, decode, encode
from schemas.records import Ticket
from sinks.base import Document
from sinks.kafka import make_producer, make_reader
from sinks.webhook import FilterSettings
from sinks.webhook.erasure_lookahead import Ahead
from sinks.webhook.request import may_be_read
from tickets.masking.mask import mask_ticket

WAYS = {"every level": FilterSettings(), "some levels": FilterSettings(confidentiality=("public", "internal"))}
"""Of whom a filter keeps levels (保密) back, each ticket has to be decoded."""

PIECE = 1_000
START = Position(topics.TICKET_MASKED, 0, 0)


@dataclass
class Values:
    """The snapshots of which tickets are made."""

    usual: bytes
    restricted: bytes
    erased: bytes

    @classmethod
    def golden(cls) -> "Values":
        """Return them, of the golden ticket."""
        file = Path(schemas.__file__).parent / "golden" / "v1" / "ticket.json"
        usual = replace(mask_ticket(decode(file.read_bytes(), Ticket)), redacted_version=UNSET)
        return cls(*map(encode, (usual, replace(usual, confidentiality="restricted"), replace(usual, erased=True))))

    def of(self, number: int) -> bytes:
        """Return that of the ticket with this number."""
        return self.erased if number % 100 == 0 else self.restricted if number % 10 == 0 else self.usual


async def write(connection: KafkaConnection, count: int) -> None:
    """Write so many tickets."""
    values, headers = Values.golden(), [("ce_sequence", b"0000000003")]
    async with running(make_producer(connection)) as producer:
        for begin in range(0, count, PIECE):
            sent = [
                await producer.send(
                    START.topic, values.of(number), key=b"210100-%020d" % number, headers=headers, partition=0
                )
                for number in range(begin, min(count, begin + PIECE))
            ]
            await asyncio.gather(*sent)
    print(f"{count} tickets of {len(values.usual)} B")


async def read(connection: KafkaConnection, way: str) -> None:
    """Print how long it takes until the first delivery may go, and what that needs."""
    chosen, before = WAYS[way], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def may_read(document: Document) -> bool:
        return may_be_read(document, chosen)

    ahead = Ahead(may_read, partial(make_reader, connection))
    began, cpu = time.perf_counter(), time.process_time()
    reading = asyncio.create_task(ahead.run())
    await ahead.known(START)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    reading.cancel()
    await asyncio.wait([reading])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{way} | {seconds:.1f} s | {cpu:.1f} CPU-s | {before // 1024} -> {after // 1024} MB", flush=True)


def main() -> None:
    """Write once, read in each way."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with a_kafka() as broker:
        connection = KafkaConnection(bootstrap_servers=broker, partitions=1)
        Provision(connection).create_when_started()
        asyncio.run(write(connection, count))
        for way in WAYS:
            command = [sys.executable, "-m", "benchmarks.webhooks", "worker", broker, way]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        asyncio.run(read(KafkaConnection(bootstrap_servers=sys.argv[2], partitions=1), sys.argv[3]))
    else:
        main()
