"""Paths in the blob store: `<jurisdiction>/<message_id>/` holds the bytes of a message; checkpoints of assign."""

from collections.abc import Iterable

from msgspec import Struct

from schemas.envelope import Envelope

ENVELOPE = ".json"
"""Suffix of the envelope behind the digest of raw bytes."""

RAW = ".raw"
"""Suffix of an empty object that marks raw bytes under a `ce_dataref`, which are not an attachment."""

ERASED = "erased"
"""Name of an empty object: no bytes of this message may be stored again, even if they are read or fetched again."""

REDACTED = "redacted"
"""Name of an empty object: raw bytes may not be stored again, attachments may."""


class Archived(Struct, frozen=True, kw_only=True):
    """Content of an envelope: the attributes and Kafka key of a record, and its position."""

    envelope: Envelope
    conversation: str
    topic: str
    partition: int
    offset: int


def folder(jurisdiction: str, message_id: str) -> str:
    """Return the folder of one message, which holds all of its bytes."""
    return f"{jurisdiction}/{message_id}"


def raw_names(names: Iterable[str]) -> set[str]:
    """Return the names of raw bytes and their marks in a folder; all others are attachments."""
    beside = {name for name in names if name.endswith((ENVELOPE, RAW))}
    return beside | {name.removesuffix(ENVELOPE).removesuffix(RAW) for name in beside}


def checkpoints(partition: int) -> str:
    """Return the folder of the checkpoints of one partition."""
    return f"checkpoints/assign/{partition:05d}"
