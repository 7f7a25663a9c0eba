"""What a player of the demo finds when it comes on: a folder, ports, the receiver's address and the demo's city."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar, Protocol

from hotline.dev.demo.greenmail import held_port

CITY = "210100"
"""沈阳, the demo's city."""

PATIENCE_SECONDS = 180.0
"""Seconds that a player waits for an answer; a machine with many other programs takes more than half a minute."""


class Stage:
    """Handed to each player; ports are given out upwards, so no two players get the same one."""

    def __init__(self, folder: Path, first_port: int) -> None:
        self.folder = folder
        self._next = first_port
        self._held: list[socket.socket] = []
        self.receiver_port = self.port()

    @property
    def receiver_url(self) -> str:
        """Return where the push channels are called, without a path."""
        return f"http://127.0.0.1:{self.receiver_port}"

    def port(self) -> int:
        """Return a free port on loopback; it is held until `close`."""
        port, held = held_port(self._next)
        self._next = port + 1
        self._held.append(held)
        return port

    def close(self) -> None:
        """Let others have the ports."""
        for held in self._held:
            held.close()


class Player(AbstractContextManager["Player", None], Protocol):
    """One channel of the demo: a peer that runs while a `with` block lasts, its account, and what it sends."""

    components: ClassVar[tuple[str, ...]] = ()
    """What `hotline run` runs for it beside the receiver and the stages."""

    def __exit__(self, *_: object) -> None:
        """End the peer, where one runs."""

    def environment(self) -> Mapping[str, str]:
        """Return the settings of its account, as environment variables; asked for once its peer runs."""
        ...

    def messages(self) -> Iterator[str]:
        """Send the next message and yield what is worth seeing about it, in one line: one raw record each."""
        ...
