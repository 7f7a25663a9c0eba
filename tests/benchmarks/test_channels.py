"""What the benchmark of the channels finds: what was lost, doubled or torn; and lines that break on purpose."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from obstore.store import LocalStore

from benchmarks.channels.course import numbered
from benchmarks.channels.ledger import Ledger
from benchmarks.faults.proxy import Cutter
from broker.config import KafkaConnection
from connectors.publish.publisher import Publisher
from schemas import topics
from schemas.records import RawMessage, raw_message
from tests.peers.dovecot import free_ports
from tests.tickets.build import START

pytestmark = pytest.mark.integration


def message(identifier: str, value: str, content_type: str = "application/json") -> RawMessage:
    return raw_message(
        channel="weibo", channel_kind="weibo_mention", account="bench", jurisdiction="110000", identifier=identifier,
        value=value.encode(), content_type=content_type, time=START, recorded=START,
    )  # fmt: skip


def said(number: int) -> str:
    return f'{{"text": "路灯坏了 {numbered(number)}"}}'


def test_the_ledger_tells_what_was_lost_doubled_or_torn(fresh_topics: KafkaConnection, tmp_path: Path) -> None:
    ledger = Ledger(fresh_topics, topics.raw("weibo"))
    publisher = Publisher(fresh_topics, LocalStore(tmp_path / "blobs", mkdir=True))
    publisher.publish([message("1", said(1)), message("1", said(1)), message("2", said(2)), message("two", said(2))])
    publisher.publish([message("3", said(3)[:-2]), message("4", '{"text": "没有编号"}')])
    publisher.close()
    assert ledger.read() == 3
    ledger.close()
    assert ledger.numbers == {1, 2, 3}
    assert ledger.doubled == {2: 2}
    assert ledger.unreadable == {3}
    assert ledger.odd == {b"4"}
    assert ledger.accounts(1) == {"bench"}
    assert ledger.records == 6


@contextmanager
def echoing() -> Iterator[int]:
    """Serve what answers with twice of what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    calling, _ = server.accept()
                except OSError:
                    return
                with calling:
                    while data := calling.recv(100):
                        calling.sendall(data * 2)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_a_line_gives_half_an_answer_or_none_and_goes_on() -> None:
    with echoing() as port, Cutter(free_ports(1), port) as line:

        def asked() -> bytes:
            with socket.create_connection(("127.0.0.1", line.port), 10) as calling:
                calling.sendall(b"hear")
                found = b""
                while len(found) < 8 and (piece := calling.recv(100)):
                    found += piece
                return found

        assert asked() == b"hearhear"
        line.most = 3
        assert asked() == b"hea"
        line.most = None
        line.curt = True
        try:
            refused = asked()
        except ConnectionError:
            refused = b""
        assert (refused, line.taken) == (b"", 3)
        line.curt = False
        line.silence()
        spoken = threading.Event()

        def speak() -> None:
            spoken.set()
            line.speak()

        threading.Timer(0.5, speak).start()
        assert asked() == b"hearhear"
        assert spoken.is_set()
