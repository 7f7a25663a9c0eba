"""A gateway that forgets connections nobody uses (NAT): the next byte on one of them is answered with a reset."""

import contextlib
import socket
import struct
import threading
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)


class Nat:
    """Stands before an HTTP server on loopback while the block lasts."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = parts.hostname, parts.port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._forgotten = 0
        self.flows = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> "Nat":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def forget(self) -> None:
        """Forget every connection that there is."""
        self._forgotten = self.flows

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.flows += 1
                threading.Thread(target=self._flow, args=(client, self.flows), daemon=True).start()

    def _flow(self, client: socket.socket, number: int) -> None:
        server = socket.create_connection(self._to)
        answers = threading.Thread(target=_carry, args=(server, client), daemon=True)
        answers.start()
        with client, server, contextlib.suppress(OSError):
            while data := client.recv(65536):
                if number <= self._forgotten:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
        answers.join()


def _carry(server: socket.socket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(65536):
            client.sendall(data)
