"""Frames of CMPP and SMPP: parses them from a byte stream; Codec is a protocol's part of a Link."""

import struct
from typing import ClassVar, NamedTuple, Protocol

from schemas.errors import UnreachableError

ANSWER = 0x80000000
"""The bit of a command that marks an answer; its sequence is the request's (SMPP 3.4, 5.1.2; the same in CMPP)."""

_LENGTH_BYTES = 4


class Frame(NamedTuple):
    """One whole frame: the fields of its header, all its bytes, and the bytes after the header. CMPP has no status."""

    command: int
    sequence: int
    raw: bytes
    body: bytes
    status: int = 0


class Codec(Protocol):
    """The protocol of one login: frame format, login, and heartbeat."""

    peer: ClassVar[str]
    """Name of the other side in errors."""

    login_name: ClassVar[str]
    heartbeat_name: ClassVar[str]
    reached_by: ClassVar[str]
    """Settings of its address, for errors."""

    heartbeat: ClassVar[int]
    leave: ClassVar[int]
    """Commands with which either side sends a heartbeat, and ends the session."""

    header: ClassVar[struct.Struct]

    @property
    def longest(self) -> int:
        """Return the limit in bytes of a frame; a larger length allocates no memory."""
        ...

    def parse(self, raw: bytes) -> Frame:
        """Return a whole frame."""
        ...

    def bare(self, command: int, sequence: int) -> bytes:
        """Return the bytes of a heartbeat, a leave, or an answer to either."""
        ...

    def login(self, sequence: int) -> bytes:
        """Return the frame that logs in."""
        ...

    def check_login(self, answer: Frame) -> None:
        """Check the answer to the login; raises UnauthorizedError, ThrottledError or UnreachableError for a refusal."""
        ...


class Frames:
    """Parses frames from the bytes of a connection, which may arrive in any pieces."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._held = bytearray()

    def add(self, data: bytes) -> None:
        """Add received bytes."""
        self._held += data

    def next(self) -> Frame | None:
        """Return the next whole frame, None if bytes are missing; raises UnreachableError for an impossible length.

        After such a length the rest of the stream is unreadable.
        """
        held = self._held
        if len(held) < _LENGTH_BYTES:
            return None
        length = int.from_bytes(held[:_LENGTH_BYTES])
        if not self._codec.header.size <= length <= self._codec.longest:
            raise UnreachableError(f"the {self._codec.peer} sent a frame of {length} bytes: the rest cannot be read")
        if len(held) < length:
            return None
        raw = bytes(held[:length])
        del held[:length]  # moves a pointer and copies no bytes
        return self._codec.parse(raw)
