"""A proxy on loopback that cuts a server's announcements in two, as a slow network does."""

import socket
import threading
import time
from contextlib import suppress


class Dribble:
    """Forwards one port; a chunk that holds `word` is sent in two pieces with a pause between."""

    def __init__(self, port: int, word: bytes = b"EXISTS", pause_seconds: float = 0.3) -> None:
        self._target, self._word, self._pause = port, word, pause_seconds
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Dribble":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._run(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        for each in (self._listener, *self._sockets):
            self._end(each)
        for thread in self._threads:
            thread.join(5)

    def cut(self) -> None:
        """End every connection there is, as a network does."""
        for each in self._sockets:
            self._end(each)

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            self._run(self._forward, client, server, False)
            self._run(self._forward, server, client, True)

    def _forward(self, source: socket.socket, target: socket.socket, cut: bool) -> None:
        try:
            while data := source.recv(65536):
                if cut and self._word in data:
                    middle = data.index(self._word) + 2
                    target.sendall(data[:middle])
                    time.sleep(self._pause)
                    data = data[middle:]
                target.sendall(data)
        except OSError:
            pass
        self._end(target)

    @staticmethod
    def _end(each: socket.socket) -> None:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
