"""What a channel's benchmark brings: its peer, its account, what it sends and what goes wrong on the way."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from random import Random
from typing import ClassVar, Protocol, Self

from benchmarks.channels.broker import Broker
from benchmarks.faults.proxy import Cutter
from tests.peers.dovecot import free_ports

CITY = "110000"


class Ground:
    """The place of one run: a folder, the real Kafka, the daemon once it runs, and lines that the schedule breaks."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.folder = folder
        self.connection = broker.connection
        self.lines: list[Cutter] = []
        self._broker = broker.address
        self._own_port = free_ports(1)
        self._standing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._standing.close()

    def line(self, port: int) -> int:
        """Return a port that leads to another one, along a line that the schedule breaks."""
        made = Cutter(free_ports(1), port)
        self._standing.enter_context(made)
        self.lines.append(made)
        return made.port

    @cached_property
    def receiver_port(self) -> int:
        """Return where the push channels are called: a line to the receiver."""
        return self.line(self._own_port)

    @property
    def receiver_url(self) -> str:
        """Return where the push channels are called, without a path."""
        return f"http://127.0.0.1:{self.receiver_port}"

    def environment(self) -> Mapping[str, str]:
        """Return the settings of every daemon."""
        return {
            "HOTLINE_LOCAL__DATA_DIR": str(self.folder / "data"),
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": self._broker,
            "HOTLINE_KAFKA__PARTITIONS": str(self.connection.partitions),
            "HOTLINE_JURISDICTION": CITY,
            "HOTLINE_TELEMETRY__PORT": "0",
            "HOTLINE_REQUESTER_KEYS__K1": "a key for the benchmark alone",
            "HOTLINE_QUERY_KEY": "a key for the benchmark alone",
            "HOTLINE_RECEIVER__PORT": str(self._own_port),
        }


class Course(AbstractContextManager["Course", None], Protocol):
    """One channel's run; its peer runs while a `with` block lasts.

    One may have more: a `topic` that is not its channel's, a `command` instead of components, `accounts(number)` at all
    of which a number has to arrive, and `finish()` when all is sent.
    """

    channel: ClassVar[str]
    components: ClassVar[tuple[str, ...]]
    """What the daemon is: `connector:bench`, `receiver`."""

    def __exit__(self, *_: object) -> None:
        """End the peer, where one runs."""

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account `bench`, as environment variables; asked for once the peer runs."""
        ...

    def send(self, number: int) -> None:
        """Hand message `number` to the peer, with `numbered(number)` in its text; returns when the peer has it.

        A push channel repeats until the receiver says yes, as its provider does.
        """
        ...

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        """Return the peer's own faults by name; each begins, lasts and ends within its call.

        What goes wrong on every channel is added to them by the runner (`trouble`).
        """
        return {}


def numbered(number: int) -> str:
    """Return what marks a message: found again in the raw bytes of any encoding that keeps ASCII."""
    return f"hotline-bench-{number:08d}"
