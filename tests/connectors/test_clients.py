"""The door to kafka-python: what it leaves open is closed here."""

import random
import socket
import time
from contextlib import ExitStack
from types import SimpleNamespace, coroutine
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from broker.config import KafkaConnection
from broker.sync_client import PATIENCE_MS, _asking_for_leaders, opened
from broker.sync_producer import DELIVERY_SECONDS, Producer
from schemas import topics
from schemas.codec import Outbound
from tests.peers.balancer import Balancer
from tests.peers.swallowing import swallowing


class Sock:
    """A socket whose peer never answers."""

    closed = False

    def connect_ex(self, sockaddr: Any) -> int:
        return 115  # EINPROGRESS

    def close(self) -> None:
        self.closed = True


class Net:
    """A loop in which nothing ever becomes writable."""

    @coroutine
    def wait_write(self, sock: Any, timeout_at: float | None = None) -> Any:
        yield


def test_the_socket_of_a_connection_that_is_given_up_is_closed() -> None:
    sock = Sock()
    connecting = KafkaNetSocket().sock_connect(Net(), sock, ("127.0.0.1", 9))
    connecting.send(None)
    assert not sock.closed
    connecting.close()
    assert sock.closed


class HangsUp:
    """A socket on which a last answer and the end come at once."""

    def __init__(self) -> None:
        self.left = [b"refused", b""]

    def recv(self, size: int) -> bytes:
        return self.left.pop(0) if self.left else b""


@pytest.mark.parametrize("transport", [KafkaTCPTransport, KafkaSSLTransport])
def test_the_last_words_of_a_broker_that_hangs_up_are_heard(transport: Any) -> None:
    half = type("Half", (transport,), {"__init__": lambda self: None, "__str__": lambda self: "half"})()
    half._sock = HangsUp()
    assert transport._sock_recv(half) == (b"refused", None)
    data, error = transport._sock_recv(half)
    assert (data, str(error)) == (b"", "KafkaConnectionError: socket disconnected")


@pytest.mark.integration
@pytest.mark.parametrize("seed", range(6))
def test_hosts_that_are_off_keep_nobody_from_the_one_that_answers(
    seed: int, kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address is tried after the other, whichever comes first by lot."""
    dice = random.Random(seed)
    monkeypatch.setattr(random, "choice", dice.choice)
    monkeypatch.setattr(random, "shuffle", dice.shuffle)
    with ExitStack() as off:
        servers = [kafka.bootstrap_servers, *(off.enter_context(swallowing()) for _ in range(2))]
        connection = KafkaConnection(bootstrap_servers=",".join(servers))
        began = time.monotonic()
        with opened(KafkaConsumer, connection, bootstrap_timeout_ms=PATIENCE_MS) as client:
            assert client.topics()
        assert time.monotonic() - began < PATIENCE_MS / 1000


def test_a_client_that_ends_before_its_last_words_have_left_leaves_no_socket() -> None:
    client = KafkaNetClient(bootstrap_servers="127.0.0.1:9")
    near, far = socket.socketpair()
    near.setblocking(False)
    transport = KafkaTCPTransport(client._net, near, host="127.0.0.1")
    client._manager._conns[0] = SimpleNamespace(close=transport.close, transport=transport)
    transport.write(b"last words")  # they would leave when the loop has turned twice: it turns once more
    client.close()
    far.close()
    assert near.fileno() == -1


@pytest.mark.integration
def test_a_load_balancer_that_hangs_up_on_everybody_is_tried_less_and_less_often(kafka: KafkaConnection) -> None:
    """kafka-python takes each connection for a broker that is well again: a producer made five hundred a second."""
    seconds = 4
    with Balancer(int(kafka.bootstrap_servers.rpartition(":")[2])) as balancer:
        behind = KafkaConnection(bootstrap_servers=f"127.0.0.1:{balancer.port}", partitions=kafka.partitions)
        producer = Producer(behind)
        record = Outbound(topic=topics.AUDIT, key=b"k", value=b"v", headers=[])
        producer.deliver_now([record])
        balancer.leave()
        delivery = producer.deliver([record])
        time.sleep(2 + seconds)
        count = balancer.hung_up(seconds)
        balancer.empty = False
        delivery.result(DELIVERY_SECONDS)
        producer.close()
    assert 0 < count <= 6 * seconds


async def test_a_broker_that_leads_no_more_is_not_asked_again_before_its_successor_is_looked_for() -> None:
    """On three brokers `end_offsets` ran for 30 s after a clean change of leaders, and took 12 s of a processor."""
    done: list[str] = []

    async def pause(seconds: float) -> None:
        done.append(f"pause {seconds}")

    async def moved(self: Any, node: int, asked: dict[TopicPartition, int]) -> tuple[dict[Any, Any], set[Any]]:
        return {}, set(asked) if node == 1 else set()

    manager = SimpleNamespace(
        cluster=SimpleNamespace(request_update=lambda: done.append("update")), _net=SimpleNamespace(sleep=pause)
    )
    fetcher = SimpleNamespace(_manager=manager, config={"retry_backoff_ms": 100})
    place = TopicPartition(topics.AUDIT, 0)
    ask = _asking_for_leaders(moved)
    assert await ask(fetcher, 2, {place: -1}) == ({}, set())
    assert done == []
    assert await ask(fetcher, 1, {place: -1}) == ({}, {place})
    assert done == ["update", "pause 0.1"]
    assert Fetcher._send_list_offsets_request.__qualname__.startswith(_asking_for_leaders.__name__)
