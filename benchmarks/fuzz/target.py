"""A target: one parser, what must hold whatever it is given, and inputs to begin with."""

from collections.abc import Callable
from typing import NamedTuple

from schemas.errors import ERROR_CODES, RecordError

JUNK = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\\u202e", "\u202e\u2066".encode(),
    b"&#0;", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"[" * 3000, b'{"a":' * 3000, b"<a>" * 300, b"9" * 5000,
    b"1e999", b"-", b'"', b"\r\n\r\n", "٣²".encode(), b"\xb2",
)  # fmt: skip
"""Pieces that break parsers: NUL, lone surrogates, bidi controls, entities, depth, numbers beyond any type."""


def explained(error: RecordError) -> None:
    """Check that an error has a code that is known and says briefly why, so that it quotes no body."""
    assert error.code in ERROR_CODES
    assert 0 < len(str(error)) < 300


class Target(NamedTuple):
    """`check` raises for a finding; `seeds` are inputs that are understood."""

    check: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def chosen(variants: tuple[tuple[Callable[[bytes], object], tuple[bytes, ...]], ...]) -> Target:
    """Return one target of several parsers: an input's first byte says which of them reads the rest."""

    def check(data: bytes) -> None:
        if data:
            variants[data[0] % len(variants)][0](data[1:])

    seeds = (bytes([number]) + seed for number, (_, given) in enumerate(variants) for seed in given)
    return Target(check, tuple(seeds))
