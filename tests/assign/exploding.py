"""An assign worker whose decision about one text holds the processor: KAFKA BLOBS DATA."""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas.records import Message
from streams import assign
from streams.engine import in_work
from streams.engine.app import make_app, serve
from tickets.policy import TicketPolicy
from tickets.processor import Desk

BAD = "这一条会让人算上一万年"
GROUP = "assign-exploding"
_take = Desk.take


def explode(self: Desk, record: Any, *rest: Any) -> Any:
    if isinstance(record, Message) and record.text == BAD:
        re.match(r"(a+)+$", "a" * 64 + "b")
    return _take(self, record, *rest)


async def main(bootstrap: str, blobs: str, data: str) -> None:
    connection = KafkaConnection(bootstrap_servers=bootstrap, partitions=2)
    app = make_app(GROUP, connection, Path(data), isolation_level="read_committed", broker_session_timeout=3.0)
    app.in_work = in_work.InWork(GROUP, Path(data), cpu_seconds=3.0)
    Desk.take = explode  # type: ignore[method-assign]
    assign.declare(app, connection, LocalStore(blobs), TicketPolicy())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(app, stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
