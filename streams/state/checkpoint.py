"""Checkpoints of a partition: its state at one moment, in the blob store, so that a restore reads only the newer log.

    head piece   position in the logs, counters, number of pieces
    piece 1      an equal share of tickets, bodies, index keys, digests, ...      a few MB
    piece 2      ...
    each piece is stored behind its length and its xxh3

A checkpoint is a cache: if the blob store fails, a restore takes longer, and decisions go on. The state is taken by
references (`State.pieces`), and a piece is encoded when the blob store asks for it, so that decisions go on meanwhile.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import obstore
import structlog
from msgspec import Struct
from msgspec.structs import replace
from obstore import Bytes
from obstore import exceptions as blob
from obstore.store import ObjectStore
from xxhash import xxh3_64_intdigest

from broker.heartbeat import beat
from schemas.codec import UNREADABLE
from storage import blob_store
from storage.paths import checkpoints
from streams import metrics
from streams.state.log_reader import Logs
from tickets.dedupe.index import DedupeSnapshot
from tickets.policy import TicketPolicy
from tickets.state.seen import blocks
from tickets.state.state import Pieces, Snapshot, State
from tickets.state.store import LIKENESS

FORMAT = 26
"""Format of the checkpoints that this version writes."""

READABLE = (24, 25, FORMAT)
"""Formats that this version reads; it ignores others, as the logs have everything.

Formats 24 and 25 have what does not lie in `OldPart` in the first piece, and 24 has all digests there.
"""

_LENGTH = 8
_HEAD = 2 * _LENGTH
"""Bytes before each piece: its length and its xxh3.

A bit may change on a disk in months. Without the checksum a changed ticket would be decided by, and an unreadable one
would end each worker that takes over the city.
"""

T = TypeVar("T", bound=Struct)


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The first piece: the position in the logs, and what does not grow of the state.

    The record `last_event_id` at offset `last_event` proves that the event log is the same. `next_ticket` is an offset
    of the ticket topic. `likeness` names the zstd dictionary of the bodies. `parts` counts the pieces that follow.
    After `checkpoint_of`, `snapshot` is the whole state.
    """

    last_event: int
    last_event_id: str
    next_ticket: int
    snapshot: Snapshot = Snapshot()
    likeness: str = LIKENESS
    parts: int = 0
    format: int = 25


class OldPart(Struct, frozen=True, kw_only=True):
    """A piece of formats 24 and 25."""

    tickets: dict[str, bytes]
    bodies: dict[str, bytes]
    kept: dict[int, bytes]
    left: list[bytes] = []
    acknowledged: list[bytes] = []
    seen: list[bytes] = []

    def snapshot(self) -> Snapshot:
        """Return it as a piece of today's format."""
        return Snapshot(
            near=DedupeSnapshot(kept=self.kept),
            tickets=self.tickets,
            bodies=self.bodies,
            left=self.left,
            acknowledged=self.acknowledged,
            seen=self.seen,
        )


def frames(checkpoint: Checkpoint, pieces: Pieces) -> Iterator[bytes]:
    """Yield the bytes of a checkpoint piece by piece; each is encoded when it is asked for."""
    yield _frame(replace(checkpoint, snapshot=pieces.first, parts=len(pieces), format=FORMAT))
    yield from map(_frame, pieces)


def _frame(piece: Checkpoint | Snapshot) -> bytes:
    value = msgspec.msgpack.encode(piece)
    return len(value).to_bytes(_LENGTH, "little") + xxh3_64_intdigest(value).to_bytes(_LENGTH, "little") + value


async def checkpoint_of(chunks: AsyncIterable[bytes | Bytes]) -> Checkpoint:
    """Read a checkpoint from chunks of any size; other tasks run between the pieces.

    Raises DecodeError if it is incomplete, damaged, or of a version that this one cannot read.
    """
    pieces = _pieces(chunks)
    checkpoint = _decoded(await anext(pieces, b""), Checkpoint)
    if checkpoint.likeness != LIKENESS:
        raise msgspec.DecodeError("the bodies were compressed by another version")
    first = checkpoint.snapshot
    runs = {"left": blocks(first.left), "acknowledged": blocks(first.acknowledged), "seen": blocks(first.seen)}
    whole, parts = replace(first, **runs), 0
    async for piece in pieces:
        is_old = checkpoint.format < 26
        whole.add(_decoded(piece, OldPart).snapshot() if is_old else _decoded(piece, Snapshot))
        parts += 1
        beat()
        await asyncio.sleep(0)
    if parts != checkpoint.parts:
        raise msgspec.DecodeError("parts of the checkpoint are missing")
    return replace(checkpoint, snapshot=whole)


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
    """Switch the garbage collector off: it would look through a million new objects, none of which is garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def state_of(snapshot: Snapshot, policy: TicketPolicy) -> State:
    """Return the state of a snapshot; may run in a thread."""
    with _uncollected():
        return State(policy, snapshot)


# Checkpoints in the blob store: the newest one is read, and the next one is written while decisions go on.

CHECKPOINT_EVENTS = 50_000
"""Decisions after which a checkpoint is due: a successor folds at most about so many."""

CALM_EVENTS, CALM_SECONDS = 5_000, 900.0
"""Decisions after which one is due if the last one is so many seconds old.

A successor then folds them in half a second (94 µs a decision were measured). In a disaster, with many decisions a
second, checkpoints do not follow one another at once.
"""

RANGE_BYTES = 16 * 1024 * 1024
"""Bytes of a checkpoint that are read at a time."""

LIST_SECONDS = 10.0
"""Limit for a list of checkpoints, in seconds; after that the logs are read instead."""

LOAD_SECONDS = 60.0
"""Limit for each range of a checkpoint, in seconds; after that the logs are read instead."""

WRITE_SECONDS = 30.0
"""Seconds that an erasing decision waits for the checkpoint without the erased data; then decisions go on."""

SAVE_SECONDS = 900.0
"""Limit for writing a checkpoint, in seconds: a blob store that hangs must not prevent all later ones."""

_AWAY = (blob.BaseError, OSError)  # a TimeoutError is an OSError

_log = structlog.get_logger(__name__)


class Restored(Struct, kw_only=True):
    """A state and its positions in the logs.

    `folded` counts the decisions that are in no checkpoint yet. All inputs before the offset `looked_up_to` are
    decided, or are repeats.
    """

    state: State
    last_event: int = -1
    last_event_id: str = ""
    next_ticket: int = 0
    folded: int = 0
    looked_up_to: int = 0


async def newest(logs: Logs, blobs: ObjectStore, partition: int, policy: TicketPolicy) -> Restored:
    """Return the state of the newest checkpoint that belongs to these logs, an empty state if there is none."""
    for path in sorted(await _there(blobs, partition), key=_last_event, reverse=True):
        checkpoint = await _load(blobs, partition, path)
        if checkpoint is not None and await logs.holds(checkpoint.last_event, checkpoint.last_event_id):
            return Restored(
                state=await asyncio.to_thread(state_of, checkpoint.snapshot, policy),
                last_event=checkpoint.last_event,
                last_event_id=checkpoint.last_event_id,
                next_ticket=checkpoint.next_ticket,
            )
    return Restored(state=State(policy))


def save_checkpoint(blobs: ObjectStore, partition: int, restored: Restored) -> Coroutine[Any, Any, bool]:
    """Take the state as it stands at this call; return a coroutine that writes it and deletes the older checkpoints.

    The coroutine returns False if the blob store fails.
    """
    checkpoint = Checkpoint(
        last_event=restored.last_event, last_event_id=restored.last_event_id, next_ticket=restored.next_ticket
    )
    path = f"{checkpoints(partition)}/v{FORMAT}-{restored.last_event:020d}.msgpack"
    return _save(blobs, partition, path, checkpoint, restored.state.pieces())


class Checkpoints:
    """Writes the checkpoints of a partition that this worker owns."""

    def __init__(self, blobs: ObjectStore, partition: int, restored: Restored) -> None:
        self._blobs = blobs
        self._partition = partition
        self._restored = restored
        self._since = restored.folded  # so that a worker that is often restarted writes checkpoints as well
        self._began = time.monotonic()
        self._saving: asyncio.Task[bool] | None = None
        self._hanging: asyncio.Task[bool] | None = None
        """The checkpoint for which an erasing decision waited `WRITE_SECONDS` without success."""

    @property
    def pending(self) -> int:
        """Return the number of decisions that are in no finished checkpoint."""
        is_saving = self._saving is not None and not self._saving.done()
        return max(self._since, CHECKPOINT_EVENTS) if is_saving else self._since

    def decided(self, decisions: int) -> None:
        """Count decisions, and start to write a checkpoint if one is due and none is being written."""
        self._since += decisions
        if self._is_due() and (self._saving is None or self._saving.done()):
            self._since, self._began = 0, time.monotonic()
            self._saving = asyncio.create_task(self._save())

    def _is_due(self) -> bool:
        is_calm = time.monotonic() - self._began >= CALM_SECONDS
        return self._since >= (CALM_EVENTS if is_calm else CHECKPOINT_EVENTS)

    async def write(self) -> None:
        """Write a checkpoint at once; if the blob store fails or is too slow, the next chunk tries again."""
        begun_before = await self._saved()
        self._since = CHECKPOINT_EVENTS
        if begun_before is not None:
            self.decided(0)
            self._since = 0 if await self._saved() else CHECKPOINT_EVENTS

    async def _saved(self) -> bool | None:
        """Wait for the checkpoint that is being written; return whether it succeeded, None if it is not finished.

        If the blob store hangs, only the first erasing decision waits, and not each further one.
        """
        saving = self._saving
        if saving is None:
            return False
        await asyncio.wait({saving}, timeout=0 if saving is self._hanging else WRITE_SECONDS)
        self._hanging = None if saving.done() else saving
        return saving.result() if saving.done() else None

    def close(self) -> None:
        """Cancel the checkpoint that is being written."""
        if self._saving is not None:
            self._saving.cancel()

    def _save(self) -> Coroutine[Any, Any, bool]:
        return save_checkpoint(self._blobs, self._partition, self._restored)


async def _one_by_one(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _save(blobs: ObjectStore, partition: int, path: str, checkpoint: Checkpoint, pieces: Pieces) -> bool:
    try:
        async with asyncio.timeout(SAVE_SECONDS):
            # a killed owner may have left a part of a file, and that has citizens' words
            await asyncio.to_thread(blob_store.clear, blobs, checkpoints(partition))
            await obstore.put_async(blobs, path, _one_by_one(frames(checkpoint, pieces)))
            pieces.close()
            for old in await _every(blobs, partition):
                # a checkpoint of another format may hold erased data, and this version never replaces it
                if _last_event(old) < _last_event(path) or f"/v{FORMAT}-" not in old:
                    await obstore.delete_async(blobs, old)
    except _AWAY as error:
        _note_failure("save", partition, error)
        return False
    finally:
        pieces.close()
    return True


async def _there(blobs: ObjectStore, partition: int) -> list[str]:
    try:
        async with asyncio.timeout(LIST_SECONDS):
            return await _checkpoints(blobs, partition)
    except _AWAY as error:
        _note_failure("list", partition, error)
        return []


async def _load(blobs: ObjectStore, partition: int, path: str) -> Checkpoint | None:
    try:
        return await checkpoint_of(_chunks(blobs, path))
    except (*_AWAY, *UNREADABLE) as error:
        _note_failure("load", partition, error)
        return None


async def _chunks(blobs: ObjectStore, path: str) -> AsyncIterator[obstore.Bytes]:
    """Yield an object range by range; as a stream, a file of a folder comes in 8 KB, each through a thread."""
    async with asyncio.timeout(LOAD_SECONDS):
        size = (await obstore.head_async(blobs, path))["size"]
    for start in range(0, size, RANGE_BYTES):
        async with asyncio.timeout(LOAD_SECONDS):
            chunk = await obstore.get_range_async(blobs, path, start=start, end=min(start + RANGE_BYTES, size))
        yield chunk


async def _checkpoints(blobs: ObjectStore, partition: int) -> list[str]:
    return [path for path in await _every(blobs, partition) if _is_readable(path)]


async def _every(blobs: ObjectStore, partition: int) -> list[str]:
    found = await obstore.list(blobs, checkpoints(partition)).collect_async()
    return sorted(one["path"] for one in found)


def _is_readable(path: str) -> bool:
    return any(f"/v{one}-" in path for one in READABLE)


def _last_event(path: str) -> str:
    return path.rpartition("-")[2]


def _note_failure(operation: str, partition: int, error: Exception) -> None:
    metrics.CHECKPOINT_ERRORS.labels(operation=operation).inc()
    _log.warning("checkpoint_failed", operation=operation, partition=partition, error=type(error).__name__)
