"""SMPP 3.4 PDUs: cut out of a stream of bytes, read and written; smpplib knows the fields, its session is not used."""

import logging
import struct
from typing import Any, NamedTuple

from smpplib import consts, exceptions, smpp
from smpplib.command import Param

from schemas.errors import MalformedError, UnreachableError

HEADER = struct.Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (SMPP 3.4, 3.2)."""

LARGEST = 70_000
"""Bytes of the largest PDU: message_payload holds 64 KiB, and the fields beside it are short."""

PASSWORD_MOST = 64
"""Characters of a password. SMPP 3.4 has room for 8, smpplib cuts off what is longer, and SMSCs issue longer ones."""

LAST_SEQUENCE = 0x7FFFFFFF
ANSWER = 0x80000000
"""The bit of command_id that marks an answer."""

GENERIC_NACK, UNBIND, ENQUIRE_LINK = ANSWER, 0x06, 0x15
DELIVER_SM, DATA_SM, ALERT_NOTIFICATION, OUTBIND = 0x05, 0x103, 0x102, 0x0B

OK = consts.SMPP_ESME_ROK
UNKNOWN_COMMAND = consts.SMPP_ESME_RINVCMDID
THROTTLED = consts.SMPP_ESME_RTHROTTLED
QUEUE_FULL = consts.SMPP_ESME_RMSGQFUL
SYSTEM_ERROR = consts.SMPP_ESME_RSYSERR
TEMPORARY = consts.SMPP_ESME_RX_T_APPN

# It warns of each optional parameter that it does not know, and vendors have many.
logging.getLogger("smpplib.command").setLevel(logging.ERROR)

FOREIGN = (
    exceptions.ConnectionError,
    exceptions.PDUError,
    exceptions.UnknownCommandError,
    exceptions.MessageTooLong,
    struct.error,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)
"""What smpplib raises for bytes that it cannot read."""


class Pdu(NamedTuple):
    """One whole PDU: its header's numbers, and all its bytes with the header."""

    command: int
    status: int
    sequence: int
    raw: bytes

    @property
    def body(self) -> bytes:
        """Return what follows the header."""
        return self.raw[HEADER.size :]


class Frames:
    """Cuts PDUs out of the bytes of a connection, however they were cut on their way."""

    def __init__(self) -> None:
        self._held = bytearray()

    def add(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._held += data

    def next(self) -> Pdu | None:
        """Return the next whole PDU, None when more bytes are needed; raises UnreachableError for an impossible length.

        Nothing is allocated by the peer's number, and behind such a number no byte can be understood any more.
        """
        held = self._held
        if len(held) < HEADER.size:
            return None
        length, command, status, sequence = HEADER.unpack_from(held)
        if not HEADER.size <= length <= LARGEST:
            raise UnreachableError(f"the SMSC sent a PDU of {length} bytes: what follows cannot be read")
        if len(held) < length:
            return None
        pdu = Pdu(command, status, sequence, bytes(held[:length]))
        del held[:length]  # moves a pointer, not the bytes
        return pdu


class _Numbered:
    """All that smpplib's PDUs ask of their client: the number that this one gets."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def next_sequence(self) -> int:
        """Return it."""
        return self.sequence


def build(command: str, sequence: int, status: int = OK, **fields: Any) -> bytes:
    """Return the bytes of a PDU; `fields` are named as in SMPP 3.4, 4."""
    pdu = smpp.make_pdu(command, client=_Numbered(sequence), status=status, **fields)
    pdu.sequence = sequence
    if "password" in fields:
        pdu.params = {**pdu.params, "password": Param(type=str, max=PASSWORD_MOST + 1)}
    return bytes(pdu.generate())


def read(pdu: Pdu) -> Any:
    """Return smpplib's view of a PDU, fields as attributes, texts as bytes; raises MalformedError."""
    try:
        return smpp.parse_pdu(pdu.raw, client=_Numbered(pdu.sequence), allow_unknown_opt_params=True)
    except FOREIGN as error:
        raise MalformedError("a PDU whose fields do not fit its length: see what the SMSC sends") from error


def bare(command: int, sequence: int, status: int = OK) -> bytes:
    """Return the bytes of a PDU without a body."""
    return HEADER.pack(HEADER.size, command, status, sequence)


def status_name(status: int) -> str:
    """Return a status as a provider's support reads it."""
    return f"0x{status:x} {consts.DESCRIPTIONS.get(status, 'a status of its own')}"
