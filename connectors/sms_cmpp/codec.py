"""CMPP 2.0 and 3.0 (中国移动): the frames of a session; what stands in a DELIVER, normalizers/sms/cmpp.py reads."""

import hashlib
import hmac
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from normalizers.sms.cmpp import DELIVER, HEADER_BYTES
from normalizers.sms.reader import Reader
from schemas import ids
from schemas.errors import MalformedError

Major: TypeAlias = Literal[2, 3]
"""Of the version: it decides how wide some fields are."""

CONNECT, TERMINATE, SUBMIT, ACTIVE_TEST = 1, 2, 4, 8
ANSWER = 0x80000000
"""Set in the command of every answer; its sequence is the request's."""

LONGEST: dict[Major, int] = {2: 2477, 3: 3335}
"""Bytes of a frame; a Total_Length above it is no frame, and never a reason to allocate so much."""

VERSION_BYTES: dict[Major, int] = {2: 0x20, 3: 0x30}
_STATUS_BYTES: dict[Major, int] = {2: 1, 3: 4}
_MSG_ID_BYTES = 8
_AUTHENTICATOR_BYTES = 16

OK, FLOW_CONTROL = 0, 8
"""Of DELIVER_RESP and SUBMIT_RESP.

The document's other results are 2 command, 3 sequence, 4 length, 5 fee, 6 too long, 7 service; from 9 on the gateway's.
"""

__all__ = ["DELIVER", "HEADER_BYTES"]


class Frame(NamedTuple):
    """One frame as it came; `raw` is all of it, header included."""

    command: int
    sequence: int
    raw: bytes

    @property
    def body(self) -> bytes:
        """Return what stands behind the header."""
        return self.raw[HEADER_BYTES:]


class Header(NamedTuple):
    """The first 12 bytes of a frame; `size` counts them."""

    size: int
    command: int
    sequence: int


def header(data: bytes, major: Major) -> Header:
    """Return a frame's header; raises MalformedError for a length that no frame has: the stream is out of step."""
    reader = Reader(data)
    size, command, sequence = reader.number(4), reader.number(4), reader.number(4)
    if not HEADER_BYTES <= size <= LONGEST[major]:
        raise MalformedError("a Total_Length that no CMPP frame has: see that the other side is an ISMG")
    return Header(size, command, sequence)


def frame(command: int, sequence: int, body: bytes = b"") -> bytes:
    """Return a frame as it goes over the wire."""
    size = HEADER_BYTES + len(body)
    return size.to_bytes(4, "big") + command.to_bytes(4, "big") + sequence.to_bytes(4, "big") + body


def authenticator(source: str, secret: bytes, timestamp: str) -> bytes:
    """Return AuthenticatorSource; `timestamp` are the ten digits MMDDHHMMSS, in January with their leading zero."""
    proof = source.encode("ascii").ljust(6, b"\0") + bytes(9) + secret + timestamp.encode("ascii")
    return hashlib.md5(proof, usedforsecurity=False).digest()


def connect(source: str, secret: bytes, major: Major, now: datetime) -> tuple[bytes, bytes]:
    """Return the body of a CONNECT, and the AuthenticatorSource in it."""
    timestamp = f"{now.astimezone(ids.SHANGHAI):%m%d%H%M%S}"
    proof = authenticator(source, secret, timestamp)
    body = source.encode("ascii").ljust(6, b"\0") + proof + bytes([VERSION_BYTES[major]])
    return body + int(timestamp).to_bytes(4, "big"), proof


class ConnectAnswer(NamedTuple):
    """CONNECT_RESP: status 0 ok, 1 structure, 2 SP id, 3 authentication, 4 version too high, above it other."""

    status: int
    authenticator: bytes
    version: int

    @property
    def major(self) -> Major | None:
        """Return the version that the gateway names; None when it names none that we speak."""
        return next((major for major, byte in VERSION_BYTES.items() if self.version >> 4 == byte >> 4), None)


def connect_answer(body: bytes) -> ConnectAnswer:
    """Read the answer to a CONNECT; its length tells how wide the status is, whatever version was asked for.

    Raises MalformedError.
    """
    reader = Reader(body)
    width = reader.left - _AUTHENTICATOR_BYTES - 1
    if width not in _STATUS_BYTES.values():
        raise MalformedError("a CONNECT_RESP of the wrong length: see that the other side is an ISMG")
    return ConnectAnswer(reader.number(width), reader.take(_AUTHENTICATOR_BYTES), reader.number())


def is_proven(answer: ConnectAnswer, proof: bytes, secret: bytes) -> bool:
    """Say whether AuthenticatorISMG shows that the gateway knows the secret, too.

    Gateways disagree about how wide the status is in it (SMSGate: 4 bytes even in 2.0), so either width will do.
    """
    digests = [
        hashlib.md5(answer.status.to_bytes(4, "big")[-width:] + proof + secret, usedforsecurity=False).digest()
        for width in _STATUS_BYTES.values()
    ]
    return any(hmac.compare_digest(digest, answer.authenticator) for digest in digests)


def deliver_answer(msg_id: bytes, result: int, major: Major) -> bytes:
    """Return the body of a DELIVER_RESP."""
    return msg_id.ljust(_MSG_ID_BYTES, b"\0") + result.to_bytes(_STATUS_BYTES[major], "big")


def active_test_answer() -> bytes:
    """Return the body of an ACTIVE_TEST_RESP: one reserved byte."""
    return b"\0"


class SubmitAnswer(NamedTuple):
    """SUBMIT_RESP: `msg_id` as its decimal number, which a status report (状态报告) repeats."""

    msg_id: str
    result: int


def submit_answer(body: bytes) -> SubmitAnswer:
    """Read the answer to a SUBMIT. Raises MalformedError."""
    reader = Reader(body)
    msg_id = reader.number(_MSG_ID_BYTES)
    if reader.left not in _STATUS_BYTES.values():
        raise MalformedError("a SUBMIT_RESP of the wrong length: see which version the gateway speaks")
    return SubmitAnswer(str(msg_id), reader.number(reader.left))
