"""One address takes nothing from another: connections, bytes in memory, and places in line."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from connectors import metrics
from connectors.http.quota import SMALL_BYTES, Room, Shares, subscriber
from connectors.http.server import ReceiverSettings
from tests.connectors.serving import free_port, running
from tests.connectors.web.doors import Door
from tests.rows import each_row

FIRE = "三楼着火了，快来人啊"
PHOTO = ("files", ("fire.jpg", b"\xff\xd8" * 300_000, "image/jpeg"))
MIB = 1024 * 1024

ATTACKER, NEIGHBOUR = "127.0.0.1", "127.0.0.2"


def test_room_is_given_back_and_words_always_have_some() -> None:
    room = Room(100_000, 100_000)
    with room.hold("a") as first:
        assert first.grow(90_000)
        with room.hold("b") as second:
            assert second.grow(SMALL_BYTES)
            assert not second.grow(80_000)
    with room.hold("b") as third:
        assert third.grow(100_000)


def test_one_address_has_a_share_of_the_room() -> None:
    room = Room(1_000_000, 200_000)
    with room.hold("a") as first, room.hold("a") as second, room.hold("b") as other:
        assert first.grow(150_000)
        assert not second.grow(100_000)
        assert other.grow(200_000)
        assert first.grow(200_000)


def test_who_has_nothing_is_not_remembered() -> None:
    shares = Shares(2)
    assert [shares.take("a") for _ in range(3)] == [True, True, False]
    shares.give_back("a")
    shares.give_back("a")
    assert not shares.take("b", 3)
    assert len(shares) == 0


@each_row(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_subscriber_is_counted_once(host: str, counted: str) -> None:
    assert subscriber(host) == counted


@contextmanager
def served(door: Door, receiver: dict[str, Any] | None = None, **settings: Any) -> Iterator[int]:
    chosen = {"port": free_port(), "host": "0.0.0.0", **(receiver or {})}
    with running(door.app(chosen, **settings), ReceiverSettings(**chosen)):
        yield chosen["port"]


def head(length: int) -> bytes:
    return (
        b"POST /web HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def call(stack: ExitStack, port: int, data: bytes) -> socket.socket:
    """Connect as the attacker and send no more than this."""
    calling = stack.enter_context(socket.create_connection((ATTACKER, port), 60, source_address=(ATTACKER, 0)))
    calling.sendall(data)
    return calling


def report(port: int, *, files: bool = False, text: str = FIRE) -> httpx.Response:
    """Send the form from the other address."""
    transport = httpx.HTTPTransport(local_address=NEIGHBOUR)
    url = f"http://127.0.0.1:{port}/web"
    with httpx.Client(transport=transport, timeout=60) as client:
        stamp = client.get(url).text.partition('name="stamp" value="')[2].partition('"')[0]
        fields = {"stamp": stamp, "text": text}
        return client.post(url, data=fields, files=[PHOTO] if files else None)


def is_open(calling: socket.socket) -> bool:
    """Say whether nothing came: neither an answer nor an end."""
    calling.setblocking(False)
    try:
        calling.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@pytest.mark.integration
def test_1030_idle_connections_of_one_address_keep_nobody_else_waiting(door: Door) -> None:
    before = metrics.PUSH_UNHEARD.labels("any", "share")._value.get()
    with served(door, {"connections_per_address": 128}) as port, ExitStack() as stack:
        idle = [call(stack, port, head(1_000) + b"text=x") for _ in range(1_030)]
        assert report(port).status_code == 303
        assert report(port, text="路灯不亮").status_code == 303, "nor anybody without an emergency"
        still_open = sum(map(is_open, idle))
    assert still_open <= 128
    assert metrics.PUSH_UNHEARD.labels("any", "share")._value.get() - before >= 1_030 - 128
    assert len(door.kafka.held) == 2


@pytest.mark.integration
def test_a_place_is_free_again_when_its_connection_ends(door: Door) -> None:
    with served(door, {"connections_per_address": 2}) as port:
        for _ in range(5):
            with ExitStack() as stack:
                call(stack, port, head(1_000))
            assert report(port).status_code == 303


@pytest.mark.integration
def test_a_body_that_brings_hardly_anything_ends_long_before_the_slowest_that_is_taken(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.http.request_body.FIRST_SECONDS", 0.2)
    with served(door, body_timeout_seconds=3_600) as port, ExitStack() as stack:
        calling = call(stack, port, head(1_000_000) + b"text=x")
        assert calling.recv(4096).startswith(b"HTTP/1.1 408 ")


@pytest.mark.integration
def test_ten_heads_that_claim_20_mib_take_no_room(door: Door) -> None:
    with served(door) as port, ExitStack() as stack:
        claims = [call(stack, port, head(20 * MIB) + b"text=x") for _ in range(10)]
        answer = report(port, files=True)
        assert answer.status_code == 303
        assert all(map(is_open, claims)), "while all ten still wait to send"
    (raw,) = door.kafka.held
    assert PHOTO[1][1] in raw.value


@pytest.mark.integration
def test_a_head_of_43_kb_is_refused_in_one_piece_too(door: Door) -> None:
    with served(door) as port, ExitStack() as stack:
        flood = b"GET /web HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 43_000 + b"\r\n\r\n"
        calling = call(stack, port, flood)
        assert calling.recv(4096).split(b"\r\n")[0].split()[1] in (b"400", b"431")
        near = b"GET /web HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 15_000 + b"\r\n\r\n"
        assert call(stack, port, near).recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.integration
def test_discovery_names_no_host_that_the_caller_says(door: Door) -> None:
    with served(door) as port:
        url = f"http://127.0.0.1:{port}/web/open311/discovery.json"
        made = httpx.get(url, headers={"Host": "evil.example"}, timeout=60).json()
    assert [one["url"] for one in made["endpoints"]] == [f"http://127.0.0.1:{port}/web/open311/v2"]
