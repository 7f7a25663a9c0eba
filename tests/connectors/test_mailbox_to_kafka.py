"""From a real mailbox to the real broker, through kill -9, SIGTERM and a broker that stalls: nothing is lost."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from obstore.store import LocalStore
from tenacity import wait_fixed

from broker.config import KafkaConnection
from broker.sync_producer import Producer
from connectors.mailbox.connector import Mailbox
from connectors.publish.publisher import Publisher
from connectors.runtime.cursor_store import Cursors
from connectors.runtime.health import Health
from connectors.runtime.pull import run_pull
from hotline.dev.stack.stack import Stack
from schemas import topics
from tests.connectors.mailboxes import mail, settings
from tests.connectors.reader import Reader
from tests.forked import Forked
from tests.frozen import frozen
from tests.peers import dovecot
from tests.peers.presence import require
from tests.waiting import until

pytestmark = pytest.mark.integration

RAW = topics.raw("mailbox")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[dovecot.Dovecot]:
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        yield server


def filled(server: dovecot.Dovecot, mails: int) -> set[bytes]:
    """Put mails into the inbox and return their subjects."""
    server.deliver(mail("first"))
    folder = server.maildir() / "new"
    owner = folder.stat()
    for number in range(mails):
        path = folder / f"{1_700_000_000 + number}.M{number}P1.test"
        path.write_bytes(mail(f"m{number}").replace(b"\r\n", b"\n"))
        os.chown(path, owner.st_uid, owner.st_gid)
    return {b"first", *(b"m%d" % number for number in range(mails))}


def arrived(reader: Reader, account: str) -> list[bytes]:
    return [record.value.split(b"Subject: ")[1].split(b"\r\n")[0] for record in reader.read(RAW, account)]


def saved(kafka: KafkaConnection, account: str) -> dict:
    cursors = Cursors(kafka, account)
    try:
        return cursors.load().position
    finally:
        cursors.close()


def test_kill_9_repeats_some_and_sigterm_none(
    kafka: KafkaConnection, server: dovecot.Dovecot, reader: Reader, account: str, tmp_path: Path
) -> None:
    expected = filled(server, 400)
    script = str(Path(__file__).with_name("mailbox_worker.py"))

    @contextmanager
    def started() -> Iterator[tuple[Forked, IO[str]]]:
        """Run a worker; what it says can be read."""
        said, says = os.pipe()
        with os.fdopen(says, "w") as stdout:
            worker = Forked(
                script, kafka.bootstrap_servers, str(server.port), account, str(tmp_path / "blobs"), stdout=stdout
            )
        try:
            with os.fdopen(said) as heard:
                yield worker, heard
        finally:
            worker.kill()
            worker.wait(60)

    for _ in range(2):
        with started() as (worker, said):
            said.readline()  # a batch is safe: somewhere before, in or after the cursor's save
            worker.kill()
    assert len(set(arrived(reader, account))) < len(expected)

    with started() as (worker, said):
        said.readline()
        worker.send_signal(signal.SIGTERM)
        lines = said.read().split()
        assert worker.wait(60) == 0
    assert lines[-1] == "stopped"
    before = arrived(reader, account)
    assert saved(kafka, account)["INBOX"]["uid"] == len(set(before))

    with started() as (worker, said):
        while int(said.readline()) == 20:
            pass
        server.deliver(mail("announced"))  # by IDLE
        while int(said.readline()) == 0:
            pass
        worker.send_signal(signal.SIGTERM)
        said.read()
    after = arrived(reader, account)
    assert set(after) == expected | {b"announced"}
    assert len(after) - len(before) == len(expected) + 1 - len(set(before))
    assert len(after) <= len(expected) + 1 + 2 * 20


def test_thirty_mebibytes_go_to_the_blob_store_in_bounded_memory(
    kafka: KafkaConnection, server: dovecot.Dovecot, reader: Reader, account: str, tmp_path: Path
) -> None:
    server.deliver(mail("first"))
    script = Path(__file__).with_name("mailbox_worker.py")
    command = [sys.executable, script, kafka.bootstrap_servers, str(server.port), account, tmp_path / "blobs"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as worker:
        worker.stdout.readline()
        before = most_memory(worker.pid)
        large = mail("large", 30 << 20)
        server.deliver(large)
        while int(worker.stdout.readline()) == 0:
            pass
        grown = most_memory(worker.pid) - before
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    assert grown < 2 * len(large)
    (record,) = (each for each in reader.read(RAW, account) if not each.value)
    stored = tmp_path / "blobs" / dict(record.headers)["ce_dataref"].decode()
    assert stored.stat().st_size > len(large)
    assert stored.read_bytes().endswith(large)


def most_memory(pid: int) -> int:
    """Return the most bytes of memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_a_broker_that_stalls_stops_the_cursor_and_loses_nothing(
    kafka: KafkaConnection,
    local_stack: Stack,
    server: dovecot.Dovecot,
    reader: Reader,
    account: str,
    blobs: LocalStore,
) -> None:
    expected = filled(server, 30)
    publisher = Publisher(kafka, blobs, Producer(kafka, delivery_seconds=1))
    cursors, health, stop = Cursors(kafka, account), Health(account, "mailbox"), threading.Event()
    assert cursors.load().position == {}
    box = Mailbox(settings(port=server.port, max_batch_messages=10), account)
    options = {"stop": stop, "health": health, "pace": wait_fixed(0.2)}
    thread = threading.Thread(target=run_pull, args=(box, publisher, cursors), kwargs=options)
    with frozen(local_stack.pid("kafka")):
        thread.start()
        until(lambda: health.report.state == "degraded")
        assert cursors.load().position == {}
        assert health.report.last_error == "UnreachableError"
    until(lambda: health.report.messages >= len(expected))
    stop.set()
    thread.join(60)
    publisher.close()
    cursors.close()
    assert not thread.is_alive()
    assert set(arrived(reader, account)) == expected
    assert saved(kafka, account)["INBOX"]["uid"] == len(expected)
