"""The line between an SMSC and the daemon, and what happens on lines: cuts, silence, stalls, garbage, lost answers."""

import socket
import struct
import threading
import time
from contextlib import suppress
from random import Random

HEADER = struct.Struct(">IIII")
DELIVER_SM_RESP, UNKNOWN = 0x80000005, 0x00010200
SYSTEM_ERROR = 0x08


class Line:
    """A proxy on a port of its own that knows where a PDU ends. Its switches may be set at any time."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self.silent = False
        """Nothing goes through, and nothing is closed: half open."""
        self.slow = 0.0
        """Seconds between two pieces of a PDU."""
        self.deaf = False
        """Answers to messages do not reach the SMSC: it sends them again."""
        self.refusing = False
        """A bind is refused."""
        self._injected: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End for good."""
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Close every connection."""
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def inject(self, data: bytes) -> None:
        """Send bytes to the daemon before the SMSC's next PDU."""
        self._injected.append(data)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 2)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends += [client, server]
            threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, True), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, down: bool) -> None:
        held = bytearray()
        try:
            while data := source.recv(65536):
                held += data
                while len(held) >= HEADER.size and len(held) >= (length := HEADER.unpack_from(held)[0]):
                    pdu = bytes(held[:length])
                    del held[:length]
                    if not down and self.refusing:
                        _, command, _, sequence = HEADER.unpack_from(pdu)
                        source.sendall(HEADER.pack(16, command | 0x80000000, SYSTEM_ERROR, sequence))
                        break
                    self._pass(pdu, target, down)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _pass(self, pdu: bytes, target: socket.socket, down: bool) -> None:
        while self.silent:
            time.sleep(0.05)
        if not down:
            if not (self.deaf and HEADER.unpack_from(pdu)[1] == DELIVER_SM_RESP):
                target.sendall(pdu)
            return
        while self._injected:
            target.sendall(self._injected.pop())
        if self.slow:
            middle = len(pdu) // 2
            target.sendall(pdu[:middle])
            time.sleep(self.slow)
            pdu = pdu[middle:]
        target.sendall(pdu)


def unknown_command(random: Random) -> bytes:
    """Return a PDU whose command nobody knows."""
    return HEADER.pack(16, UNKNOWN, 0, random.randrange(1, 2**31))


def truncated(random: Random) -> bytes:
    """Return the beginning of a PDU; what comes next is read as its rest."""
    return HEADER.pack(16 + random.randrange(1, 60), 5, 0, random.randrange(1, 2**31))[: random.randrange(4, 16)]
