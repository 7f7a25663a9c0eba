"""A proxy on loopback that answers chosen IMAP commands itself: with a refusal, with silence, or by hanging up."""

import re
import socket
from collections.abc import Callable

from tests.peers.dribble import Dribble

Fault = Callable[[bytes], bytes | None]
"""Takes the command without its tag; returns the answer (`@` stands for the tag), None to let the command through."""

HANG_UP = b"hang up"
SILENCE = b""


class Refusing(Dribble):
    """Forwards one port; `fault` may be changed at any time."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.fault: Fault = lambda command: None

    def _forward(self, source: socket.socket, target: socket.socket, cut: bool) -> None:
        if cut:
            return self._pass(source, target)
        try:
            with source.makefile("rb") as lines:
                for line in lines:
                    self._command(line, source, target)
        except OSError:
            pass
        self._end(target)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        self._end(target)

    def _command(self, line: bytes, client: socket.socket, server: socket.socket) -> None:
        tag, _, command = line.strip().partition(b" ")
        answer = self.fault(command)
        if answer is None:
            server.sendall(line)
        elif answer == HANG_UP:
            raise ConnectionError
        else:
            client.sendall(answer.replace(b"@", tag))


def fetched_uids(command: bytes) -> set[int]:
    """Return the UIDs whose bytes a command asks for, none if it asks for none."""
    found = re.match(rb"UID FETCH ([\d,:]+) .*BODY\.PEEK\[(?!HEADER\.FIELDS)", command)
    uids: set[int] = set()
    for part in found[1].split(b",") if found else ():
        first, _, last = part.partition(b":")
        uids.update(range(int(first), int(last or first) + 1))
    return uids
