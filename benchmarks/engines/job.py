"""The job that every engine does: read a message, NFKC, fingerprint, judge whether its city said this before, write.

Engines run in virtual environments of their own, so nothing of `hotline` is imported here: `nfkc` is loaded by its
path. Every input leads to one output, so that an output tells all that can go wrong: an input without one is lost, one
with two is doubled, and a text of a city that is new never, or twice, is misjudged.
"""

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import xxhash

PARTITIONS = 4
CITIES = ("110100", "440300", "500100", "310100")
"""Each has the partition of its place here, as `schemas.ids.partition_of` counts, in the input and in the output."""

COMMIT_SECONDS = 1.0
SESSION_SECONDS = 10.0
"""The same for all, where it can be set; a killed worker's partitions move after the session."""

_TEXT = Path(__file__).resolve().parents[2] / "normalizers" / "text" / "fold.py"


class Incoming(msgspec.Struct):
    """What the job reads of a message."""

    id: str
    city: str
    text: str


class Judged(msgspec.Struct):
    """What the job writes of each; `place` is the offset of its input, where an engine knows it."""

    id: str
    city: str
    text: str
    fingerprint: int
    new: bool
    place: int = -1


class Place(NamedTuple):
    """How a worker is started: by these words, in this order."""

    broker: str
    source: str
    target: str
    group: str
    folder: str

    @classmethod
    def of_argv(cls) -> "Place":
        """Read the command line."""
        return cls(*sys.argv[1:6])


def _loaded_nfkc() -> Any:
    spec = importlib.util.spec_from_file_location("text", _TEXT)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{_TEXT} cannot be loaded")
    text = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(text)
    return text.nfkc


_nfkc = _loaded_nfkc()
_read = msgspec.json.Decoder(Incoming).decode
write = msgspec.json.Encoder().encode


def understood(value: bytes) -> Judged:
    """Parse, NFKC, fingerprint; whether it is new is judged by the engine's state."""
    message = _read(value)
    text = _nfkc(message.text)
    return Judged(message.id, message.city, text, xxhash.xxh3_64_intdigest(text.encode()), False)


_begun = False


def begin() -> None:
    """Note the time and the CPU seconds at the first message; the parent takes both again at the last output."""
    global _begun
    if not _begun:
        _begun = True
        spent = json.dumps({"at": time.time(), "cpu": time.process_time()})
        part = Path(sys.argv[5]) / f"begun.{os.getpid()}"
        part.write_text(spent)
        part.rename(Path(sys.argv[5]) / "begun.json")
