"""A mailbox connector as a process of its own, to be killed: `mailbox_worker.py KAFKA IMAP_PORT ACCOUNT BLOBS`."""

import signal
import sys
import threading
from pathlib import Path

import structlog
from obstore.store import LocalStore

from broker.config import KafkaConnection
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.settings import MailboxSettings
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from connectors.runtime.pull import run_pull


def main(bootstrap: str, port: str, account: str, blobs: str) -> None:
    """Move mails until SIGTERM; a line on stdout for each batch that is safe."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    connection = KafkaConnection(bootstrap_servers=bootstrap)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = MailboxSettings(
        host="127.0.0.1",
        port=int(port),
        tls="none",
        username="hotline",
        password="secret",
        jurisdiction="430100",
        max_batch_messages=20,
    )
    publisher, cursors = Publisher(connection, LocalStore(Path(blobs), mkdir=True)), Cursors(connection, account)
    publish = publisher.publish

    def told(messages, dead=()) -> None:
        publish(messages, dead)
        print(len(messages), flush=True)

    publisher.publish = told
    health = Health(account, "mailbox")
    run_pull(Mailbox(settings, account), publisher, cursors, stop=stop, health=health)
    publisher.close()
    cursors.close()
    print(health.report.state, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
