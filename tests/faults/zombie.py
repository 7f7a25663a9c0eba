"""A stage or the sink as a process that stops itself before one of its writes; its task is a JSON argument.

`before` counts its writes: 2 stops it before the second one, 0 never. It prints a line about the end of each write.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from elasticsearch import AsyncElasticsearch
from msgspec import Struct
from obstore.store import LocalStore

from broker.config import KafkaConnection
from normalizers.base import Policy
from schemas.codec import Outbound
from schemas.contract.index_templates import indices
from sinks import Document, Route, Verdicts
from sinks.elastic.sink import ElasticSink
from sinks.runner import run_sink
from sinks.settings import SinkSettings
from streams import assign, normalize, screen
from streams.engine.app import make_app, serve
from streams.engine.output import Outlet
from tickets.policy import TicketPolicy

SESSION_SECONDS = 3.0
"""After which Kafka gives a stage up; the sink keeps its own 10 s."""


class Task(Struct, frozen=True, kw_only=True):
    """What the process does."""

    name: str
    kafka: str
    group: str
    folder: str
    before: int
    elasticsearch: str = ""
    topic: str = ""
    prefix: str = ""


class Stop:
    """Counts writes, and stops the process before the one that is named."""

    def __init__(self, before: int) -> None:
        self._left = before

    def reached(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)


class StoppedOutlet(Outlet):
    """Stops before its records go out, and then sends them, whatever the group has decided meanwhile."""

    stop = Stop(0)

    async def send(self, outbounds: Sequence[Outbound]) -> list[Outbound]:
        if not outbounds:
            return []
        self.stop.reached()
        return await asyncio.shield(asyncio.create_task(self._send(outbounds)))

    async def _send(self, outbounds: Sequence[Outbound]) -> list[Outbound]:
        refused = await super().send(outbounds)
        print("WRITTEN", len(outbounds), flush=True)
        return refused


class StoppedSink(ElasticSink):
    """Stops before a bulk request, and then sends it, as if it had been on its way."""

    stop = Stop(0)

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        self.stop.reached()
        return await asyncio.shield(asyncio.create_task(self._write(documents)))

    async def _write(self, documents: Sequence[Document]) -> Verdicts:
        verdicts = await super().write(documents)
        print("WRITTEN", len(verdicts.stored), "STALE", len(verdicts.stale), flush=True)
        return verdicts


async def run_stage(task: Task, stop: asyncio.Event) -> None:
    """Run screen, normalize or assign."""
    StoppedOutlet.stop = Stop(task.before)
    screen.Outlet = normalize.Outlet = StoppedOutlet
    connection = KafkaConnection(bootstrap_servers=task.kafka, partitions=2)
    isolation: Any = "read_committed" if task.name == "assign" else "read_uncommitted"
    data = Path(task.folder) / str(os.getpid())
    app = make_app(task.group, connection, data, isolation_level=isolation, broker_session_timeout=SESSION_SECONDS)
    blobs = LocalStore(Path(task.folder) / "blobs", mkdir=True)
    if task.name == "assign":
        assign.Owner.write = told
        assign.declare(app, connection, blobs, TicketPolicy(), before_commit(Stop(task.before)))
    else:
        {"screen": screen, "normalize": normalize}[task.name].declare(app, connection, blobs, Policy())
    await serve(app, stop)


def before_commit(stop: Stop) -> Callable[[str], None]:
    """Return the hook of assign that stops when all of a transaction is written, and nothing committed."""

    def reached(point: str) -> None:
        if point == "sent":
            stop.reached()

    return reached


async def told(self: assign.Owner, *args: Any, **kwargs: Any) -> None:
    """Write as an owner does, and say how it ended."""
    try:
        await _honest(self, *args, **kwargs)
    except BaseException as error:
        print("WRITTEN nothing", type(error).__name__, flush=True)
        raise
    print("WRITTEN a transaction", flush=True)


_honest = assign.Owner.write


async def run_elastic(task: Task, stop: asyncio.Event) -> None:
    """Run the sink of tickets."""
    route = Route(topic=task.topic, index=indices(task.prefix)["ticket"])
    sink = StoppedSink(AsyncElasticsearch(task.elasticsearch, request_timeout=60), [route])
    sink.stop = Stop(task.before)
    settings = SinkSettings(batch_max_documents=100, batch_max_age_seconds=0.05, in_flight_max_batches=1)
    await run_sink(sink, [route], KafkaConnection(bootstrap_servers=task.kafka), settings, stop, group=task.group)


async def main(task: Task) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await (run_elastic if task.name == "sink" else run_stage)(task, stop)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Task)))
    os._exit(0)
