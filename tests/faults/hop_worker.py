"""A worker that copies one topic to another: BROKER PREFIX DATADIR are its arguments; it prints its assignments."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from schemas.codec import Outbound
from streams.engine.app import make_app, serve
from streams.engine.partition_worker import Chunk, declare


async def main(broker: str, prefix: str, data_dir: str) -> None:
    connection = KafkaConnection(bootstrap_servers=broker)
    producer = make_producer(connection)
    await producer.start()
    sender = Sender(producer, 4)
    app = make_app(f"{prefix}hop", connection, Path(data_dir), broker_session_timeout=6.0)

    async def copy(tp, chunk: Chunk) -> None:
        await sender.send(Outbound(f"{prefix}out", r.key, r.value, list(r.headers)) for r in chunk.records)
        chunk.ack()

    declare(app, "hop", [f"{prefix}in"], copy)

    async def assigned(app, assigned, **_) -> None:
        print("ASSIGNED", sorted(tp.partition for tp in assigned if tp.topic == f"{prefix}in"), flush=True)

    app.on_partitions_assigned.connect(assigned)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        await serve(app, stop)
    finally:
        await producer.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    os._exit(0)
