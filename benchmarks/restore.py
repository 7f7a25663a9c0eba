"""How long one partition takes to restore: from its checkpoint, and from that and the newest decisions.

`python -m benchmarks.restore [--tickets 1000000] [--tail 50000] [--keep FOLDER]`. Some tickets of one city are decided
at the desk of the assign stage, and copied under other names until there are enough, each copy with words of its own.
The tail is decided at the desk as well and lies in a real Kafka; it is the worst case: a worker that died just before
its next checkpoint. Each restore is a process of its own and includes the connection to Kafka, the reading of the
file and of the logs. `--keep` leaves all of it there for another run.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from obstore.store import LocalStore

from benchmarks.normalize import neutral
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.dev.stack.stack import Existing, Stack
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Outbound, Position
from schemas.records import Message
from streams.engine.app import tune_collector
from streams.state.checkpoint import CHECKPOINT_EVENTS, Restored, save_checkpoint
from streams.state.restore import restore
from tickets.dedupe.index import DedupeSnapshot
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State
from tickets.state.store import LiveTickets

CITY, PARTITION = "210100", 0
CHUNK = 500
DECIDED = 5_000
"""Tickets that are decided; the others are copies of them."""

START = datetime(2026, 11, 25, tzinfo=UTC)
WAYS = ("checkpoint and tail", "checkpoint")


def messages(first: int, count: int) -> Iterator[Message]:
    """Yield one city's messages, each by somebody else and about something else."""
    policy = Policy()
    for number in range(first, first + count):
        raw, at = neutral(number), START + timedelta(seconds=number / 50)
        raw = replace(raw, envelope=replace(raw.envelope, time=at, recordedtime=at, jurisdiction=CITY))
        message = normalize(raw, policy).message
        yield replace(message, features=replace(message.features, requesters=(f"k:{number}",)))


class Builder:
    """Decides, and writes to Kafka what a restore reads; what else a decision leads to is left out."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._producer = make_producer(connection)
        self._sender = Sender(self._producer, 1)
        self._taken = 0
        self.restored = Restored(state=State(TicketPolicy()))

    async def __aenter__(self) -> "Builder":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def decide(self, count: int) -> None:
        """Decide about so many messages more."""
        desk, end = Desk(self.restored.state), self._taken + count
        while self._taken < end:
            size = min(CHUNK, end - self._taken)
            for message in messages(self._taken, size):
                decision = desk.take(message, Position(topics.MESSAGE, PARTITION, self._taken))
                self._taken += 1
                if decision:
                    self.restored.last_event_id = decision.event_id
            await self._written(desk.flush(), size)

    async def _written(self, outbounds: Iterable[Outbound], taken: int) -> None:
        read = [out for out in outbounds if out.topic in (topics.EVENT, topics.TICKET)]
        inputs = [Outbound(topics.MESSAGE, b"", b"", [], CITY)] * taken  # nobody reads them: their offsets count
        last = await self._sender.send([*read, *inputs])
        self.restored.last_event = last[topics.EVENT, PARTITION]
        self.restored.next_ticket = last[topics.TICKET, PARTITION] + 1


def multiplied(state: State, times: int) -> State:
    """Return a state with so many copies of each ticket."""
    one = state.dump()
    seen = np.random.default_rng(1).bytes(16 * one.opened * times)
    tickets, bodies = LiveTickets(), dict[str, bytes]()
    for copy in range(times):
        for ticket in state.tickets.values():
            called = f"{ticket.ticket_id[:-4]}{copy:04d}"
            number, order = f"{ticket.ticket_no}-{copy}", ticket.order + copy * one.opened
            text_keys = tuple(f"{copy}{key}" for key in ticket.text_keys)
            tickets[called] = replace(ticket, ticket_id=called, ticket_no=number, order=order, text_keys=text_keys)
            tickets.tidy()
            bodies[called] = one.bodies[ticket.ticket_id].replace(ticket.ticket_id.encode(), called.encode())
    snapshot = replace(
        one,
        opened=one.opened * times,
        near=_near(one.near, one.opened, times),
        tickets=tickets.dump(),
        bodies=bodies,
        seen=np.sort(np.frombuffer(seen, dtype="S16")).tobytes(),
    )
    return State(state.policy, snapshot)


def _near(one: DedupeSnapshot, opened: int, times: int) -> DedupeSnapshot:
    keys, orders = np.frombuffer(one.keys, dtype="<u8"), np.frombuffer(one.orders, dtype="<u4")
    return replace(
        one,
        kept={order + copy * opened: kept for copy in range(times) for order, kept in one.kept.items()},
        keys=b"".join((keys ^ np.uint64(copy * 2_654_435_761 % 2**32)).tobytes() for copy in range(times)),
        sizes=one.sizes * times,
        orders=b"".join((orders + np.uint32(copy * opened)).tobytes() for copy in range(times)),
    )


async def build(connection: KafkaConnection, blobs: LocalStore, tickets: int, tail: int) -> None:
    """Make a checkpoint of so many tickets, and the logs of what was decided since."""
    async with Builder(connection) as builder:
        await builder.decide(min(DECIDED, tickets))
        builder.restored.state = multiplied(builder.restored.state, max(1, tickets // DECIDED))
        began, cpu = time.perf_counter(), time.process_time()
        if not await save_checkpoint(blobs, PARTITION, builder.restored):
            raise SystemExit("the checkpoint was not written: see that the disk has room")
        written = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
        print(json.dumps({"way": "write the checkpoint", **written}), flush=True)
        await builder.decide(tail)


async def restored(connection: KafkaConnection, blobs: LocalStore, way: str) -> None:
    """Restore once and print how long it took; after the tail, write a checkpoint of the whole."""
    tune_collector()
    began, cpu = time.perf_counter(), time.process_time()
    found = await restore(connection.aiokafka_options(), blobs, PARTITION, TicketPolicy())
    print(
        json.dumps(
            {
                "way": way,
                "tickets": len(found.state.tickets),
                "seconds": round(time.perf_counter() - began, 2),
                "cpu_seconds": round(time.process_time() - cpu, 2),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "load": os.getloadavg()[0],
            }
        ),
        flush=True,
    )
    if way == "checkpoint and tail":
        await save_checkpoint(blobs, PARTITION, found)


@contextmanager
def kafka(folder: Path) -> Iterator[KafkaConnection]:
    """A Kafka of its own with one partition a topic."""
    stack = Stack(folder, Existing(elasticsearch_url="none"))
    try:
        broker = stack.up(owner=os.getpid()).bootstrap_servers
        connection = KafkaConnection(bootstrap_servers=broker, partitions=1)
        Provision(connection).create_when_started()
        yield connection
    finally:
        stack.down()


def worker(what: str, broker: str, folder: str, tickets: str, tail: str) -> None:
    """Be one step."""
    connection, blobs = KafkaConnection(bootstrap_servers=broker, partitions=1), LocalStore(folder)
    if what == "build":
        asyncio.run(build(connection, blobs, int(tickets), int(tail)))
    else:
        asyncio.run(restored(connection, blobs, what))


def main() -> None:
    """Build once, restore in each way."""
    parser = argparse.ArgumentParser(prog="hotline bench restore", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--tail", type=int, default=CHECKPOINT_EVENTS)
    parser.add_argument("--ways", nargs="*", default=WAYS, choices=WAYS)
    parser.add_argument("--keep", type=Path, help="folder for the logs and the checkpoint, used again if it is there")
    chosen = parser.parse_args()
    with ExitStack() as standing:
        folder = chosen.keep or Path(standing.enter_context(tempfile.TemporaryDirectory(prefix="hotline-restore-")))
        there = (folder / "checkpoints").is_dir()
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        connection = standing.enter_context(kafka(folder))
        for what in ("build", *chosen.ways) if not there else chosen.ways:
            arguments = [connection.bootstrap_servers, folder / "checkpoints", chosen.tickets, chosen.tail]
            command = [sys.executable, "-m", "benchmarks.restore", "worker", what, *map(str, arguments)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    worker(*sys.argv[2:]) if sys.argv[1:2] == ["worker"] else main()
