"""The bytes of a checkpoint: a partition's state in pieces, none of which takes long to read or to write."""

import asyncio
import gc
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from obstore import Bytes
from xxhash import xxh3_64_intdigest

from broker.heartbeat import beat
from tickets.bodies import LIKENESS
from tickets.policy import TicketPolicy
from tickets.state import Snapshot, State

FORMAT = 24
"""Of the checkpoint; another format is ignored, as a checkpoint is only a cache."""

PART = 10_000
"""Tickets of one part of a checkpoint.

To decode a million at once keeps the interpreter for seconds, and the thread that tells Kafka that this worker lives is
silent as long; between two parts it speaks.
"""

_LENGTH = 8
_HEAD = 2 * _LENGTH
"""Before each piece of a checkpoint: its length and its xxh3.

What lies on a disk for months may change there. A bit of a ticket's body would be decoded, and decided by; and a piece
of a ticket that nobody can read would end each worker that takes the city over.
"""

T = TypeVar("T", bound=Struct)


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A state and where the logs stood; `last_event_id` at `last_event` proves that the log is still the same.

    `likeness` names what the bodies were compressed by.
    What grows with the tickets is not in its snapshot while it is stored, but in the parts behind it.
    """

    last_event: int
    last_event_id: str
    next_ticket: int
    snapshot: Snapshot
    likeness: str = LIKENESS
    parts: int = 0


class Part(Struct, frozen=True, kw_only=True):
    """Some of the tickets, of their bodies, and of what the index of near duplicates keeps."""

    tickets: dict[str, bytes]
    bodies: dict[str, bytes]
    kept: dict[int, bytes]


def frames(checkpoint: Checkpoint) -> Iterator[bytes]:
    """Yield the bytes of a checkpoint: each piece behind its length.

    All that later decisions change is in the first piece; the others may be made beside them.
    """
    whole = checkpoint.snapshot
    tickets, bodies, kept = list(whole.tickets.items()), list(whole.bodies.items()), list(whole.near.kept.items())
    bare = replace(whole, tickets={}, bodies={}, near=replace(whole.near, kept={}))
    starts = range(0, max(len(tickets), len(bodies), len(kept)), PART)
    yield _frame(replace(checkpoint, snapshot=bare, parts=len(starts)))
    for start in starts:
        some = slice(start, start + PART)
        yield _frame(Part(tickets=dict(tickets[some]), bodies=dict(bodies[some]), kept=dict(kept[some])))


def _frame(piece: Checkpoint | Part) -> bytes:
    value = msgspec.msgpack.encode(piece)
    return len(value).to_bytes(_LENGTH, "little") + xxh3_64_intdigest(value).to_bytes(_LENGTH, "little") + value


async def checkpoint_of(chunks: AsyncIterable[bytes | Bytes]) -> Checkpoint:
    """Read what `frames` wrote, however it is cut, and let others have a turn between the pieces.

    Raises DecodeError for what is not whole, is not what was written, or cannot be read by this version.
    """
    pieces = _pieces(chunks)
    checkpoint = _decoded(await anext(pieces, b""), Checkpoint)
    if checkpoint.likeness != LIKENESS:
        raise msgspec.DecodeError("the bodies were compressed by another version")
    whole, parts = checkpoint.snapshot, 0
    async for piece in pieces:
        part, parts = _decoded(piece, Part), parts + 1
        whole.tickets.update(part.tickets)
        whole.bodies.update(part.bodies)
        whole.near.kept.update(part.kept)
        beat()
        await asyncio.sleep(0)
    if parts != checkpoint.parts:
        raise msgspec.DecodeError("parts of the checkpoint are missing")
    return checkpoint


async def _pieces(chunks: AsyncIterable[bytes | Bytes]) -> AsyncIterator[bytearray]:
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= _HEAD and len(held) >= (end := _HEAD + int.from_bytes(held[:_LENGTH], "little")):
            piece, digest = held[_HEAD:end], int.from_bytes(held[_LENGTH:_HEAD], "little")
            if xxh3_64_intdigest(piece) != digest:
                raise msgspec.DecodeError("the checkpoint is not what was written")
            yield piece
            del held[:end]
    if held:
        raise msgspec.DecodeError("the checkpoint ends too early")


def _decoded(piece: bytes | bytearray, kind: type[T]) -> T:
    with _uncollected():
        return msgspec.msgpack.decode(piece, type=kind)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking through a million new objects, none of which is garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def state_of(snapshot: Snapshot, policy: TicketPolicy) -> State:
    """Rebuild the state that a checkpoint holds; may be run in a thread."""
    with _uncollected():
        return State.of(snapshot, policy)
