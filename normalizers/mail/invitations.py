"""Calendar files (RFC 5545): whether one asks something of its reader, and its words."""

import re

from normalizers.mail.charsets import to_text
from normalizers.mail.mime import Part

_CALENDAR = re.compile(
    r'^(?:SUMMARY|DESCRIPTION|LOCATION|COMMENT)(?:;(?:"[^"\n]*"|[^":\n])*)?:(.+)$', re.IGNORECASE | re.MULTILINE
)
_CALENDAR_FOLD = re.compile(rb"\r?\n[ \t]")
_CALENDAR_ESCAPE = re.compile(r"\\([nN,;\\])")
_METHOD = re.compile(rb"^METHOD\s*:\s*(\w+)", re.MULTILINE | re.IGNORECASE)


def asks(part: Part, data: bytes) -> bool:
    """Return whether this is an invitation or its answer, and not a mere calendar file."""
    found = _METHOD.search(data[:4096])
    method = part.content.text("method") or (found[1].decode() if found else "")
    return method.upper() in ("REQUEST", "REPLY", "CANCEL", "COUNTER")


def said(part: Part, data: bytes) -> list[str]:
    """Return the words of a calendar file, its long lines joined as bytes: they may be cut inside a character."""
    text = to_text(_CALENDAR_FOLD.sub(b"", data), part.content.text("charset"))
    found = [
        _CALENDAR_ESCAPE.sub(lambda match: match[1].replace("n", "\n").replace("N", "\n"), line)
        for line in _CALENDAR.findall(text)
    ]
    return ["\n".join(found)] if found else []
