"""`hotline run lmtp` and `hotline pipe` on the real Kafka: what heard 250 arrives, also over a kill -9 meanwhile."""

import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from broker.config import KafkaConnection
from broker.kafka_reader import read_all
from hotline.dev.stack.stack import Stack
from schemas import topics
from schemas.errors import UnreachableError
from tests.connectors.mailboxes import mail
from tests.docs.pages import ROOT
from tests.frozen import frozen
from tests.peers.dovecot import free_ports
from tests.waiting import until

pytestmark = pytest.mark.integration

MAYOR = "mayor@city.gov.cn"


class Daemon:
    """`hotline run lmtp` in a folder of its own."""

    def __init__(self, connection: KafkaConnection, folder: Path) -> None:
        self.port = free_ports(1, start=18000)
        self.environment = {
            **os.environ,
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": connection.bootstrap_servers,
            "HOTLINE_LOCAL__DATA_DIR": str(folder),
            "HOTLINE_LMTP__PORT": str(self.port),
            "HOTLINE_LMTP__PUBLISH_TIMEOUT_SECONDS": "10",  # so long a busy Kafka may take for the first one
            "HOTLINE_LMTP__MAILBOXES__MAYOR__RECIPIENTS": f'["{MAYOR}"]',
            "HOTLINE_TELEMETRY__PORT": "0",
        }

    def start(self) -> psutil.Popen:
        process = psutil.Popen([sys.executable, "-m", "hotline", "run", "lmtp"], cwd=ROOT, env=self.environment)
        until(self.answers)
        return process

    def answers(self) -> bool:
        try:
            with smtplib.LMTP("127.0.0.1", self.port, timeout=60):
                return True
        except OSError:
            return False

    def deliver(self, raw: bytes) -> None:
        with smtplib.LMTP("127.0.0.1", self.port, timeout=60) as peer:
            peer.sendmail("citizen@example.cn", [MAYOR], raw)

    def pipe(self, raw: bytes, to: str = MAYOR, *options: str | bytes) -> subprocess.CompletedProcess[bytes]:
        server = f"127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "hotline", "pipe", "--to", to, "--server", server, *options]
        return subprocess.run(command, cwd=ROOT, env=self.environment, input=raw, capture_output=True, check=False)


@pytest.fixture
def daemon(fresh_topics: KafkaConnection, tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(fresh_topics, tmp_path)
    yield daemon
    for child in psutil.Process().children():
        if child.cmdline()[-1:] == ["lmtp"]:
            child.kill()
            child.wait(60)


def held(connection: KafkaConnection) -> list[bytes]:
    with suppress(UnreachableError):  # a broker that was frozen is fenced for a moment
        return [record.value.partition(b"\r\n")[2] for record in read_all(connection, topics.raw("mailbox"))]
    return []


def test_what_heard_250_arrives_even_if_kafka_was_away_and_the_process_was_killed(
    daemon: Daemon, fresh_topics: KafkaConnection, local_stack: Stack
) -> None:
    process = daemon.start()
    daemon.deliver(mail("one"))
    assert held(fresh_topics) == [mail("one")]  # when it hears 250, and not a moment later
    with frozen(local_stack.pid("kafka")):
        daemon.deliver(mail("two"))
        process.kill()
        process.wait(60)
    process = daemon.start()
    until(lambda: set(held(fresh_topics)) == {mail("one"), mail("two")})
    assert daemon.pipe(mail("three")).returncode == 0
    assert mail("three") in held(fresh_topics)
    dots = b"Subject: dots\r\n\r\n.\r\n..\r\n.end\r\n"
    assert daemon.pipe(dots.replace(b"\r\n", b"\n")).returncode == 0  # as mail servers write to a program
    assert dots in held(fresh_topics)
    for number, sender in enumerate(("李@例子.中国".encode(), "李@x.cn".encode("gbk"), b"a,b@x..cn")):
        assert daemon.pipe(mail(f"sender {number}"), MAYOR, "--sender", sender).returncode == 0
        assert mail(f"sender {number}") in held(fresh_topics)
    unknown = daemon.pipe(mail("four"), "nobody@city.gov.cn")
    assert (unknown.returncode, unknown.stderr) == (67, b"The mail was not accepted: unknown address.\n")
    before = held(fresh_topics)
    for nothing in (b"", b" \r\n\n"):
        empty = daemon.pipe(nothing)
        assert (empty.returncode, empty.stderr) == (
            75,
            b"The mail was not accepted: standard input is empty.\n",
        )
    assert held(fresh_topics) == before
    process.terminate()
    process.wait(60)
    assert process.returncode == 0
    away = daemon.pipe(mail("five"))
    assert (away.returncode, b"no LMTP server" in away.stderr) == (75, True)


def test_settings_that_cannot_be_read_bounce_no_mail(tmp_path: Path) -> None:
    """Of an exit code that it does not know a mail server makes a bounce: 75 alone keeps the mail."""
    settings = tmp_path / "hotline.toml"
    settings.write_text("[lmtp\n")
    command = [sys.executable, "-m", "hotline", "--settings", str(settings), "pipe", "--to", MAYOR]
    done = subprocess.run(command, cwd=ROOT, input=mail("one"), capture_output=True, check=False)
    assert (done.returncode, done.stderr.startswith(b"The mail was not accepted: ")) == (75, True)


def test_without_a_journal_what_kafka_takes_hears_250_and_with_one_again_all_does(
    daemon: Daemon, fresh_topics: KafkaConnection, local_stack: Stack, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "journal-lmtp"
    in_the_way.write_bytes(b"no folder")
    process = daemon.start()
    daemon.deliver(mail("one"))
    with frozen(local_stack.pid("kafka")):
        with pytest.raises(smtplib.SMTPDataError) as refused:
            daemon.deliver(mail("two"))
        assert refused.value.smtp_code == 451
        in_the_way.unlink()
        until((in_the_way / "lock").exists)
        daemon.deliver(mail("three"))
    until(lambda: {mail("one"), mail("three")} <= set(held(fresh_topics)))
    process.terminate()
    assert process.wait(60) == 0
