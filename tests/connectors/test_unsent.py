"""What surely never left may be sent again; what was on a connection that stood may have arrived."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from connectors.http.client import never_left
from tests.peers.certificates import Authority

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

Serve = Callable[[socket.socket], None]


@contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """Answer one connection; the address is `https`."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def accept() -> None:
            connection, _ = listening.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join(60)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def fault(address: str, trusted: Path) -> requests.RequestException:
    with pytest.raises(requests.RequestException) as caught:
        requests.post(address, data=b"a receipt", verify=str(trusted), timeout=60)
    return caught.value


def test_tls_that_breaks_in_the_answer_leaves_it_open_whether_it_arrived(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server").file)
    taken: list[bytes] = []

    def answer_plainly(connection: socket.socket) -> None:
        """Answer as a gateway may whose far side has gone: in the clear, on the same connection."""
        with context.wrap_socket(connection, server_side=True) as secure:
            while b"a receipt" not in b"".join(taken):
                taken.append(secure.recv(65536))
            os.write(secure.fileno(), b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            with pytest.raises(OSError):  # noqa: PT011 - however the client takes leave
                secure.recv(1)

    with serving(answer_plainly) as address:
        error = fault(address, authority.certificate)
    assert isinstance(error, requests.exceptions.SSLError)
    assert not never_left(error)


def test_a_connection_that_is_cut_in_the_handshake_took_nothing(authority: Authority) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(65536)

    with serving(hang_up) as address:
        assert never_left(fault(address, authority.certificate))


def test_who_is_not_trusted_got_nothing(authority: Authority, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server").file)

    def greet(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    (tmp_path / "other").mkdir()
    with serving(greet) as address:
        assert never_left(fault(address, Authority(tmp_path / "other").certificate))
