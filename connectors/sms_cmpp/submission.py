"""CMPP_SUBMIT: one short message, or one part of a long one, to one phone."""

from msgspec import Struct

from connectors.sms_cmpp.settings import Major

_UCS2 = 8
_NUMBER_BYTES: dict[Major, int] = {2: 21, 3: 32}
_TAIL_BYTES: dict[Major, int] = {2: 8, 3: 20}
_FEE_OF_NOBODY = 2
"""Fee_UserType: the SP pays."""


class Submission(Struct, frozen=True, kw_only=True):
    """Fields of a SUBMIT: `content` in UTF-16, with a user data header if `total` is above 1."""

    source: str
    service: str
    fee_type: str
    number: str
    to: str
    content: bytes
    part: int = 1
    total: int = 1
    wants_report: bool = False


def submit(one: Submission, major: Major) -> bytes:
    """Return the body of a SUBMIT; the gateway assigns the Msg_Id."""
    width, typed = _NUMBER_BYTES[major], b"\0" if major == 3 else b""
    fields = [
        bytes(8),  # Msg_Id
        bytes([one.total, one.part, one.wants_report, 0]),  # Pk_total, Pk_number, Registered_Delivery, Msg_level
        _field(one.service, 10),
        bytes([_FEE_OF_NOBODY]) + bytes(width) + typed,  # Fee_terminal_Id, Fee_terminal_type
        bytes([0, one.total > 1, _UCS2]),  # TP_pId, TP_udhi, Msg_Fmt
        _field(one.source, 6),
        _field(one.fee_type, 2) + _field("", 6),  # FeeType, FeeCode
        bytes(17 + 17),  # ValId_Time, At_Time: the gateway's default validity, immediate delivery
        _field(one.number, 21),
        bytes([1]) + _field(one.to, width) + typed,  # DestUsr_tl, Dest_terminal_Id, Dest_terminal_type
        bytes([len(one.content)]) + one.content,
        bytes(_TAIL_BYTES[major]),  # Reserve, LinkID
    ]
    return b"".join(fields)


def _field(text: str, size: int) -> bytes:
    return text.encode("ascii").ljust(size, b"\0")
