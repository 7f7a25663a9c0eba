"""An answer that never ends is given up, wherever it dribbles; by real servers, in clear and by TLS."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from connectors.http import middleware
from connectors.http.client import never_left
from tests.connectors.dribbling import Dribbling
from tests.peers.certificates import Authority

pytestmark = pytest.mark.integration

HEAD = b"HTTP/1.1 200 OK\r\n"
DRIBBLES = {
    "status": (b"", b"HTTP/1.1 200" + b" " * 9999),
    "header": (HEAD, b"X: " + b"y" * 9999),
    "body": (HEAD + b"Content-Length: 9999\r\n\r\n", b"z" * 9999),
    "body without a length": (HEAD + b"Connection: close\r\n\r\n", b"z" * 9999),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n" * 9999),
    "a chunk's length": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 9999),
}
ENDLESS = HEAD + b"Connection: close\r\n\r\n"
GOOD = HEAD + b"Content-Length: 4\r\n\r\ngood"


class Server(Dribbling):
    """Answers each request with the next of its scripts: what comes at once, and what follows byte by byte."""

    def __init__(self, wrap: Callable[[socket.socket], socket.socket]) -> None:
        self._wrap = wrap
        self.scripts: list[tuple[bytes, bytes]] = []
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        with self._wrap(connection) as wrapped:
            while self.scripts and _is_asked(wrapped):
                at_once, slowly = self.scripts.pop(0)
                wrapped.sendall(at_once)
                for byte in slowly:
                    if self.over.wait(0.05):
                        return
                    wrapped.sendall(bytes([byte]))


def _is_asked(connection: socket.socket) -> bool:
    """Read one request, which may come in pieces; return False if the peer hung up."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        piece = connection.recv(65536)
        if not piece:
            return False
        request += piece
    return True


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, authority: Authority) -> Iterator[tuple[Server, str, Path]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server").file)
    secured = request.param == "https"
    made = Server((lambda plain: context.wrap_socket(plain, server_side=True)) if secured else lambda plain: plain)
    yield made, f"{request.param}://127.0.0.1:{made.port}/", authority.certificate
    made.close()


@pytest.mark.parametrize("where", DRIBBLES)
def test_who_dribbles_is_hung_up_on_and_the_next_answer_comes(server: tuple[Server, str, Path], where: str) -> None:
    made, url, trusted = server
    made.scripts = [DRIBBLES[where], (GOOD, b""), (GOOD, b"")]
    with middleware.Session(1.0, 1 << 20) as session:
        with pytest.raises(requests.ReadTimeout) as caught:
            session.get(url, timeout=60, verify=str(trusted))
        assert not never_left(caught.value)
        session._seconds = 60.0  # a busy machine takes longer than a second now and then
        assert [session.get(url, timeout=60, verify=str(trusted)).content for _ in range(2)] == [b"good"] * 2


def test_what_is_streamed_ends_in_the_time_of_its_asker(server: tuple[Server, str, Path]) -> None:
    made, url, trusted = server
    made.scripts = [DRIBBLES["body without a length"]]
    with middleware.Session(60, 1) as session, pytest.raises(requests.ReadTimeout), middleware.within(0.3):
        list(session.get(url, timeout=60, verify=str(trusted), stream=True).iter_content(65536))


def test_a_body_without_end_is_given_up(server: tuple[Server, str, Path]) -> None:
    made, url, trusted = server
    made.scripts = [(ENDLESS + b"z" * 300_000, b"z" * 9999)]
    with middleware.Session(60, 100_000) as session, pytest.raises(middleware.TooLongError):
        session.get(url, timeout=60, verify=str(trusted))
