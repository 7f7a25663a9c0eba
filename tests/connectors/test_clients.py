"""The door to kafka-python: what it leaves open is closed here."""

from types import coroutine
from typing import Any

from kafka.net.inet import KafkaNetSocket

import connectors.clients  # noqa: F401 - what is tested is what it does to the library


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
