"""What a channel's benchmark brings: its peer, its account, what it sends and what goes wrong on the way."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import ClassVar, Protocol

from schemas.connection import KafkaConnection


class Ground:
    """The place of one run: a folder, the real Kafka, and the daemon once it runs."""

    def __init__(self, folder: Path, connection: KafkaConnection, receiver_port: int) -> None:
        self.folder = folder
        self.connection = connection
        self.receiver_port = receiver_port

    @property
    def receiver_url(self) -> str:
        """Return where the push channels are called, without a path."""
        return f"http://127.0.0.1:{self.receiver_port}"


class Course(AbstractContextManager["Course", None], Protocol):
    """One channel's run; its peer runs while a `with` block lasts."""

    channel: ClassVar[str]
    components: ClassVar[tuple[str, ...]]
    """What the daemon is: `connector:bench`, `receiver`."""

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

        Killing and freezing the daemon are added to them by the runner.
        """
        ...


def numbered(number: int) -> str:
    """Return what marks a message: found again in the raw bytes of any encoding that keeps ASCII."""
    return f"hotline-bench-{number:08d}"
