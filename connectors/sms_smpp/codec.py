"""SMPP 3.4 PDUs: building and parsing with smpplib's fields; its session is not used."""

import logging
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from smpplib import consts, exceptions, smpp
from smpplib.command import Param

from connectors.sms_common.frames import ANSWER, Codec, Frame
from connectors.sms_smpp.settings import SmppSettings
from schemas.errors import MalformedError, ThrottledError, UnauthorizedError

Role = Literal["bind_transceiver", "bind_receiver", "bind_transmitter"]

VERSION = 0x34
"""interface_version of SMPP 3.4."""

HEADER = struct.Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (SMPP 3.4, 3.2)."""

LARGEST = 70_000
"""Limit in bytes of a PDU: message_payload holds 64 KiB, and the other fields are short."""

PASSWORD_MOST = 64
"""Characters of a password. SMPP 3.4 allows 8 and smpplib cuts longer ones, but SMSCs issue longer ones."""

GENERIC_NACK, UNBIND, ENQUIRE_LINK = ANSWER, 0x06, 0x15
DELIVER_SM, DATA_SM, ALERT_NOTIFICATION, OUTBIND = 0x05, 0x103, 0x102, 0x0B

OK = consts.SMPP_ESME_ROK
UNKNOWN_COMMAND = consts.SMPP_ESME_RINVCMDID
THROTTLED = consts.SMPP_ESME_RTHROTTLED
QUEUE_FULL = consts.SMPP_ESME_RMSGQFUL
SYSTEM_ERROR = consts.SMPP_ESME_RSYSERR
TEMPORARY = consts.SMPP_ESME_RX_T_APPN

_BUSY: Mapping[int, float] = MappingProxyType(
    {consts.SMPP_ESME_RALYBND: 30.0, THROTTLED: 30.0, consts.SMPP_ESME_RSYSERR: 5.0}
)
"""Temporary refusals of a bind, with seconds until the retry; after any other refusal an operator must act."""

# smpplib warns of each unknown optional parameter, and vendors have many.
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
"""Exceptions of smpplib for unreadable bytes."""


class _Numbered:
    """The part of a client that smpplib's PDUs use: the sequence number."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def next_sequence(self) -> int:
        """Return the sequence number."""
        return self.sequence


def build(command: str, sequence: int, status: int = OK, **fields: Any) -> bytes:
    """Return the bytes of a PDU; `fields` have the names of SMPP 3.4, 4."""
    pdu = smpp.make_pdu(command, client=_Numbered(sequence), status=status, **fields)
    pdu.sequence = sequence
    if "password" in fields:
        pdu.params = {**pdu.params, "password": Param(type=str, max=PASSWORD_MOST + 1)}
    return bytes(pdu.generate())


def read(pdu: Frame) -> Any:
    """Return the PDU parsed by smpplib, fields as attributes, texts as bytes; raises MalformedError."""
    try:
        return smpp.parse_pdu(pdu.raw, client=_Numbered(pdu.sequence), allow_unknown_opt_params=True)
    except FOREIGN as error:
        raise MalformedError("a PDU whose fields do not fit its length: check the SMSC's output") from error


def bare(command: int, sequence: int, status: int = OK) -> bytes:
    """Return the bytes of a PDU without a body."""
    return HEADER.pack(HEADER.size, command, status, sequence)


def status_name(status: int) -> str:
    """Return the name of a status, as a provider's support knows it."""
    return f"0x{status:x} {consts.DESCRIPTIONS.get(status, 'a status of its own')}"


def parse(raw: bytes) -> Frame:
    """Return a whole PDU with the fields of its header."""
    _, command, status, sequence = HEADER.unpack_from(raw)
    return Frame(command, sequence, raw, raw[HEADER.size :], status)


class SmppCodec(Codec):
    """SMPP 3.4 for one bind of an account."""

    peer: ClassVar[str] = "SMSC"
    login_name: ClassVar[str] = "bind"
    heartbeat_name: ClassVar[str] = "enquire_link"
    reached_by: ClassVar[str] = "host, port and tls"
    heartbeat: ClassVar[int] = ENQUIRE_LINK
    leave: ClassVar[int] = UNBIND
    header: ClassVar[struct.Struct] = HEADER
    longest: ClassVar[int] = LARGEST

    def __init__(self, settings: SmppSettings, role: Role) -> None:
        self._settings = settings
        self._role = role

    def parse(self, raw: bytes) -> Frame:
        """Return a whole PDU."""
        return parse(raw)

    def bare(self, command: int, sequence: int) -> bytes:
        """Return a PDU without a body."""
        return bare(command, sequence)

    def login(self, sequence: int) -> bytes:
        """Return the bind."""
        chosen = self._settings
        return build(
            self._role,
            sequence,
            system_id=chosen.system_id,
            password=chosen.password.get_secret_value(),
            system_type=chosen.system_type or "",
            interface_version=VERSION,
            address_range=chosen.address_range or "",
        )

    def check_login(self, answer: Frame) -> None:
        """Raise ThrottledError if the bind may be granted later, UnauthorizedError for any other refusal."""
        if answer.status == OK:
            return
        name = status_name(answer.status)
        if answer.status in _BUSY:
            raise ThrottledError(
                f"the SMSC grants no bind now ({name}): check that no other client holds it, and `binds`",
                _BUSY[answer.status],
            )
        raise UnauthorizedError(f"the SMSC refuses the bind ({name}): check system_id, password and system_type")
