"""What the supervisor needs to know of a server."""

from pathlib import Path
from typing import ClassVar, Protocol

from hotline.config.stack_state import ServerName
from hotline.dev.stack.jvm import Jvm
from storage.private_files import OWNER_ONLY, make_private


class Server(Protocol):
    """One server of the stack, in a folder of its own."""

    name: ClassVar[ServerName]
    version: ClassVar[str]
    port: int
    folder: Path

    @property
    def jvm(self) -> Jvm:
        """Return the JVM that runs it."""
        ...

    def command(self) -> list[str]:
        """Write the configuration and return the command that runs the server until SIGTERM."""
        ...

    def answers(self) -> bool:
        """Say, by the server's own protocol, whether it serves requests."""
        ...


def make_own(folder: Path) -> None:
    """Make the folder of a server, for our user alone: both write what citizens wrote with rights for everybody.

    Also where the data folder is open to all, as somebody made it, or a command of an older version did.
    """
    make_private(folder)
    folder.chmod(OWNER_ONLY)


def mark(folder: Path) -> str:
    """Return the JVM argument by which the server of `folder` is found again."""
    return f"-Dhotline.stack={folder}"
