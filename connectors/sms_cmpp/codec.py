"""CMPP 2.0 and 3.0 (中国移动): the frames of a session; normalizers/sms/cmpp.py parses the body of a DELIVER."""

import hashlib
import hmac
import struct
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, NamedTuple

import structlog

from connectors.base import utc_now
from connectors.sms_cmpp.settings import CmppSettings, Major
from connectors.sms_common.frames import ANSWER, Codec, Frame
from normalizers.sms.cmpp import DELIVER
from normalizers.sms.reader import Reader
from schemas import ids
from schemas.errors import MalformedError, UnauthorizedError, UnreachableError

CONNECT, TERMINATE, SUBMIT, ACTIVE_TEST = 1, 2, 4, 8
LONGEST: dict[Major, int] = {2: 2477, 3: 3335}
"""Limit in bytes of a frame; a larger Total_Length is invalid, and no memory is allocated for it."""

VERSION_BYTES: dict[Major, int] = {2: 0x20, 3: 0x30}
_STATUS_BYTES: dict[Major, int] = {2: 1, 3: 4}
_MSG_ID_BYTES = 8
_AUTHENTICATOR_BYTES = 16

OK, FLOW_CONTROL = 0, 8
"""Results in DELIVER_RESP and SUBMIT_RESP.

The document's other results are 2 command, 3 sequence, 4 length, 5 fee, 6 too long, 7 service; from 9 on the
gateway's.
"""

_REFUSALS = {
    1: "the ISMG does not understand the login: see `version`",
    2: "the ISMG does not know this SP id: see `source`, and which addresses the operator lets in",
    3: "the ISMG refuses the login: see `secret`, and that this machine's clock is right (NTP)",
    4: "the ISMG does not speak this CMPP version: see `version`",
}

__all__ = ["ANSWER", "DELIVER"]

_log = structlog.get_logger(__name__)


HEADER = struct.Struct(">III")
"""Total_Length, Command_Id, Sequence_Id."""


def parse(raw: bytes) -> Frame:
    """Return a whole frame with the fields of its header."""
    _, command, sequence = HEADER.unpack_from(raw)
    return Frame(command, sequence, raw, raw[HEADER.size :])


def frame(command: int, sequence: int, body: bytes = b"") -> bytes:
    """Return the bytes of a frame."""
    return HEADER.pack(HEADER.size + len(body), command, sequence) + body


def authenticator(source: str, secret: bytes, timestamp: str) -> bytes:
    """Return AuthenticatorSource; `timestamp` has the ten digits MMDDHHMMSS, with the leading zero in January."""
    proof = source.encode("ascii").ljust(6, b"\0") + bytes(9) + secret + timestamp.encode("ascii")
    return hashlib.md5(proof, usedforsecurity=False).digest()


def connect(source: str, secret: bytes, major: Major, now: datetime) -> tuple[bytes, bytes]:
    """Return the body of a CONNECT and its AuthenticatorSource."""
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
        """Return the gateway's version, or None for an unsupported one."""
        return next((major for major, byte in VERSION_BYTES.items() if self.version >> 4 == byte >> 4), None)


def connect_answer(body: bytes) -> ConnectAnswer:
    """Parse the answer to a CONNECT; its length shows the width of the status, whatever version was requested.

    Raises MalformedError.
    """
    reader = Reader(body)
    width = reader.left - _AUTHENTICATOR_BYTES - 1
    if width not in _STATUS_BYTES.values():
        raise MalformedError("a CONNECT_RESP of the wrong length: check that the other side is an ISMG")
    return ConnectAnswer(reader.number(width), reader.take(_AUTHENTICATOR_BYTES), reader.number())


def is_proven(answer: ConnectAnswer, proof: bytes, secret: bytes) -> bool:
    """Return whether AuthenticatorISMG proves that the gateway knows the secret.

    Gateways use different widths of the status in it (SMSGate: 4 bytes even in 2.0), so both widths are accepted.
    """
    digests = [
        hashlib.md5(answer.status.to_bytes(4, "big")[-width:] + proof + secret, usedforsecurity=False).digest()
        for width in _STATUS_BYTES.values()
    ]
    return any(hmac.compare_digest(digest, answer.authenticator) for digest in digests)


def deliver_answer(msg_id: bytes, result: int, major: Major) -> bytes:
    """Return the body of a DELIVER_RESP."""
    return msg_id.ljust(_MSG_ID_BYTES, b"\0") + result.to_bytes(_STATUS_BYTES[major], "big")


class SubmitAnswer(NamedTuple):
    """SUBMIT_RESP: `msg_id` in decimal, as in status reports (状态报告)."""

    msg_id: str
    result: int


def submit_answer(body: bytes) -> SubmitAnswer:
    """Parse the answer to a SUBMIT. Raises MalformedError."""
    reader = Reader(body)
    msg_id = reader.number(_MSG_ID_BYTES)
    if reader.left not in _STATUS_BYTES.values():
        raise MalformedError("a SUBMIT_RESP of the wrong length: check the gateway's protocol version")
    return SubmitAnswer(str(msg_id), reader.number(reader.left))


class CmppCodec(Codec):
    """CMPP for one login of an SP account. `major` is the version of both sides."""

    peer: ClassVar[str] = "ISMG"
    login_name: ClassVar[str] = "login"
    heartbeat_name: ClassVar[str] = "ACTIVE_TEST"
    reached_by: ClassVar[str] = "host, port and the operator's line"
    heartbeat: ClassVar[int] = ACTIVE_TEST
    leave: ClassVar[int] = TERMINATE
    header: ClassVar[struct.Struct] = HEADER

    def __init__(self, settings: CmppSettings, now: Callable[[], datetime] = utc_now) -> None:
        self.major: Major = settings.major
        self._settings = settings
        self._secret = settings.secret.get_secret_value().encode()
        self._now = now
        self._proof = b""

    @property
    def longest(self) -> int:
        """Return the limit in bytes of a frame in this version."""
        return LONGEST[self.major]

    def parse(self, raw: bytes) -> Frame:
        """Return a whole frame."""
        return parse(raw)

    def bare(self, command: int, sequence: int) -> bytes:
        """Return a frame without a body; the answer to ACTIVE_TEST has one reserved byte."""
        return frame(command, sequence, b"\0" if command == ACTIVE_TEST | ANSWER else b"")

    def login(self, sequence: int) -> bytes:
        """Return the CONNECT."""
        body, self._proof = connect(self._settings.source, self._secret, self.major, self._now())
        return frame(CONNECT, sequence, body)

    def check_login(self, answer: Frame) -> None:
        """Apply the ISMG's version; raises UnreachableError, or UnauthorizedError if an operator must act."""
        if answer.command != CONNECT | ANSWER:
            raise UnreachableError("the other side does not answer a CMPP login: check `host` and `port`")
        try:
            told = connect_answer(answer.body)
        except MalformedError as error:
            raise UnreachableError(str(error)) from error
        if told.status in _REFUSALS:
            raise UnauthorizedError(_REFUSALS[told.status])
        if told.status != OK:
            raise UnreachableError("the ISMG accepts no login now: check the operator's limit of connections")
        self._check_proof(told)
        self.major = min(self.major, told.major or self.major)

    def _check_proof(self, told: ConnectAnswer) -> None:
        if is_proven(told, self._proof, self._secret):
            return
        if self._settings.strict:
            raise UnauthorizedError(
                "the ISMG does not prove that it knows the secret: check `secret`, `strict` and `host`"
            )
        _log.warning("ismg_not_proven", source=self._settings.source)
