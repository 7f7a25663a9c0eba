"""`stack.json`: what runs in a data folder, for people and for the next command."""

from pathlib import Path
from typing import Literal

import msgspec

from schemas.codec import UNREADABLE
from schemas.errors import MisconfiguredError

ServerName = Literal["kafka", "elasticsearch"]
Phase = Literal["starting", "ready", "down"]

_FILE = "stack.json"


class StoppedError(MisconfiguredError):
    """The stack of this data folder was stopped."""


class ServerState(msgspec.Struct):
    """One server as the supervisor last saw it."""

    version: str
    port: int
    pid: int | None = None
    phase: Phase = "down"
    restarts: int = 0
    failed_starts: int = 0


class StackState(msgspec.Struct):
    """The whole stack as the supervisor last saw it; `slot` names its ports."""

    slot: int
    supervisor: int | None = None
    servers: dict[ServerName, ServerState] = {}


def load(folder: Path) -> StackState | None:
    """Return the state written in `folder`, None when there is none that can be read."""
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=StackState)
    except (FileNotFoundError, *UNREADABLE):
        return None


def save(folder: Path, state: StackState) -> None:
    """Write `state` at once or not at all."""
    partial = folder / f"{_FILE}.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(state)) + b"\n")
    partial.replace(folder / _FILE)


def forget(folder: Path) -> None:
    """Delete the state of `folder`."""
    (folder / _FILE).unlink(missing_ok=True)
