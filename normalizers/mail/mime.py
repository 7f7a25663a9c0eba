"""Parts of a mail, cut out of the bytes: iterative and limited, every leaf a slice of the original bytes.

The standard library's parser recurses (5,000 nested multiparts end it), takes seconds for 100,000 header lines and
does not return the exact bytes of a nested mail; this one counts before it descends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from normalizers.mail.encodings import decoded
from normalizers.mail.headers import Headers, split_header
from normalizers.mail.params import Parameters

MAX_DEPTH = 64
"""Depth of multiparts; a deeper one is one leaf, kept whole."""

MAX_PARTS = 1_000
"""Parts of one mail; the rest stays in the last one."""

_MAX_CANDIDATES = 20_000
_GUESSED_BOUNDARY = re.compile(rb"(?:\A|\n)--([^\s-][^\r\n]{0,200}?|-[^\r\n]{0,200}?\w[^\r\n]{0,200}?)[ \t]*\r?\n")


@dataclass(slots=True)
class Part:
    """One part: its header, its body as it came, and its parts if it is a multipart."""

    headers: Headers
    body: bytes
    depth: int = 0
    default_type: str = "text/plain"
    content: Parameters = field(init=False)
    disposition: Parameters = field(init=False)
    children: list["Part"] = field(default_factory=list)
    too_deep: bool = False

    def __post_init__(self) -> None:
        self._read_parameters()

    def relabel(self, label: str | None) -> None:
        """Read raw bytes in the header by a charset."""
        self.headers.relabel(label)
        self._read_parameters()

    def _read_parameters(self) -> None:
        self.content = Parameters.of(self.headers.first("content-type"))
        self.disposition = Parameters.of(self.headers.first("content-disposition"))

    @property
    def media_type(self) -> str:
        """Return type/subtype in lower case; the default if the header is missing or invalid."""
        value = self.content.value
        if value == "text":
            return "text/plain"
        return value if _TYPE.fullmatch(value) else self.default_type

    @property
    def is_multipart(self) -> bool:
        """Return whether the body was cut into parts."""
        return bool(self.children)

    def data(self) -> bytes:
        """Return the body without its transfer encoding."""
        encoding = self.headers.text("content-transfer-encoding") or ""
        return decoded(self.body, encoding, is_text=self.media_type.startswith(("text/", "message/")))


_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


def parse(data: bytes) -> Part:
    """Return the tree of a mail."""
    header, body = split_header(data, root=True)
    root = Part(Headers.of(header), body)
    budget, waiting, parts = MAX_PARTS, [root], [root]
    while waiting:
        part = waiting.pop()
        if not part.media_type.startswith("multipart/"):
            continue
        if part.depth >= MAX_DEPTH:
            part.too_deep = True
            continue
        part.children = list(_children(part, budget))
        budget -= len(part.children)
        waiting.extend(part.children)
        parts.extend(part.children)
    _relabel(parts)
    return root


def _relabel(parts: list[Part]) -> None:
    """Read raw bytes in headers by the charset that a body names."""
    raw = [part for part in parts if part.headers.is_raw]
    if raw:
        label = next((found for part in parts if (found := part.content.text("charset"))), None)
        for part in raw:
            part.relabel(part.content.text("charset") or label)


def _children(part: Part, budget: int) -> Iterator[Part]:
    default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
    for start, end, body in _pieces(part, budget):
        header, content = split_header(body[start:end])
        yield Part(Headers.of(header), content, part.depth + 1, default)


def _pieces(part: Part, budget: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield the slices between the delimiters; a wrong or missing boundary is looked for in the body itself."""
    for body, boundaries in _attempts(part):
        marks = sorted(mark for boundary in boundaries for mark in _delimiters(body, boundary, budget))
        if marks:
            yield from _between(body, marks)
            return


def _attempts(part: Part) -> Iterator[tuple[bytes, list[bytes]]]:
    named = list({boundary.strip(): None for boundary in part.content.all_raw("boundary")[:3] if boundary.strip()})
    yield part.body, named
    guess = _GUESSED_BOUNDARY.search(part.body)
    if guess and b"--" + guess[1] + b"--" in part.body:
        yield part.body, [guess[1]]
    if named and (body := part.data()) is not part.body:  # a multipart must not be encoded; some are
        yield body, named


def _delimiters(body: bytes, boundary: bytes, budget: int) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, closing) of each delimiter line; the line end before it belongs to it."""
    mark, position, found = b"--" + boundary, 0, 0
    for _ in range(_MAX_CANDIDATES):
        at = body.find(mark, position)
        if at < 0 or found >= budget:
            return
        position = at + len(mark)
        end = body.find(b"\n", position)
        end = len(body) if end < 0 else end
        rest = body[position : min(end, position + 80)].strip()
        if (at == 0 or body[at - 1] == 10) and rest in (b"", b"--"):
            found += 1
            yield _line_end_before(body, at), min(end + 1, len(body)), rest == b"--"


def _line_end_before(body: bytes, at: int) -> int:
    if at and body[at - 1] == 10:
        at -= 1
    if at and body[at - 1] == 13:
        at -= 1
    return at


def _between(body: bytes, marks: list[tuple[int, int, bool]]) -> Iterator[tuple[int, int, bytes]]:
    """Yield the parts; after a closing delimiter comes an epilogue, unless the same delimiter goes on."""
    for index, (_, end, closing) in enumerate(marks):
        if closing:
            continue
        until = marks[index + 1][0] if index + 1 < len(marks) else len(body)
        yield end, max(until, end), body
