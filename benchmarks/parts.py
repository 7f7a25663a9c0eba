"""What single parts cost beside what the standard library has: `python -m benchmarks.parts`.

JSON of a message and of a ticket (msgspec beside `json`), and a text's fingerprint (xxh3 beside SHA-256 and BLAKE2b).
µs of CPU each, the least of five rounds.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable

import msgspec
import xxhash

from benchmarks.normalize import neutral, text_of
from benchmarks.sink import ticket
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.codec import decode, encode
from schemas.records import Message, Ticket

ROUNDS, TURNS = 5, 2_000


@dataclasses.dataclass(frozen=True)
class Measured:
    """One part: its name, and what it takes."""

    name: str
    run: Callable[[], object]

    def micros(self) -> float:
        """Return µs of CPU of one run."""
        least = float("inf")
        for _ in range(ROUNDS):
            began = time.process_time()
            for _ in range(TURNS):
                self.run()
            least = min(least, time.process_time() - began)
        return least / TURNS * 1_000_000


def parts() -> list[Measured]:
    """Return what is measured."""
    message, one = normalize(neutral(1), Policy()).message, ticket(1)
    found: list[Measured] = []
    for name, record, kind in (("message", message, Message), ("ticket", one, Ticket)):
        value = encode(record)
        plain = msgspec.to_builtins(record)
        found += [
            Measured(f"{name} of {len(value):,} bytes written, msgspec", lambda record=record: encode(record)),  # type: ignore[misc]
            Measured(f"{name}, plain objects written, json", lambda plain=plain: json.dumps(plain)),  # type: ignore[misc]
            Measured(f"{name} read into its record, msgspec", lambda value=value, kind=kind: decode(value, kind)),  # type: ignore[misc]
            Measured(f"{name} read into plain objects, json", lambda value=value: json.loads(value)),  # type: ignore[misc]
        ]
    text = text_of(1).encode()
    return [
        *found,
        Measured(f"fingerprint of {len(text)} bytes, xxh3", lambda: xxhash.xxh3_64_intdigest(text)),
        Measured("the same, SHA-256", lambda: hashlib.sha256(text).digest()),
        Measured("the same, BLAKE2b", lambda: hashlib.blake2b(text, digest_size=8).digest()),
    ]


def main() -> None:
    """Print the figures."""
    for part in parts():
        print(f"{part.name:<55} {part.micros():>8.2f} µs", flush=True)


if __name__ == "__main__":
    main()
