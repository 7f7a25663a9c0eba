"""Grounds: all that it rests on which words are found to be personal, as one digest.

Two processes that name the same grounds find the same in the same text; a program, a rule or a table of Python's that
differs anywhere makes it another digest.
"""

import hashlib
import json
import sys
import unicodedata
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import normalizers
import tickets
from normalizers.rules import DEFAULT_RULES, Rules, part

_LIBRARIES = ("ahocorasick-rs", "numpy", "opencc-python-reimplemented", "python-stdnum")
_READ = frozenset({".py", ".toml", ".tsv", ".csv", ".npz"})


@part()
def grounds(rules: Rules = DEFAULT_RULES) -> str:
    """Return the digest of the programs, rules and libraries by which personal words are found.

    It is to be asked before the first text comes: files that are changed later are not what this process has read.
    """
    digest = hashlib.sha256(sys.version.encode())
    versions = (unicodedata.unidata_version, *map(metadata.version, _LIBRARIES))
    digest.update("\n".join(versions).encode())
    for room in (normalizers, tickets):
        for name, content in _files(Path(room.__file__ or "").parent):
            digest.update(f"\n{room.__name__}/{name} {len(content)}\n".encode() + content)
    digest.update(json.dumps(rules.toml("names"), sort_keys=True).encode())
    return digest.hexdigest()


def _files(room: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the programs and rules of a room: all of them, as nobody would keep a list of those that matter."""
    for file in sorted(room.rglob("*")):
        if file.suffix in _READ and file.is_file():
            yield file.relative_to(room).as_posix(), file.read_bytes()
