"""Real SIP calls become records, an agent's signed note a ticket with the caller's number, on real servers."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from broker.config import KafkaConnection
from hotline.dev.demo import pipeline as demo
from hotline.dev.demo.ledger import Ledger, TopicReader
from hotline.dev.stack.stack import Endpoints, Stack
from tests.e2e.pipeline import Pipeline, until
from tests.peers import kamailio
from tests.peers.dovecot import free_ports
from tests.peers.kamailio import Kamailio
from tests.peers.presence import require

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

SECRET, TOKEN = "a secret of the test, long enough", "a token of the test that is long enough"
ACCOUNTS = {
    "HOTLINE_CONNECTORS__PHONE__CTI__SECRETS": f'["{SECRET}"]',
    "HOTLINE_CONNECTORS__PHONE__CTI__PLATFORM": "centre",
    "HOTLINE_CONNECTORS__PHONE__SIP__SECRETS": f'["{TOKEN}"]',
    "HOTLINE_CONNECTORS__PHONE__SIP__AUTH": "bearer",
    "HOTLINE_CONNECTORS__PHONE__SIP__SHAPE": "kamailio",
    "HOTLINE_CONNECTORS__PHONE__SIP__PATH": "/sip",
    "HOTLINE_CONNECTORS__PHONE__SIP__PLATFORM": "centre",
}


@pytest.fixture
def port(
    local_stack: Stack, stack: Endpoints, fresh_topics: KafkaConnection, fresh_indices: None, tmp_path: Path
) -> Iterator[int]:
    """Run the pipeline with both accounts; return the receiver's port."""
    require(kamailio.missing())
    port = free_ports(1, start=19400)
    own = {"HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(), "HOTLINE_KAFKA__PARTITIONS": "2"}
    running = Pipeline(demo.environment(local_stack.data_dir, port) | own | ACCOUNTS, tmp_path, port)
    running.start("screen", "normalize", "assign", "receiver")
    running.wait()
    yield port
    running.stop()
    assert not any(word in running.log() for word in ("13800138000", "中山路", SECRET, TOKEN))


def post(port: int, **told: Any) -> int:
    body, stamp = json.dumps(told).encode(), str(int(time.time()))
    digest = hmac.new(SECRET.encode(), b"v1\n" + stamp.encode() + b"\n" + body, hashlib.sha256).hexdigest()
    headers = {"Hotline-Timestamp": stamp, "Hotline-Signature": f"v1={digest}"}
    return urllib3.PoolManager().request("POST", f"http://127.0.0.1:{port}/phone", body=body, headers=headers).status


def test_a_sip_call_and_its_note_become_one_ticket_and_a_call_that_nobody_answered_is_kept(
    port: int, fresh_topics: KafkaConnection
) -> None:
    ledger, reader = Ledger(), TopicReader(fresh_topics)

    def links(*relations: str) -> bool:
        for record in reader.read(200):
            ledger.take(record)
        return sorted(link.relation for link in ledger.links.values()) == sorted(relations)

    def told(*relations: str, messages: int, text: str = "") -> bool:
        """The topics of links and of tickets are read side by side: the one may be ahead of the other."""
        filed = links(*relations) and ledger.totals().balanced
        return filed and [(t.message_count, text in t.text) for t in ledger.tickets.values()] == [(messages, True)]

    try:
        with Kamailio(f"http://127.0.0.1:{port}/sip", TOKEN) as sip:
            sip.call()
            until(lambda: links("no_ticket", "no_ticket"), "start and end of the call are kept, without a ticket")
            call_id = next(name[1].rsplit(":", 2)[0] for name in ledger.raw)
            sip.call(answered=False)
            until(lambda: links("no_ticket", "no_ticket", "no_ticket"), "so is the call that nobody answered")
        assert ledger.tickets == {}
        assert post(port, call_id=call_id, revision=9, note="中山路12号门口的路灯坏了", agent="8001") == 200
        filed = ["new", "no_ticket", "part_of", "part_of"]
        until(lambda: told(*filed, messages=3), "a note opens the ticket; the call is in it")
        (ticket,) = ledger.tickets.values()
        assert (ticket.requester.phone, ticket.message_count) == ("13800138000", 3)
        assert post(port, call_id=call_id, revision=10, transcript="市民：路灯坏了") == 200
        until(lambda: told(*filed, "part_of", messages=4, text="【通话转写】"), "the transcript completes it")
        (ticket,) = ledger.tickets.values()
        assert "【通话转写】" in ticket.text
        assert ledger.totals().balanced
    finally:
        reader.close()
