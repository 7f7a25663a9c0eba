"""A connector as one of two processes that share an account: `lease_worker.py KAFKA ACCOUNT FOLDER SESSION_SECONDS`.

Its source is the file `source`, a number in each line. It notes each question in `asked` (its process id and what it
got), and freezes itself in the middle of one when there is a file `freeze` with its process id.
"""

import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import structlog
from obstore.store import MemoryStore
from tenacity import wait_fixed

from broker.config import KafkaConnection
from broker.lease import GroupLease
from connectors.base import Batch
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from connectors.runtime.pull import run_pull
from schemas.records import Cursor, RawMessage, raw_message

TIME = datetime(2026, 3, 1, tzinfo=UTC)


class Numbers:
    """Gives ten numbers at a time."""

    channel: ClassVar[str] = "mailbox"

    def __init__(self, account: str, folder: Path) -> None:
        self._account = account
        self._folder = folder

    def open(self) -> None:
        print("open", flush=True)

    def fetch(self, cursor: Cursor) -> Batch:
        after = cursor.position.get("after", 0)
        numbers = [int(line) for line in (self._folder / "source").read_text().split()]
        batch = [number for number in numbers if number > after][:10]
        with (self._folder / "asked").open("a") as asked:
            asked.write(f"{os.getpid()} {batch}\n")
        if batch and (self._folder / "freeze").exists() and int((self._folder / "freeze").read_text()) == os.getpid():
            (self._folder / "freeze").unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        moved = Cursor(connector_id=self._account, position={"after": batch[-1]}) if batch else cursor
        return Batch(messages=tuple(map(self._message, batch)), cursor=moved)

    def _message(self, number: int) -> RawMessage:
        return raw_message(
            channel="mailbox",
            channel_kind="mailbox",
            account=self._account,
            jurisdiction="430100",
            identifier=str(number),
            value=b"%d" % number,
            content_type="message/rfc822",
            time=TIME,
            recorded=TIME,
        )

    def wait(self, seconds: float) -> bool:
        time.sleep(0.05)
        return True

    def close(self) -> None:
        pass


def main(bootstrap: str, account: str, folder: str, session_seconds: str) -> None:
    """Work or stand by until SIGTERM; the state of health goes to stdout when it changes."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stdout), processors=[lambda _, __, event: event["event"]]
    )
    connection = KafkaConnection(bootstrap_servers=bootstrap)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    publisher, cursors = Publisher(connection, MemoryStore()), Cursors(connection, account)
    lease = GroupLease(connection, account, session_seconds=float(session_seconds))
    health = Health(account, "mailbox")
    run_pull(
        Numbers(account, Path(folder)), publisher, cursors, stop=stop, health=health, lease=lease, pace=wait_fixed(0.2)
    )
    publisher.close()
    cursors.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
