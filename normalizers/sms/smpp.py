"""SMPP 3.4: one deliver_sm or data_sm, with its 16 byte header as it came over the wire."""

import re
from collections.abc import Mapping

from normalizers.sms.coding import Format, of_smpp_coding
from normalizers.sms.draft import Short
from normalizers.sms.reader import Reader, plain
from normalizers.sms.udh import Segment, sensible
from schemas.errors import UnsupportedError

HEADER_BYTES = 16
DELIVER_SM, DATA_SM = 0x05, 0x103

_HEADED = 0x40
_KIND = 0x3C
_REPORTS = frozenset({0x04, 0x08, 0x20})
"""Values of esm_class: receipt of the SMSC, acknowledgement of a phone, intermediate notification."""

_ALPHANUMERIC = 5
_REF, _TOTAL, _NUMBER, _PAYLOAD, _RECEIPTED, _STATE = 0x020C, 0x020E, 0x020F, 0x0424, 0x001E, 0x0427

_RECEIPT = re.compile(rb"\b(id|sub|dlvrd|submit date|done date|stat|err):(\S+)")

_UNMARKED = re.compile(
    rb"id:\S{1,65} sub:\d{3} dlvrd:\d{3} submit date:\d{10,14} done date:\d{10,14} stat:[A-Z]{5,7} err:", re.IGNORECASE
)
"""A receipt (SMPP 3.4, appendix B) that an SMSC sends as a person's message: an answer to it brings the next."""


def read(pdu: bytes, default: Format = "gsm7", packed: bool = False) -> Short:
    """Return the message of a PDU; `default` and `packed` are the meaning of data_coding 0 on this bind.

    Raises MalformedError for invalid bytes, UnsupportedError for a command without a message.
    """
    reader = Reader(pdu)
    reader.take(4)
    command = reader.number(4)
    if command not in (DELIVER_SM, DATA_SM):
        raise UnsupportedError("an SMPP command without a message: only deliver_sm and data_sm are published")
    reader.take(HEADER_BYTES - 8)
    reader.line()  # service_type
    ton, _, sender = reader.number(), reader.number(), reader.line()
    reader.take(2)
    to, esm_class = reader.line(), reader.number()
    coding, data = _sent(reader) if command == DELIVER_SM else _data(reader)
    options = _options(reader)
    data = options.get(_PAYLOAD, b"") if not data and _PAYLOAD in options else data
    report = esm_class & _KIND in _REPORTS or _UNMARKED.match(data) is not None
    return Short(
        sender=sender,
        to=to,
        data=data,
        format=of_smpp_coding(coding, default),
        headed=bool(esm_class & _HEADED),
        packed=packed,
        segment=_sar(options),
        report=report,
        named_sender=ton == _ALPHANUMERIC,
        extra=_receipt(data, options) if report else {},
    )


def _sent(reader: Reader) -> tuple[int, bytes]:
    reader.take(2)  # protocol_id, priority_flag
    reader.line(), reader.line()  # schedule_delivery_time, validity_period
    reader.take(2)  # registered_delivery, replace_if_present_flag
    coding, _, length = reader.number(), reader.number(), reader.number()
    return coding, reader.take(length)


def _data(reader: Reader) -> tuple[int, bytes]:
    reader.take(1)  # registered_delivery
    return reader.number(), b""


def _options(reader: Reader) -> Mapping[int, bytes]:
    """Return the optional parameters; the first of two with the same tag counts."""
    options: dict[int, bytes] = {}
    while reader.left >= 4:
        tag, length = reader.number(2), reader.number(2)
        options.setdefault(tag, reader.take(length))
    return options


def _sar(options: Mapping[int, bytes]) -> Segment | None:
    if not all(options.get(tag) for tag in (_REF, _TOTAL, _NUMBER)):
        return None
    reference, total, number = (int.from_bytes(options[tag], "big") for tag in (_REF, _TOTAL, _NUMBER))
    return sensible(f"sar-{reference}", total, number)


def _receipt(data: bytes, options: Mapping[int, bytes]) -> dict[str, str]:
    """Return the receipt of a sent message, without the words that it quotes."""
    told = {name.decode().replace(" ", "_"): plain(value) for name, value in _RECEIPT.findall(data)}
    if _RECEIPTED in options:
        told["id"] = plain(options[_RECEIPTED])
    if options.get(_STATE):
        told["message_state"] = str(options[_STATE][0])
    return told
