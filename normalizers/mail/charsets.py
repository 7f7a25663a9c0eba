"""Bytes to text with unreliable labels: the declared charset first, then the evidence of the bytes."""

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

from charset_normalizer import from_bytes

from normalizers.rules import precompiled

_GUESS_BYTES = 8 * 1024
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_SUPERSETS = {
    "big5": "cp950",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "iso2022_jp": "iso2022_jp_2",
}
"""Senders mean the vendor's superset; the standard's own codec refuses characters that people use."""

_WESTERN = frozenset({"cp1252", "iso8859-1", "iso8859-15", "ascii"})
"""Labels that a mailer writes without looking; they fit any bytes, so they prove nothing."""

_GB_LABEL = precompiled.pattern(
    r"gbk?$|gb[-_ ]?(2312|18030|k)|^(x-)?gbk|cn-gb|csgb|chinese|euc-?cn|cp936|ms936|windows-?936"
)
_NON_ASCII = re.compile(rb"[\x80-\xff]")
_PAIRS = re.compile(rb"([\x81-\xfe])([\x40-\x7e\x80-\xfe])|[\x80-\xff]")
_PROVES_UTF8 = precompiled.pattern(
    r"[\u2010-\u2bff\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef\U0001f000-\U0001faff\U00020000-\U000323af]"
)
"""Characters of three and four bytes that people use, emoji included; other bytes may be pairs of GBK by chance."""

_PICTURE = precompiled.pattern("[\U0001f000-\U0001faff]")
_HAN = precompiled.pattern(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
_ASCII_LETTER = precompiled.pattern(r"[A-Za-z]")
_BIG5_COMMON = precompiled.pattern("[的是我有不在了人這個們來說請為時要會於及]")
_UNWANTED = precompiled.pattern("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufeff]")


class Reading(NamedTuple):
    """A text, and whether nothing proves it: then its letters may be others."""

    text: str
    guessed: bool


def to_text(data: bytes, label: str | None = None) -> str:
    """Return the text of `data`; never fails, and prefers the charset that the bytes prove over the label."""
    return read(data, label).text


def read(data: bytes, label: str | None = None, *, guess: bool = False) -> Reading:
    """Return the text of `data`, and whether it is only a guess.

    `guess` allows the statistical detector, which takes tens of milliseconds and needs more than a few words.
    """
    if data.isascii() and b"\x1b" not in data and not (label and _stateful(label)):
        return Reading(clean(data.decode("ascii")), guessed=False)
    codec = codec_of(label)
    text = _declared(data, codec) if codec is not None else None
    if text is None:
        text = _recognised(data)
    if text is not None:
        return Reading(clean(text), guessed=False)
    return Reading(clean(_last_resort(data, guess and codec is None)), guessed=True)


def labelled(data: bytes, label: str | None) -> str | None:
    """Return the text of raw bytes without a label, by the label of their neighbours.

    A label counts if its charset has its own letters: any bytes are valid Western text, and UTF-8 proves itself.
    """
    codec = codec_of(label)
    if codec is None or codec in _WESTERN or codec.startswith("utf") or _strict(data, "utf-8") is not None:
        return None
    text = _declared(data, codec)
    return clean(text) if text is not None else None


def clean(text: str) -> str:
    """Return `text` with unix line ends and without control characters, byte order marks and lone surrogates."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWANTED.sub("", text).replace("\x0c", "\n")


def _stateful(label: str) -> bool:
    """Return whether seven-bit bytes under this label are more than ASCII."""
    low = label.lower()
    return "utf-7" in low or "hz" in low or "utf-16" in low or "utf-32" in low


@lru_cache(maxsize=512)
def codec_of(label: str | None) -> str | None:
    """Return the Python codec for a charset label, or None when there is none; any GB label means GB 18030."""
    name = (label or "").strip(" \t\r\n\"'`").lower()
    if not name or len(name) > 64:
        return None
    if _GB_LABEL.search(name) and not name.startswith("hz"):
        return "gb18030"
    for candidate in (name, name.removeprefix("x-"), name.replace("_", "-"), name.replace("windows-", "cp")):
        found = _lookup(candidate)
        if found is not None:
            return found
    return None


def _lookup(name: str) -> str | None:
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if info.name in _NOT_CHARSETS or not getattr(info, "_is_text_encoding", True):
        return None
    return _SUPERSETS.get(info.name, info.name)


def _declared(data: bytes, codec: str) -> str | None:
    """Return the text under its label, or None when the bytes contradict it."""
    if codec == "gb18030" or codec in _WESTERN:
        utf8 = _strict(data, "utf-8")
        if utf8 is not None and (codec != "gb18030" or _is_utf8(utf8, data)):
            return utf8
    if codec in _WESTERN and looks_gb(data, sure=True):
        return _strict(data, "gb18030")
    text = _strict(data, codec)
    if text is None and codec in ("utf-8", "gb18030"):
        return _mostly(data, codec)
    return text


def _is_utf8(utf8: str, data: bytes) -> bool:
    """Return whether bytes that are labelled GBK, and are valid UTF-8, are UTF-8.

    An emoji is no chance, nor are three characters of three bytes, or two of which one is an everyday one. Fewer may
    be GBK as well: 绠丗 in GBK is 箁F in UTF-8, and then only the label is left.
    """
    proofs = _PROVES_UTF8.findall(utf8)
    if len(proofs) > 2 or _PICTURE.search(utf8) or _strict(data, "gb18030") is None:
        return bool(proofs)
    return len(proofs) == 2 and any(map(_is_everyday, proofs))


def _is_everyday(character: str) -> bool:
    code = character.encode("gb18030")
    return len(code) == 2 and _is_common(code[0], code[1])


def _recognised(data: bytes) -> str | None:
    """Return the text in the charset that the bytes themselves show."""
    if b"\x1b$" in data and (text := _strict(data, "iso2022_jp_2")) is not None:
        return text
    if (text := _strict(data, "utf-8")) is not None:
        return text
    if (text := _chinese(data)) is not None:
        return text
    for codec in ("utf-8", "gb18030"):
        if (text := _mostly(data, codec)) is not None:
            return text
    return None


def _chinese(data: bytes) -> str | None:
    if not looks_gb(data, sure=True) and (big5 := _strict(data, "cp950")) is not None and _BIG5_COMMON.search(big5):
        return big5
    return _strict(data, "gb18030") if looks_gb(data) else None


def _last_resort(data: bytes, guess: bool) -> str:
    best = from_bytes(data[:_GUESS_BYTES]).best() if guess and _is_long(data) else None
    if best is not None and (text := _strict(data, best.encoding)) is not None:
        return text
    if (chinese := _strict(data, "gb18030")) is not None and _is_han(chinese):
        return chinese
    return data.decode("cp1252", "replace") if _strict(data, "cp1252") is not None else data.decode("latin-1")


def _is_han(text: str) -> bool:
    """Return whether rare characters, as in a name, look like accents between Western letters in GBK."""
    han = len(_HAN.findall(text))
    return han >= len(_ASCII_LETTER.findall(text)) and han == sum(1 for one in text if one > "\x7f")


def _is_long(data: bytes) -> bool:
    return len(_NON_ASCII.findall(data[:_GUESS_BYTES])) >= 24


def looks_gb(data: bytes, *, sure: bool = False) -> bool:
    """Return whether the high bytes come in the pairs of written Chinese and not as single accents.

    In GBK nearly every second byte is a high one as well; in a Western text an accent is followed by a letter.
    """
    sample = data[: 16 * _GUESS_BYTES]
    pairs = sum(1 for _ in _PAIRS.finditer(sample))
    common = sum(1 for match in _PAIRS.finditer(sample) if match[2] and _is_common(match[1][0], match[2][0]))
    return common >= 2 and common >= 0.8 * pairs if sure else common >= 0.5 * pairs


def _is_common(lead: int, trail: int) -> bool:
    """Return whether a character is in GB 2312's first level, or its punctuation: nine of ten in any Chinese text."""
    return trail >= 0xA1 and (0xB0 <= lead <= 0xD7 or 0xA1 <= lead <= 0xA3)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (ValueError, LookupError):
        return None


def _mostly(data: bytes, codec: str) -> str | None:
    """Return the text when only a few bytes are wrong, as in a mail that was cut inside a character."""
    if codec == "gb18030" and not looks_gb(data):
        return None
    for cut in range(1, 4):
        if len(data) > cut + 1 and (text := _strict(data[:-cut], codec)) is not None:
            return None if text.isascii() else text + "\ufffd"
    text = data.decode(codec, "replace")
    wrong = text.count("\ufffd")
    right = sum(1 for _ in _NON_ASCII.finditer(data)) // (3 if codec == "utf-8" else 2) - wrong
    return text if right >= 4 * wrong else None
