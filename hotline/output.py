"""Output to a terminal or a file of lines: control and bidi characters are made visible.

A citizen's text may hold them. In JSON they are escaped, so that nothing is lost; anywhere else they are replaced.
"""

import re

import msgspec

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"
"""Marks, embeddings, overrides and isolates of UAX #9, and the deprecated ones beside them."""

_ELSEWHERE = "\u0085\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
"""Unicode's own line ends, which many readers of lines do not expect in a string; byte order marks, tags."""

_HIDDEN_IN_JSON = re.compile(f"[\x7f-\x9f{_BIDI}{_ELSEWHERE}]")
"""msgspec itself escapes characters below U+0020."""

_HIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_ELSEWHERE}]")
_BEYOND_BMP = 0x10000


def json_line(record: object) -> bytes:
    """Return one JSON object as UTF-8 on one line, with all control and bidi characters escaped."""
    return escaped(msgspec.json.encode(record))


def escaped(json: bytes) -> bytes:
    """Return JSON with its control and bidi characters as escapes: they can stand in its strings alone."""
    return json if json.isascii() and b"\x7f" not in json else _HIDDEN_IN_JSON.sub(_escape, json.decode()).encode()


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < _BEYOND_BMP:
        return f"\\u{code:04x}"
    high, low = divmod(code - _BEYOND_BMP, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def readable(text: str) -> str:
    """Return text that cannot move the cursor, colour the terminal or turn its line around."""
    return _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
