"""An assign worker as a process: KAFKA BLOBS [POINT NUMBER [PARTITIONS [PAUSE]]].

It kills itself the NUMBERth time it reaches POINT, if that is named. PAUSE is that of a quarantine, in seconds.
"""

import asyncio
import signal
import sys
import tempfile
import zlib
from pathlib import Path

from obstore.store import LocalStore

from broker.config import KafkaConnection
from streams import assign
from streams.engine import quarantine
from streams.engine.app import make_app, serve
from tests.dying import reached
from tickets.policy import TicketPolicy


async def main(
    bootstrap: str, blobs: str, point: str = "", number: str = "0", partitions: str = "2", pause: str = "60"
) -> None:
    quarantine.PAUSES = (float(pause),)
    connection = KafkaConnection(bootstrap_servers=bootstrap, partitions=int(partitions))
    app = make_app(
        f"assign{zlib.crc32(blobs.encode())}",
        connection,
        Path(tempfile.mkdtemp()),
        isolation_level="read_committed",
        broker_session_timeout=3.0,
    )
    assign.declare(app, connection, LocalStore(blobs), TicketPolicy(), reached(point, int(number)))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(app, stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
