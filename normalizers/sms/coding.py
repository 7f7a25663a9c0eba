"""From a message's bytes to its text: the coding that the network names, and a ladder for when it is wrong."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from normalizers.sms import alphabet

Format = Literal["gsm7", "ascii", "latin1", "binary", "ucs2", "gb", "cyrillic", "hebrew", "jis", "korean"]
"""Kind of a message's bytes; `gsm7` is always unpacked, one septet a byte."""

_FIRST_THREE_BYTE_CHARACTER = "\u0800"
_CLASS_GROUPS = (0x10, 0x20, 0x30)


class Decoded(NamedTuple):
    """A text; `read_as` is the coding if it was not the declared one; None for bytes that are no text."""

    text: str | None
    read_as: str | None = None


def decode(data: bytes, named: Format) -> Decoded:
    """Return the text of `data`, which the network says to be `named`; never raises, nothing readable is dropped."""
    if not data:
        return Decoded("")
    text = _strictly(_READERS[named], data)
    if text is not None:
        return Decoded(text)
    for read_as, text in _ladder(data, named):
        if text is not None:
            return Decoded(text, read_as)
    return Decoded(None, "binary")


def of_gsm_coding(scheme: int) -> Format:
    """Return the coding of a GSM data coding scheme (3GPP 23.038)."""
    if scheme & 0xC0 == 0 or scheme & 0xF0 == 0xF0:  # bits 3 and 2; for F8 phones follow the general rule
        return _ALPHABETS[scheme >> 2 & 3]
    return "ucs2" if scheme & 0xF0 == 0xE0 else "gsm7"


def of_smpp_coding(coding: int, default: Format) -> Format:
    """Return the coding of SMPP's data_coding; 0 is the SMSC's own alphabet, above 15 it is a GSM scheme."""
    if coding == 0:
        return default
    if coding < min(_CLASS_GROUPS):
        return _SMPP.get(coding, "binary")
    found = of_gsm_coding(coding)
    return default if found == "gsm7" else found


def of_cmpp_format(number: int) -> Format:
    """Return the coding of CMPP's Msg_Fmt."""
    return _CMPP.get(number, "binary")


def _ladder(data: bytes, named: Format) -> Iterator[tuple[str, str | None]]:
    """Yield other possible codings, most likely first; the last text coding fits any bytes."""
    yield "utf-8", _utf8(data)
    if named == "binary":
        return
    if named == "ucs2":  # of odd length or with half a pair: nearly any bytes are GB 18030, few are GB 2312
        yield "gb2312", _shown(_strictly(_reader("gb2312"), data))
        yield "utf-16-be", data.decode("utf-16-be", "replace")
    if named == "gb":
        yield "gb18030", data.decode("gb18030", "replace")
    yield "gb18030", _shown(_strictly(_reader("gb18030"), data))
    yield "latin-1", data.decode("latin-1")


def _strictly(read: Callable[[bytes], str | None], data: bytes) -> str | None:
    try:
        return read(data)
    except UnicodeError:
        return None


def _reader(codec: str) -> Callable[[bytes], str]:
    return lambda data: data.decode(codec)


def _utf8(data: bytes) -> str | None:
    """Return a text that is UTF-8 beyond doubt: with characters of three bytes, which GB is hardly ever by chance."""
    text = _shown(_strictly(_reader("utf-8"), data))
    return text if text is not None and (text.isascii() or max(text) >= _FIRST_THREE_BYTE_CHARACTER) else None


def _shown(text: str | None) -> str | None:
    """Return a text without control characters; they speak against a guess."""
    return None if text is None or any(c < " " and c not in "\t\n\r" for c in text) else text


def _gsm7(data: bytes) -> str | None:
    return alphabet.decode(data) if max(data) < 0x80 else None


def _ucs2(data: bytes) -> str | None:
    """Phones send UTF-16: surrogate pairs for emoji; a byte order mark is obeyed."""
    if data[:2] == b"\xff\xfe":
        return data[2:].decode("utf-16-le")
    return data.removeprefix(b"\xfe\xff").decode("utf-16-be")


def _gb(data: bytes) -> str | None:
    """Return GB 18030, unless it is UTF-8 beyond doubt."""
    return data.decode("gb18030") if data.isascii() or _utf8(data) is None else None


def _binary(data: bytes) -> str | None:
    return None


_READERS: Mapping[Format, Callable[[bytes], str | None]] = MappingProxyType(
    {
        "gsm7": _gsm7,
        "ascii": _reader("ascii"),
        "latin1": _reader("latin-1"),
        "binary": _binary,
        "ucs2": _ucs2,
        "gb": _gb,
        "cyrillic": _reader("iso8859-5"),
        "hebrew": _reader("iso8859-8"),
        "jis": _reader("iso2022_jp"),
        "korean": _reader("euc-kr"),
    }
)

_ALPHABETS: tuple[Format, ...] = ("gsm7", "binary", "ucs2", "gsm7")

_SMPP: Mapping[int, Format] = MappingProxyType(
    {1: "ascii", 3: "latin1", 6: "cyrillic", 7: "hebrew", 8: "ucs2", 10: "jis", 14: "korean", 15: "gb"}
)

_CMPP: Mapping[int, Format] = MappingProxyType({0: "ascii", 3: "ascii", 4: "binary", 8: "ucs2", 15: "gb"})
