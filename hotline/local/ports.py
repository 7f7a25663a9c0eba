"""Ports of one stack: slot 0 is 19092 and 19200, slot 1 is 19093 and 19201, and so on.

A stack that is stopped has its ports again when it comes back, unless there are no others for a new one: whoever runs
over its folder goes on asking there, and would put what citizens wrote into another stack's Kafka.
"""

import fcntl
import os
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hotline.local import state
from hotline.local.errors import StackError
from hotline.local.paths import cache_dir
from hotline.local.state import ServerName

_SLOTS = 18  # 19110 is the receiver's, 19111 that of LMTP, and the demo's peers listen from 19300


@dataclass(frozen=True)
class Ports:
    """The four ports of a slot, all below the range that systems use for outgoing connections."""

    slot: int

    @property
    def kafka(self) -> int:
        """Return where clients find Kafka."""
        return 19092 + self.slot

    @property
    def elasticsearch(self) -> int:
        """Return where clients find Elasticsearch."""
        return 19200 + self.slot

    @property
    def controller(self) -> int:
        """Return where Kafka's controller listens."""
        return 19220 + self.slot

    @property
    def transport(self) -> int:
        """Return where Elasticsearch listens for other nodes."""
        return 19240 + self.slot

    def of(self, server: ServerName) -> tuple[int, int]:
        """Return the client port and the inner port of `server`."""
        return (self.kafka, self.controller) if server == "kafka" else (self.elasticsearch, self.transport)


class Claim:
    """A slot that is ours until `release` or the end of this process."""

    def __init__(self, slot: int, handle: int) -> None:
        self.ports = Ports(slot)
        self._handle = handle

    def release(self) -> None:
        """Let another stack have the slot."""
        os.close(self._handle)


def claim(
    preferred: int, needed: Collection[ServerName], held: Collection[ServerName] = (), folder: Path | None = None
) -> Claim:
    """Take a slot whose ports for `needed` are free, the `preferred` one if possible. Raises StackError.

    A server in `held` already listens on the preferred slot, so only that slot will do. A slot to which the stack of
    another data folder than `folder` comes back is taken when there is no other.
    """
    slots = sorted(range(_SLOTS), key=lambda slot: (_is_of_another(slot, folder), slot != preferred))
    for handle, slot in _locked([preferred] if held else slots):
        free = [port for name in needed if name not in held for port in Ports(slot).of(name)]
        if all(map(_is_free, free)):
            if folder is not None:
                os.ftruncate(handle, 0)
                os.pwrite(handle, os.fsencode(folder), 0)
            return Claim(slot, handle)
        os.close(handle)
    tried = 1 if held else _SLOTS
    raise StackError(
        f"No free ports from 19092 and 19200 upwards ({tried} tried): stop another stack with `hotline down`."
    )


def _is_of_another(slot: int, folder: Path | None) -> bool:
    """Say whether the last stack with this slot was that of another folder, which remembers it."""
    with suppress(OSError):
        last = Path(os.fsdecode((_slots() / str(slot)).read_bytes()))
        known = state.load(last) if last.is_absolute() and last != folder else None
        return known is not None and known.slot == slot
    return False


def _slots() -> Path:
    return cache_dir() / "ports"


def _locked(slots: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the slots that no other stack of this user holds, locked."""
    folder = _slots()
    folder.mkdir(parents=True, exist_ok=True)
    for slot in slots:
        handle = os.open(folder / str(slot), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        yield handle, slot


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
