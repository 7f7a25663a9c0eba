"""A load balancer on loopback before one Kafka: with nobody behind it, it accepts every connection and hangs up."""

import socket
import struct
import time
from contextlib import suppress

from tests.peers.dribble import Dribble


class Balancer(Dribble):
    """Forwards one port, and clients are told that it is the broker; `empty` may be changed at any time."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.empty = False
        self._hung_up: list[float] = []

    def leave(self) -> None:
        """End every connection, and let nobody in from now on."""
        self.empty = True
        self.cut()

    def hung_up(self, seconds: float) -> int:
        """Return on how many it did in the last seconds."""
        return sum(at > time.monotonic() - seconds for at in self._hung_up)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.empty:
                    self._hung_up.append(time.monotonic())
                    self._end(client)
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                self._run(self._forward, client, server, False)
                self._run(self._forward, server, client, True)

    def _forward(self, source: socket.socket, target: socket.socket, cut: bool) -> None:
        theirs, ours = (b"127.0.0.1" + struct.pack(">i", port) for port in (self._target, self.port))
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data.replace(theirs, ours) if cut else data)
        self._end(target)
