"""RFC 2047 encoded words and raw bytes in headers: the words of one charset are joined as bytes, then decoded."""

import binascii
import re

from normalizers.mail.charsets import to_text

_WORD = re.compile(rb"=\?([^?\s*]{1,64})(?:\*[^?\s]{0,32})?\?([bBqQ])\?([^\r\n]{0,4000}?)\?=")
_PLAIN = re.compile(rb"[!-~]+")
_SPACES = re.compile(r"[\s\u200b]+")


def decode_words(value: bytes) -> str:
    """Return a header value as text on one line."""
    if b"=?" not in value:
        if _PLAIN.fullmatch(value):
            return value.decode("ascii")
        return one_line(to_text(value))
    return one_line("".join(_pieces(value)))


def one_line(text: str) -> str:
    """Fold all white space into single spaces."""
    return _SPACES.sub(" ", text).strip()


def _pieces(value: bytes) -> list[str]:
    out: list[str] = []
    charset, pending, position = b"", b"", 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        adjacent = position > 0 and not between.strip()
        if not (adjacent and match[1].lower() == charset):
            out.append(_text(pending, charset))
            pending = b""
        if not adjacent:
            out.append(to_text(between))
        charset, position = match[1].lower(), match.end()
        pending += _unquoted(match[3]) if match[2] in b"qQ" else _base64(match[3])
    return [*out, _text(pending, charset), to_text(value[position:])]


def _text(data: bytes, charset: bytes) -> str:
    return to_text(data, charset.decode("ascii", "replace")) if data else ""


def _unquoted(data: bytes) -> bytes:
    return binascii.a2b_qp(data, header=True)


def _base64(data: bytes) -> bytes:
    """Decode leniently: a cut word loses its last character, not the title."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
