"""The bytes of a checkpoint: a partition's state in pieces, none of which takes long to read or to write."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tickets.held import TicketState
from tickets.policy import TicketPolicy
from tickets.state import Snapshot, State

FORMAT = 8
"""Of the checkpoint; another format is ignored, as a checkpoint is only a cache."""

PART = 10_000
"""Tickets of one part of a checkpoint. To decode a million at once keeps the interpreter for seconds, and the thread
that tells Kafka that this worker lives is silent as long; between two parts it speaks."""

_LENGTH = 8
"""Bytes of the length before each piece of a checkpoint."""

T = TypeVar("T", bound=Struct)


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A state and where the logs stood; `last_event_id` at `last_event` proves that the log is still the same.

    What grows with the tickets is not in its snapshot while it is stored, but in the parts behind it.
    """

    last_event: int
    last_event_id: str
    next_ticket: int
    snapshot: Snapshot
    parts: int = 0


class Part(Struct, frozen=True, kw_only=True):
    """Some of the tickets, of their bodies, and of what the index of near duplicates keeps."""

    tickets: list[TicketState]
    bodies: dict[str, bytes]
    kept: dict[int, bytes]


def frames(checkpoint: Checkpoint) -> Iterator[bytes]:
    """Yield the bytes of a checkpoint: each piece behind its length."""
    whole = checkpoint.snapshot
    tickets, bodies, kept = whole.tickets, list(whole.bodies.items()), list(whole.near.kept.items())
    bare = replace(whole, tickets=[], bodies={}, near=replace(whole.near, kept={}))
    starts = range(0, max(len(tickets), len(bodies), len(kept)), PART)
    yield _frame(replace(checkpoint, snapshot=bare, parts=len(starts)))
    for start in starts:
        some = slice(start, start + PART)
        yield _frame(Part(tickets=tickets[some], bodies=dict(bodies[some]), kept=dict(kept[some])))


def _frame(piece: Checkpoint | Part) -> bytes:
    value = msgspec.msgpack.encode(piece)
    return len(value).to_bytes(_LENGTH, "little") + value


async def checkpoint_of(value: memoryview) -> Checkpoint:
    """Read what `frames` wrote, and let others have a turn between the pieces; raises DecodeError."""
    pieces = _pieces(value)
    checkpoint = _decoded(next(pieces, memoryview(b"")), Checkpoint)
    whole, parts = checkpoint.snapshot, 0
    for parts, piece in enumerate(pieces, 1):  # noqa: B007 - counted
        part = _decoded(piece, Part)
        whole.tickets.extend(part.tickets)
        whole.bodies.update(part.bodies)
        whole.near.kept.update(part.kept)
        await asyncio.sleep(0)
    if parts != checkpoint.parts:
        raise msgspec.DecodeError("parts of the checkpoint are missing")
    return checkpoint


def _pieces(value: memoryview) -> Iterator[memoryview]:
    at = 0
    while at < len(value):
        begin = at + _LENGTH
        at = begin + int.from_bytes(value[at:begin], "little")
        if at > len(value):
            raise msgspec.DecodeError("the checkpoint ends too early")
        yield value[begin:at]


def _decoded(piece: memoryview, kind: type[T]) -> T:
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
