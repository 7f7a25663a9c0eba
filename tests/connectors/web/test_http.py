"""The door on a real socket: headers without end, bodies that dribble, and callers that hang up stop nobody else."""

import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from connectors.http.server import ReceiverSettings
from tests.connectors.serving import free_port, running
from tests.connectors.web.doors import API_KEY, BASE, Door, request

pytestmark = pytest.mark.integration

QUICK = {"idle_timeout_seconds": 3, "header_max_bytes": 4096}


@pytest.fixture
def port(door: Door) -> Iterator[int]:
    chosen = ReceiverSettings(port=free_port(), **QUICK)
    app = door.app({"port": chosen.port, **QUICK}, body_timeout_seconds=3)
    with running(app, chosen):
        yield chosen.port


def call(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 60)


def head(length: int, *more: str) -> bytes:
    lines = [
        f"POST {BASE}/requests.json HTTP/1.1", "Host: x", "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {length}", *more, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def answered(calling: socket.socket) -> bytes:
    """Return the first line of the answer; nothing when the server hung up."""
    calling.settimeout(60)
    try:
        return calling.recv(4096).split(b"\r\n")[0]
    except OSError:
        return b""


def works(port: int) -> bool:
    sent = httpx.post(f"http://127.0.0.1:{port}{BASE}/requests.json", data=request(), timeout=60)
    return sent.status_code == 200


def test_a_flood_of_headers_is_refused(port: int) -> None:
    for flood in (b"X-Long: " + b"y" * 400_000, b"".join(b"X-%d: y\r\n" % number for number in range(40_000))):
        with call(port) as calling:
            try:
                calling.sendall(b"GET /web HTTP/1.1\r\nHost: x\r\n" + flood)
            except OSError:
                continue  # hung up on while we still spoke
            assert answered(calling) in (b"HTTP/1.1 400 Bad Request", b"")
    assert works(port)


def test_bodies_that_dribble_are_refused_and_hold_up_nobody(port: int, door: Door) -> None:
    callers = [call(port) for _ in range(20)]
    for calling in callers:
        calling.sendall(head(10_000) + b"api_key=")
    assert works(port), "while twenty dribble"
    began = time.monotonic()
    for calling in callers:
        assert answered(calling) == b"HTTP/1.1 408 Request Timeout"
        calling.close()
    assert time.monotonic() - began < 30  # one after the other would take twice as long
    assert len(door.kafka.held) == 1


def test_a_header_that_never_ends_is_hung_up_on(port: int) -> None:
    with call(port) as calling:
        calling.sendall(b"POST /web HTTP/1.1\r\nHost: x\r\n")
        assert answered(calling) == b""


@pytest.mark.parametrize(
    "lines",
    [
        (f"Content-Length: {10**30}",),
        ("Content-Length: -1",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
    ],
    ids=["huge", "negative", "two lengths", "two framings"],
)
def test_a_body_whose_end_is_doubtful_is_no_request(port: int, door: Door, lines: tuple[str, ...]) -> None:
    with call(port) as calling:
        start = f"POST {BASE}/requests.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        calling.sendall((start + "\r\n".join(lines) + "\r\n\r\n").encode() + b"0\r\n\r\n")
        status = answered(calling)
    assert status == b"" or int(status.split()[1]) in range(400, 500)
    assert door.kafka.held == []
    assert works(port)


def test_who_hangs_up_in_the_middle_sends_nothing(port: int, door: Door) -> None:
    with call(port) as calling:
        calling.sendall(head(1_000) + f"api_key={API_KEY}&service_code=other".encode())
    assert works(port)
    assert len(door.kafka.held) == 1


def test_a_form_is_limited_by_the_address_that_the_proxy_names(door: Door) -> None:
    """Behind a proxy of ours each citizen has a pace of their own; a stranger's header is not believed."""
    chosen = ReceiverSettings(port=free_port(), trusted_proxies=("127.0.0.1/32",))
    own = {"port": chosen.port, "trusted_proxies": ("127.0.0.1/32",)}
    with running(door.app(own, form_per_hour=1), chosen):
        assert [send(chosen.port, address) for address in ("203.0.113.1", "203.0.113.1", "203.0.113.2")] == [
            303, 429, 303,
        ]  # fmt: skip
    door.kafka.held.clear()
    chosen = ReceiverSettings(port=free_port(), trusted_proxies=())
    with running(door.app({"port": chosen.port, "trusted_proxies": ()}, form_per_hour=1), chosen):
        assert [send(chosen.port, address) for address in ("203.0.113.1", "203.0.113.2")] == [303, 429]


def send(port: int, address: str) -> int:
    url = f"http://127.0.0.1:{port}/web"
    stamp = httpx.get(url, timeout=60).text.partition('name="stamp" value="')[2].partition('"')[0]
    answer = httpx.post(url, data={"stamp": stamp, "text": "路灯"}, headers={"X-Forwarded-For": address}, timeout=60)
    return answer.status_code
