"""Ports of one stack: slot 0 is 19092 and 19200, slot 1 is 19093 and 19201, and so on.

A stack that is stopped has its ports again when it comes back: whoever runs over its folder goes on asking there, and
would put what citizens wrote into another stack's Kafka. A new one that finds no others gets those of the stack that
was stopped the longest time ago.

A port is held from the moment it is found: connections go out from any port of a range that may begin below ours, and
one of them would have it before the server has started, or while it starts again.
"""

import fcntl
import os
import socket
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hotline.config import stack_state
from hotline.config.stack_state import ServerName
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.paths import cache_dir

_SLOTS = 18  # 19110 is the receiver's, 19111 that of LMTP, and the demo's peers listen from 19300


@dataclass(frozen=True)
class Ports:
    """The four ports of a slot, all below the range that most systems use for outgoing connections."""

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
    """A slot that is ours until `release` or the end of this process, and those of its ports that were free."""

    def __init__(self, slot: int, handle: int) -> None:
        self.ports = Ports(slot)
        self._handle = handle
        self._held: list[socket.socket] = []

    def hold(self, ports: Iterable[int]) -> None:
        """Hold some of its ports; raises OSError when somebody has one of them."""
        for port in ports:
            self._held.append(hold(port, again=True))

    def release(self) -> None:
        """Let another stack have the slot, and note until when this one had it."""
        for held in self._held:
            held.close()
        os.utime(self._handle)
        os.close(self._handle)


def claim(
    preferred: int, needed: Collection[ServerName], held: Collection[ServerName] = (), folder: Path | None = None
) -> Claim:
    """Take a slot whose ports for `needed` are free, the `preferred` one if possible. Raises StackError.

    A server in `held` already listens on the preferred slot, so only that slot will do. A slot to which the stack of
    another data folder than `folder` comes back is taken when there is no other, the longest unused first.
    """
    others = {slot: _last_used(slot) for slot in range(_SLOTS) if _is_of_another(slot, folder)}
    slots = sorted(range(_SLOTS), key=lambda slot: (others.get(slot, 0.0), slot != preferred))
    for handle, slot in _locked([preferred] if held else slots):
        claimed = Claim(slot, handle)
        try:
            claimed.hold(port for name in needed if name not in held for port in claimed.ports.of(name))
        except OSError:
            claimed.release()
            continue
        if folder is not None:
            os.ftruncate(handle, 0)
            os.pwrite(handle, os.fsencode(folder), 0)
        return claimed
    tried = 1 if held else _SLOTS
    raise StackError(
        f"No free ports from 19092 and 19200 upwards ({tried} tried): stop another stack with `hotline down`."
    )


def hold(port: int, *, again: bool = False) -> socket.socket:
    """Bind a port of loopback and do not listen: no outgoing connection gets it, and nobody who looks for one.

    The server that it is for does, as servers bind with SO_REUSEADDR. `again`: also while connections of the last one
    are remembered. Raises OSError when somebody has it.
    """
    held = socket.socket()
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, again)
        held.bind(("127.0.0.1", port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    except OSError:
        held.close()
        raise
    if sys.platform != "linux":  # elsewhere the server would not get it, either: there it is only looked at
        held.close()
    return held


def _is_of_another(slot: int, folder: Path | None) -> bool:
    """Say whether the last stack with this slot was that of another folder, which remembers it."""
    with suppress(OSError):
        last = Path(os.fsdecode((_slots() / str(slot)).read_bytes()))
        known = stack_state.load(last) if last.is_absolute() and last != folder else None
        return known is not None and known.slot == slot
    return False


def _last_used(slot: int) -> float:
    """Return when the last stack took the slot or let it go, in seconds since 1970."""
    with suppress(OSError):
        return (_slots() / str(slot)).stat().st_mtime
    return 0.0


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
