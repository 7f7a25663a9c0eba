"""What lies in the blob store: under `<jurisdiction>/<message_id>/` the bytes of a message; checkpoints of assign."""

from collections.abc import Iterable

from msgspec import Struct

from schemas.envelope import Envelope

ENVELOPE = ".json"
"""Behind the digest of raw bytes: the name of their envelope."""

RAW = ".raw"
"""Behind the digest of raw bytes under a `ce_dataref`: an empty object that tells them from an attachment."""

ERASED = "erased"
"""An empty object: no bytes of this message may lie here again, whatever is read or fetched a second time."""

REDACTED = "redacted"
"""An empty object: the bytes as they came may not lie here again; attachments may."""


class Archived(Struct, frozen=True, kw_only=True):
    """What an envelope's object says: the attributes as they came, the Kafka key, and where the record stood."""

    envelope: Envelope
    conversation: str
    topic: str
    partition: int
    offset: int


def folder(jurisdiction: str, message_id: str) -> str:
    """Return the folder of one message: all that is kept of its bytes lies there and nowhere else."""
    return f"{jurisdiction}/{message_id}"


def raw_names(names: Iterable[str]) -> set[str]:
    """Return which objects of a folder are bytes as they came, and what stands beside them; others are attachments."""
    beside = {name for name in names if name.endswith((ENVELOPE, RAW))}
    return beside | {name.removesuffix(ENVELOPE).removesuffix(RAW) for name in beside}


def checkpoints(partition: int) -> str:
    """Return the folder of the checkpoints of one partition."""
    return f"checkpoints/assign/{partition:05d}"
