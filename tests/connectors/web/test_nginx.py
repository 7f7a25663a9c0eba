"""The web door behind nginx with the file of deploy/: citizens are told apart, and nobody holds up another."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from connectors.http.server import ReceiverSettings
from tests.connectors.serving import running
from tests.connectors.web.doors import Door
from tests.peers.certificates import Authority
from tests.peers.dovecot import free_ports
from tests.peers.nginx import Nginx, missing
from tests.peers.presence import require

pytestmark = pytest.mark.integration

ATTACKER, NEIGHBOUR = "127.0.0.1", "127.0.0.2"
FIRE = "三楼着火了，快来人啊"


class Served(NamedTuple):
    """The proxy, and a context that trusts it."""

    nginx: Nginx
    trust: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.nginx.port}"

    def client(self, address: str, **options: Any) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address, verify=self.trust)
        return httpx.Client(transport=transport, base_url=self.url, timeout=60, **options)


@pytest.fixture
def served(door: Door, tmp_path: Path) -> Iterator[Served]:
    require(missing())
    authority = Authority(tmp_path)
    port = free_ports(2, start=20500)
    chosen = {"port": port, "trusted_proxies": ("127.0.0.1/32",)}
    folder = tmp_path / "nginx"
    folder.mkdir()
    nginx = Nginx(folder, port + 1, port, authority.issue("proxy"))
    app = door.app(chosen, form_per_hour=1, public_url="https://12345.city.example/web")
    with running(app, ReceiverSettings(**chosen)), nginx:
        yield Served(nginx, ssl.create_default_context(cafile=str(authority.certificate)))


def submit(client: httpx.Client, text: str, files: Any = None, **headers: str) -> httpx.Response:
    stamp = client.get("/web").text.partition('name="stamp" value="')[2].partition('"')[0]
    return client.post("/web", data={"stamp": stamp, "text": text}, files=files, headers=headers)


def test_citizens_have_a_pace_each_and_no_header_gives_another(served: Served) -> None:
    with served.client(ATTACKER) as one, served.client(NEIGHBOUR) as other:
        assert submit(one, "路灯").status_code == 303
        assert submit(one, "井盖", **{"X-Forwarded-For": "203.0.113.9"}).status_code == 429
        answer = submit(other, "噪声")
        assert answer.status_code == 303
        assert answer.headers["strict-transport-security"]
        receipt = other.get(answer.headers["location"])
        assert receipt.status_code == 200
        assert [other.get(path).status_code for path in ("/readyz", "/healthz", "/metrics")] == [404] * 3
    logged = served.nginx.log.read_text()
    assert len(logged.splitlines()) >= 8
    assert "receipt" not in logged + served.nginx.errors.read_text()


def test_1030_idle_connections_of_one_address_keep_nobody_else_waiting(served: Served, door: Door) -> None:
    head = (
        b"POST /web HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 1000\r\n\r\ntext=x"
    )
    with ExitStack() as stack:
        for _ in range(1_030):
            plain = socket.create_connection((ATTACKER, served.nginx.port), 60, source_address=(ATTACKER, 0))
            stack.enter_context(plain)
            calling = served.trust.wrap_socket(plain, server_hostname="127.0.0.1")
            stack.enter_context(calling)
            calling.sendall(head)
        with served.client(NEIGHBOUR) as client:
            assert submit(client, FIRE).status_code == 303, "while all of them are open"
    assert len(door.kafka.held) == 1


def test_a_body_over_the_limit_brings_its_words(served: Served, door: Door) -> None:
    with served.client(NEIGHBOUR) as client:
        photo = ("files", ("fire.jpg", b"\xff\xd8" * (12 << 20), "image/jpeg"))
        assert submit(client, FIRE, [photo]).status_code == 303
        assert submit(client, "路灯", [photo]).status_code == 413
    (raw,) = door.kafka.held
    assert FIRE.encode() in raw.value
