"""GSM (3GPP 23.040): one TPDU behind its service centre's address, as modems and SIM banks hand it over."""

import re

from normalizers.sms import alphabet
from normalizers.sms.coding import of_gsm_coding
from normalizers.sms.draft import Short
from normalizers.sms.reader import Reader
from schemas.errors import MalformedError

_DELIVER, _SUBMIT, _STATUS_REPORT = 0, 1, 2
_HEADED = 0x40
_VALIDITY_BYTES = (0, 7, 1, 7)
_ALPHANUMERIC = 5
_INTERNATIONAL = 1
_DIGITS = "0123456789*#abc"

_CENTRE_MOST = 12
"""Greatest first byte of a PDU: the length of the service centre's address (3GPP 24.011, 8.2.5.1, at most 11)."""

_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]+")


def octets(value: bytes) -> bytes:
    """Return the bytes of a PDU: of its hexadecimal digits, as modems write it, or as it is.

    No value is both: a digit as first byte would be an address of 48 bytes or more. Raises MalformedError.
    """
    digits = value.strip()
    if _HEXADECIMAL.fullmatch(digits):
        if len(digits) % 2:
            raise MalformedError("a PDU of an odd number of hexadecimal digits: one is missing")
        return bytes.fromhex(digits.decode("ascii"))
    if value and value[0] <= _CENTRE_MOST:
        return value
    raise MalformedError("not a PDU: write only its hexadecimal digits, without the modem's own text")


def read(value: bytes) -> Short:
    """Return the message of a PDU: received, sent, or the status report of a sent one. Raises MalformedError."""
    reader = Reader(octets(value))
    reader.take(reader.number())  # the service centre's address
    first = reader.number()
    kind = first & 3
    if kind == _STATUS_REPORT:
        return _report(reader)
    if kind == _SUBMIT:
        reader.take(1)  # message reference
    address, named = _address(reader)
    reader.take(1)  # protocol identifier
    scheme = reader.number()
    reader.take(_VALIDITY_BYTES[first >> 3 & 3] if kind == _SUBMIT else 7)
    return _message(reader, first, scheme, (address, "") if kind == _DELIVER else ("", address), named)


def _message(reader: Reader, first: int, scheme: int, parties: tuple[str, str], named: bool) -> Short:
    length, coding = reader.number(), of_gsm_coding(scheme)
    packed = coding == "gsm7"
    wanted = -(-length * 7 // 8) if packed else length
    return Short(
        sender=parties[0],
        to=parties[1],
        data=reader.take(min(wanted, reader.left)),  # modems cut what their memory has no room for
        format=coding,
        headed=bool(first & _HEADED),
        packed=packed,
        septets=length if packed else None,
        named_sender=named,
    )


def _report(reader: Reader) -> Short:
    reference, (address, named) = reader.number(), _address(reader)
    reader.take(14)  # when the service centre got it, and when it was settled
    told = {"id": str(reference), "stat": str(reader.number())}
    return Short(sender=address, to="", data=b"", format="gsm7", report=True, named_sender=named, extra=told)


def _address(reader: Reader) -> tuple[str, bool]:
    """Return an address, and whether it is a name."""
    digits, kind = reader.number(), reader.number() >> 4 & 7
    data = reader.take((digits + 1) // 2)
    if kind == _ALPHANUMERIC:
        return alphabet.decode(alphabet.unpack(data, digits * 4 // 7)), True
    number = "".join(_digit(half) for byte in data for half in (byte & 15, byte >> 4))[:digits]
    return ("+" + number if kind == _INTERNATIONAL and number else number), False


def _digit(half: int) -> str:
    if half == len(_DIGITS):
        return ""
    return _DIGITS[half]
