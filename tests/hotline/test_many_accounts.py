"""`hotline run connector:*`: many mailboxes in one process, a connection each; one that is wrong stops no other."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from broker.config import KafkaConnection
from broker.kafka_reader import read_all
from schemas import topics
from tests.connectors.mailboxes import mail
from tests.docs.pages import ROOT
from tests.peers import dovecot
from tests.peers.presence import require

pytestmark = pytest.mark.integration

ACCOUNTS = 8
"""More than the threads of an event loop's pool on a small machine."""


def settings(server: dovecot.Dovecot, names: list[str]) -> str:
    tables = [
        f'[connectors.mailbox.{name}]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\nusername = "{name}"\n'
        for name in names
    ]
    return "\n".join([*tables, '[connectors.mailbox.wrong]\nhost = "127.0.0.1"\ntls = "tls"\nusername = "x"\n'])


def test_accounts_share_a_process_and_a_wrong_one_stops_no_other(fresh_topics: KafkaConnection, tmp_path: Path) -> None:
    require(dovecot.missing())
    names = [f"mayor_{number}" for number in range(ACCOUNTS)]
    with dovecot.Dovecot(users=dict.fromkeys(names, "secret")) as server:
        for name in names:
            server.deliver(mail(name), user=name)
        (tmp_path / "hotline.toml").write_text(settings(server, names))
        passwords = {f"HOTLINE_CONNECTORS__MAILBOX__{name.upper()}__PASSWORD": "secret" for name in [*names, "wrong"]}
        environment = {
            **os.environ,
            **passwords,
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": fresh_topics.bootstrap_servers,
            "HOTLINE_CONNECTORS__MAILBOX__WRONG__SSL_CAFILE": "/dev/null",
            "HOTLINE_TELEMETRY__PORT": "0",
        }
        command = [sys.executable, "-m", "hotline", "--settings", tmp_path / "hotline.toml", "run", "connector:*"]
        with (tmp_path / "log").open("w") as log:
            daemon = psutil.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wanted = {mail(name) for name in names}
            until(lambda: held(fresh_topics) == wanted, daemon)
            server.deliver(mail("again"), user=names[-1])
            until(lambda: held(fresh_topics) == wanted | {mail("again")}, daemon)
            assert len(server.workers()) == ACCOUNTS  # a connection each, and no more
            until(lambda: "contains no certificates" in (tmp_path / "log").read_text(), daemon)
        finally:
            daemon.terminate()
            daemon.wait(60)
        assert daemon.returncode == 2  # a person must look at the wrong one
        assert "contains no certificates" in (tmp_path / "log").read_text()


def held(connection: KafkaConnection) -> set[bytes]:
    """Return what came, without the lines that the mail server put before it."""
    found = read_all(connection, topics.raw("mailbox"))
    return {record.value[record.value.index(b"From: ") :] for record in found}


def until(condition: object, daemon: psutil.Popen, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert daemon.poll() is None, "it ended"
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)
