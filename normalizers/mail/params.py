"""Parameters of Content-Type and Content-Disposition: RFC 2045, RFC 2231 and deviations of mail programs."""

import re
from itertools import groupby
from operator import itemgetter
from urllib.parse import unquote_to_bytes

from normalizers.mail.charsets import to_text
from normalizers.mail.encoded_words import decode_words, one_line

_MAX_PARAMETERS = 200
_PARAMETER = re.compile(
    rb"[;\s]\s*([^\s=;\"]{1,100})\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|=\?[^?]*\?[bBqQ]\?.*?\?=(?:\s*=\?[^?]*\?[bBqQ]\?.*?\?=)*|[^;]*)"
)
_HEAD = re.compile(rb"\s*([^;\s]*)")
_SECTION = re.compile(r"^([^*]+)\*(?:(\d{1,4})(\*)?)?$")
_ESCAPED = re.compile(rb"\\([\"\\])")
_PATH = re.compile(r"^.*[/\\]")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class Parameters:
    """A header value with parameters: `value` in lower case, parameters by name in lower case."""

    __slots__ = ("_extended", "_plain", "_repeated", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        self._plain: dict[str, bytes] = {}
        self._repeated: dict[str, list[bytes]] = {}
        self._extended: dict[str, dict[int, tuple[bytes, bool]]] = {}

    @classmethod
    def of(cls, header: bytes) -> "Parameters":
        """Read a header value; garbage gives no parameters."""
        head = _HEAD.match(header)
        value, start = (head[1], head.end()) if head else (b"", 0)
        found = cls(value.decode("ascii", "replace").lower())
        for count, match in enumerate(_PARAMETER.finditer(header, start)):
            if count >= _MAX_PARAMETERS:
                break
            found._store(match[1].decode("ascii", "replace").lower(), _unquoted(match[2]))
        return found

    def _store(self, name: str, value: bytes) -> None:
        section = _SECTION.match(name)
        if section is not None:
            encoded = section[2] is None or section[3] is not None
            self._extended.setdefault(section[1], {}).setdefault(int(section[2] or 0), (value, encoded))
        elif name in self._plain:
            self._repeated.setdefault(name, []).append(value)
        else:
            self._plain[name] = value

    def raw(self, name: str) -> bytes:
        """Return a parameter as bytes, or nothing."""
        return self._plain.get(name, b"") or b"".join(piece for piece, _ in self._sections(name))

    def all_raw(self, name: str) -> list[bytes]:
        """Return a parameter's values, several when it is repeated, as bytes."""
        return [value for value in (self.raw(name), *self._repeated.get(name, ())) if value]

    def text(self, name: str) -> str | None:
        """Return a parameter as text: RFC 2231 sections first, then encoded words, then raw bytes."""
        sections = self._sections(name)
        if sections:
            return one_line(_joined(sections)) or None
        return decode_words(self._plain.get(name, b"")) or None

    def _sections(self, name: str) -> list[tuple[bytes, bool]]:
        found = self._extended.get(name, {})
        return [found[number] for number in sorted(found)]


def _unquoted(value: bytes) -> bytes:
    value = value.strip()
    if value.startswith(b'"'):
        return _ESCAPED.sub(rb"\1", value[1:].removesuffix(b'"'))
    return value


def _joined(sections: list[tuple[bytes, bool]]) -> str:
    """Join the sections' bytes, then decode: a character may be cut between two of them."""
    charset, data = b"", b""
    first, encoded = sections[0]
    if encoded and first.count(b"'") >= 2:
        charset, _, first = first.split(b"'", 2)
    for is_encoded, run in groupby([(first, encoded), *sections[1:]], key=itemgetter(1)):
        joined = b"".join(piece for piece, _ in run)  # before decoding: a cut may stand inside of "%B5", too
        data += unquote_to_bytes(joined) if is_encoded else joined
    if b"=?" in data:
        return decode_words(data)
    return to_text(data, charset.decode("ascii", "replace") or None)


def base_name(name: str | None) -> str | None:
    """Return a file name without any path, control or direction-changing characters; None when nothing is left."""
    if not name:
        return None
    kept = _PATH.sub("", _FORBIDDEN.sub("", name)).strip(" \t\"'")
    return kept[:255] if kept.strip(". ") else None
