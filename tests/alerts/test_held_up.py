"""Alarms that take two workers, an archive, a transaction or a mail server, seen by the real monitor."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, TopicPartition

from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Outbound
from schemas.records import Message
from tests.alerts.frozen_worker import FROZEN
from tests.alerts.hosts import HERE, Hosts
from tests.alerts.test_alerts import City, hurried, rung
from tests.assign import logs
from tests.connectors.mailboxes import mail
from tests.hanging import hang
from tests.peers import dovecot, prometheus
from tests.peers.presence import require
from tests.peers.prometheus import Prometheus
from tests.streams.raws import raw

pytestmark = [
    pytest.mark.integration,
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("fresh_indices"),
]

PARTITION = 1
"""Of topics that nobody here reads: one in which a transaction is open holds them up."""


@pytest.fixture
def city(stack: Endpoints, fresh_topics: KafkaConnection, tmp_path: Path) -> Iterator[City]:
    require(prometheus.missing())
    hosts = Hosts(fresh_topics, tmp_path, 9, 9)
    hosts.archive(stack.elasticsearch_url)
    ports = {name: hosts.ports[name] for name in ("frozen", "successor", "monitor", "mail")}
    with hosts.all(), Prometheus(hurried(), ports) as peer:
        made = City(hosts, peer, fresh_topics)
        yield made
        made.close()


async def test_what_is_held_up_rings(city: City, fresh_topics: KafkaConnection) -> None:
    frozen = city.hosts.worker("frozen", HERE / "frozen_worker.py", "run", "assign")
    city.hosts.worker("monitor", "-m", "hotline", "run", "monitor")
    kill_in_a_transaction(fresh_topics)
    await hang(
        fresh_topics, f"hotline-outbox-{PARTITION}", [Outbound(topics.OUTBOX, b"k", b"{}", [], "210100")], PARTITION
    )
    city.write(logs.outbound(overdue(FROZEN)))
    city.until(lambda: frozen.status() == psutil.STATUS_STOPPED, "it is frozen")
    city.hosts.worker("successor", "-m", "hotline", "run", "assign", "sink:elastic")
    city.rings({"TicketsOverdue": {"accept"}, "TransactionHangs": {topics.OUTBOX}})
    assert "WorkerFenced" not in rung(city.peer)
    frozen.send_signal(signal.SIGCONT)
    city.rings({"WorkerFenced": {""}})
    assert "partition_fenced" in city.hosts.log("frozen")
    end = KafkaConsumer(**fresh_topics.client_options(), isolation_level="read_committed")
    place = TopicPartition(topics.HANDOVER, PARTITION)
    city.until(lambda: end.end_offsets([place])[place] == 2, "Kafka ends the transaction of who was killed")
    end.close()


def test_what_a_real_mail_server_does_rings(city: City) -> None:
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        port = str(server.port)
        city.hosts.mailbox("TAKEN", PORT=port)
        city.hosts.mailbox("LOCKED", PORT=port, PASSWORD="of yesterday")
        city.hosts.worker("monitor", "-m", "hotline", "run", "monitor")
        city.hosts.worker("mail", "-m", "hotline", "run", "connector:taken", "connector:locked")
        server.deliver(mail())
        others = {"away", "refusing", "unowned", "broken", "idle", "gate"}
        city.rings({"SourceAway": {"locked"}, "AccountSilent": {"locked", *others}})
        assert "MailsVanished" not in rung(city.peer)

        def has_vanished() -> bool:
            server.deliver(mail("of which nobody hears"))
            server.doveadm("expunge", "-u", "hotline", "mailbox", "INBOX", "all")
            return city.peer.value('hotline_connectors_mails_vanished_total{connector="taken"} > 0') is not None

        city.until(has_vanished, "a mail is taken away before it is fetched")
        city.rings({"MailsVanished": {"taken"}})


def kill_in_a_transaction(connection: KafkaConnection) -> None:
    """Kill who has written: Kafka ends that transaction by itself, and no alarm is to ring for it."""
    command = [sys.executable, HERE / "killed_writer.py", connection.bootstrap_servers, topics.HANDOVER, str(PARTITION)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"written\n"
        writer.kill()


def overdue(text: str) -> Message:
    """A mail that was to be accepted within 24 hours, long ago."""
    at = datetime.now(UTC) - timedelta(days=2)
    mail = f"From: a@example.cn\r\nMessage-ID: <a@example.cn>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}"
    fields = {"channel": "mailbox", "channel_kind": "imap", "account": "away", "content_type": "message/rfc822"}
    return normalize(raw(0, value=mail.encode(), time=at, recorded=at, **fields), Policy()).message
