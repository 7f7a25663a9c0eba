"""GSM 03.38: the default alphabet of short messages, unpacked (a septet a byte) and packed (eight in seven bytes)."""

from collections.abc import Mapping
from types import MappingProxyType

ESCAPE = 0x1B

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

EXTENDED: Mapping[int, str] = MappingProxyType(
    {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}
)

_ESCAPED: Mapping[str, int] = MappingProxyType({character: code for code, character in EXTENDED.items()})


def encode(text: str) -> bytes | None:
    """Return a text as septets, one a byte; None when a character is not in the alphabet."""
    septets = bytearray()
    for character in text:
        if character in _ESCAPED:
            septets += bytes((ESCAPE, _ESCAPED[character]))
        elif (code := BASIC.find(character)) >= 0 and code != ESCAPE:
            septets.append(code)
        else:
            return None
    return bytes(septets)


def decode(septets: bytes) -> str:
    """Return the text of septets below 0x80; an invalid escape stays, and so does the next character."""
    characters: list[str] = []
    escaped = False
    for septet in septets:
        if escaped:
            characters[-1:] = [EXTENDED.get(septet) or characters[-1] + BASIC[septet]]
        else:
            characters.append(BASIC[septet])
        escaped = septet == ESCAPE and not escaped
    return "".join(characters)


def unpack(data: bytes, count: int | None = None, fill_bits: int = 0) -> bytes:
    """Return packed septets, one a byte; the `fill_bits` after a header are skipped.

    Without `count`, a carriage return or an @ that only fills the last byte is dropped, as the sender cannot say.
    """
    bits = int.from_bytes(data, "little") >> fill_bits
    there = (len(data) * 8 - fill_bits) // 7
    wanted = there if count is None else min(count, there)
    septets = bytes((bits >> 7 * number) & 0x7F for number in range(wanted))
    filler = count is None and len(data) % 7 == 0 and septets[-1:] in (b"\0", b"\r")
    return septets[:-1] if filler else septets
