"""Writes winmail.dat as Outlook does, for tests: attributes, properties, files and messages in messages."""

import struct

SUBJECT, PLAIN, HTML, RTF, LONG_NAME, MIME, OBJECT = 0x0037, 0x1000, 0x1013, 0x1009, 0x3707, 0x370E, 0x3701


def pack(*attributes: bytes) -> bytes:
    """Return a stream of attributes."""
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def attribute(level: int, name: int, value: bytes, kind: int = 6) -> bytes:
    """Return one attribute with its checksum."""
    return struct.pack("<BHHI", level, name, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def codepage(number: int) -> bytes:
    """Return the attribute that says how strings are written."""
    return attribute(1, 0x9007, struct.pack("<II", number, 0))


def message(**properties: bytes) -> bytes:
    """Return the attribute of a message's own properties: subject, plain, html, rtf."""
    return attribute(1, 0x9003, _properties(properties))


def file(name: bytes, data: bytes, **properties: bytes) -> bytes:
    """Return the attributes of a file; `name` is what DOS could keep of it."""
    parts = [
        attribute(2, 0x9002, b"\1\0" + b"\xff" * 12),
        attribute(2, 0x8010, name + b"\0"),
        attribute(2, 0x800F, data),
    ]
    return b"".join([*parts, attribute(2, 0x9005, _properties(properties))] if properties else parts)


def inner(stream: bytes) -> bytes:
    """Return the attributes of a file that is a message."""
    begins = attribute(2, 0x9002, b"\5\0" + b"\xff" * 12)
    interface = bytes.fromhex("0703020000000000c000000000000046")
    return begins + attribute(2, 0x9005, _properties({"object": interface + stream}))


def _properties(properties: dict[str, bytes]) -> bytes:
    kinds = {
        "subject": (0x1E, SUBJECT), "plain": (0x1E, PLAIN), "unicode_plain": (0x1F, PLAIN), "html": (0x102, HTML),
        "rtf": (0x102, RTF), "long_name": (0x1E, LONG_NAME), "unicode_name": (0x1F, LONG_NAME), "mime": (0x1E, MIME),
        "object": (0x0D, OBJECT),
    }  # fmt: skip
    out = [struct.pack("<I", len(properties))]
    for name, value in properties.items():
        kind, number = kinds[name]
        padding = b"\0" * (-len(value) % 4)
        out.append(struct.pack("<HHII", kind, number, 1, len(value)) + value + padding)
    return b"".join(out)
