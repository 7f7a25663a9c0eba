"""Frames of CMPP and SMPP: cut out of a stream of bytes; Codec is what a protocol brings to a Link."""

import struct
from typing import ClassVar, NamedTuple, Protocol

from schemas.errors import UnreachableError

ANSWER = 0x80000000
"""The bit of a command that marks an answer; its sequence is the request's (SMPP 3.4, 5.1.2; CMPP has the same)."""

_LENGTH_BYTES = 4


class Frame(NamedTuple):
    """One whole frame: its header's numbers, all its bytes, and those behind the header. CMPP has no status."""

    command: int
    sequence: int
    raw: bytes
    body: bytes
    status: int = 0


class Codec(Protocol):
    """The frames of one login: how they are laid out, how it logs in, and which keep the connection alive."""

    peer: ClassVar[str]
    """The other side, as errors name it."""

    login_name: ClassVar[str]
    heartbeat_name: ClassVar[str]
    reached_by: ClassVar[str]
    """The settings by which it is reached."""

    heartbeat: ClassVar[int]
    leave: ClassVar[int]
    """The commands with which either side asks for a sign of life, and ends the session."""

    header: ClassVar[struct.Struct]

    @property
    def longest(self) -> int:
        """Return the bytes of the longest frame; nothing is allocated by the other side's number."""
        ...

    def parse(self, raw: bytes) -> Frame:
        """Return a whole frame."""
        ...

    def bare(self, command: int, sequence: int) -> bytes:
        """Return a heartbeat, a leave or an answer to either as it goes over the wire."""
        ...

    def login(self, sequence: int) -> bytes:
        """Return the frame that logs in."""
        ...

    def check_login(self, answer: Frame) -> None:
        """Read the answer to the login; raises UnauthorizedError, ThrottledError or UnreachableError for a refusal."""
        ...


class Frames:
    """Cuts frames out of the bytes of a connection, however they were cut on their way."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._held = bytearray()

    def add(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._held += data

    def next(self) -> Frame | None:
        """Return the next whole frame, None if more bytes are needed; raises UnreachableError for an impossible length.

        Behind such a number no byte can be understood any more.
        """
        held = self._held
        if len(held) < _LENGTH_BYTES:
            return None
        length = int.from_bytes(held[:_LENGTH_BYTES])
        if not self._codec.header.size <= length <= self._codec.longest:
            raise UnreachableError(
                f"the {self._codec.peer} sent a frame of {length} bytes: what follows cannot be read"
            )
        if len(held) < length:
            return None
        raw = bytes(held[:length])
        del held[:length]  # moves a pointer, not the bytes
        return self._codec.parse(raw)
