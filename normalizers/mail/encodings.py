"""Decodes Content-Transfer-Encoding leniently: undecodable bytes stay unchanged."""

import binascii
import re

# format=flowed (RFC 3676): lines that end in a space go on in the next one of the same quote depth.

_QUOTES = re.compile(r"^(>*)( ?)")


def unflowed(text: str, *, delsp: bool) -> str:
    """Return `text` with its paragraphs on one line each."""
    out: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        depth, content = _parted(line)
        flows = content.endswith(" ") and content != "-- "
        piece = content[:-1] if flows and delsp else content
        if open_depth == depth and content != "-- ":
            out[-1].append(piece)
        else:
            out.append([">" * depth + " ", piece] if depth else [piece])
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) for pieces in out)


def _parted(line: str) -> tuple[int, str]:
    """Return the quote depth and the line without quote marks and without its stuffed space."""
    match = _QUOTES.match(line)
    depth = len(match[1]) if match else 0
    return depth, line[match.end() if match else 0 :]


_BASE64_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n"
_NOT_BASE64_BYTES = bytes(set(range(256)) - set(_BASE64_BYTES.strip()))
_SOFT_BREAK = re.compile(rb"=[ \t]+(\r?\n)")
_BEGIN = re.compile(rb"^begin[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,255}?)[ \t]*\r?$", re.MULTILINE)
_END = re.compile(rb"^end[ \t]*\r?$", re.MULTILINE)


def decoded(body: bytes, encoding: str, *, is_text: bool) -> bytes:
    """Return the body without its transfer encoding; the names of encodings are read generously."""
    name = encoding.split(";")[0].strip(" \t\"'").lower()
    if "base64" in name:
        return _base64(body, is_text=is_text)
    if "quoted" in name:
        return binascii.a2b_qp(_SOFT_BREAK.sub(rb"=\1", body))
    if name in ("x-uuencode", "uuencode", "uue", "x-uue"):
        _, files = split_uuencoded(body)
        return files[0][1] if files else body
    return body


def _base64(body: bytes, *, is_text: bool) -> bytes:
    if is_text and _is_plain(body):
        return body
    kept = body.translate(None, _NOT_BASE64_BYTES)
    return b"".join(_segment(piece) for piece in kept.split(b"=") if piece)


def _is_plain(body: bytes) -> bool:
    """Return whether a text labelled base64 was never encoded: it has characters that base64 lacks."""
    strange = len(body.translate(None, _BASE64_BYTES))
    longest = max(map(len, body.split()), default=0)
    return strange * 20 > len(body) or (b" " in body.strip() and longest < 20)


def _segment(piece: bytes) -> bytes:
    """Decode one padded run; several of them stand in one body when a mailer encodes block by block."""
    piece = piece[:-1] if len(piece) % 4 == 1 else piece
    return binascii.a2b_base64(piece + b"=" * (-len(piece) % 4))


def split_uuencoded(text: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the text without its uuencoded files, and the files as (name, bytes)."""
    files: list[tuple[bytes, bytes]] = []
    kept, position = [], 0
    while (begin := _BEGIN.search(text, position)) and (end := _END.search(text, begin.end())):
        data = _uudecoded(text[begin.end() : end.start()])
        kept.append(text[position : end.end() if data is None else begin.start()])
        if data is not None:
            files.append((begin[1], data))
        position = end.end()
    return b"".join([*kept, text[position:]]), files


def _uudecoded(block: bytes) -> bytes | None:
    """Decode the lines of one file; None when one of them cannot be such a line."""
    out = []
    for line in block.splitlines():
        if not line.strip():
            continue
        try:
            out.append(_uuline(line))
        except binascii.Error:
            return None
    return b"".join(out)


def _uuline(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:  # trailing garbage: the first character says how many count
        count = (((line[0] - 32) & 63) * 4 + 5) // 3
        return binascii.a2b_uu(line[:count])
