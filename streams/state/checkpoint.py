"""The bytes of a checkpoint: a partition's state in pieces, none of which takes long to read or to write."""

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
from tickets.policy import TicketPolicy
from tickets.state.seen import blocks
from tickets.state.state import Snapshot, State
from tickets.state.store import LIKENESS

FORMAT = 25
"""Of the checkpoints that are written."""

READABLE = (24, FORMAT)
"""Formats that are read; another one is ignored, as a checkpoint is only a cache. 24 has all digests in one piece."""

PART = 10_000
"""Tickets of one part of a checkpoint.

To decode a million at once keeps the interpreter for seconds, and the thread that tells Kafka that this worker lives is
silent as long; between two parts it speaks.
"""

DIGESTS = 256
"""Blocks of digests in one part: a megabyte. All digests in one value could not be written beyond 4 GiB."""

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
    """Some of the tickets, of their bodies, of what the index of near duplicates keeps, and of the digests."""

    tickets: dict[str, bytes]
    bodies: dict[str, bytes]
    kept: dict[int, bytes]
    left: list[bytes] = []
    acknowledged: list[bytes] = []
    seen: list[bytes] = []


def frames(checkpoint: Checkpoint) -> Iterator[bytes]:
    """Yield the bytes of a checkpoint: each piece behind its length.

    All that later decisions change is in the first piece; the others may be made beside them.
    """
    whole = checkpoint.snapshot
    tickets, bodies, kept = list(whole.tickets.items()), list(whole.bodies.items()), list(whole.near.kept.items())
    left, acknowledged, seen = map(blocks, (whole.left, whole.acknowledged, whole.seen))
    near = replace(whole.near, kept={})
    bare = replace(whole, tickets={}, bodies={}, near=near, left=[], acknowledged=[], seen=[])
    parts = max(
        *(_parts(len(entries), PART) for entries in (tickets, bodies, kept)),
        *(_parts(len(runs), DIGESTS) for runs in (left, acknowledged, seen)),
    )
    yield _frame(replace(checkpoint, snapshot=bare, parts=parts))
    for number in range(parts):
        some, few = slice(number * PART, (number + 1) * PART), slice(number * DIGESTS, (number + 1) * DIGESTS)
        yield _frame(
            Part(
                tickets=dict(tickets[some]),
                bodies=dict(bodies[some]),
                kept=dict(kept[some]),
                left=left[few],
                acknowledged=acknowledged[few],
                seen=seen[few],
            )
        )


def _parts(entries: int, most: int) -> int:
    return -(-entries // most)


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
    left, acknowledged, seen = ([*blocks(runs)] for runs in (whole.left, whole.acknowledged, whole.seen))
    async for piece in pieces:
        part, parts = _decoded(piece, Part), parts + 1
        whole.tickets.update(part.tickets)
        whole.bodies.update(part.bodies)
        whole.near.kept.update(part.kept)
        for runs, more in ((left, part.left), (acknowledged, part.acknowledged), (seen, part.seen)):
            runs += more
        beat()
        await asyncio.sleep(0)
    if parts != checkpoint.parts:
        raise msgspec.DecodeError("parts of the checkpoint are missing")
    return replace(checkpoint, snapshot=replace(whole, left=left, acknowledged=acknowledged, seen=seen))


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
        return State(policy, snapshot)


# The checkpoints of a partition in the blob store: the newest of its log, and the next, written beside the decisions.
#
# They are a cache: a blob store that is away costs time, and never a decision.

CHECKPOINT_EVENTS = 50_000
"""A checkpoint is written after so many decisions at the latest: what a successor does not have to fold again."""

CALM_EVENTS, CALM_SECONDS = 5_000, 900.0
"""After so many, too, when the last one is so old: at a city's pace a successor folds half a second's worth (measured:
94 µs a decision), and a disaster's decisions are not held up by one checkpoint after the other."""

RANGE_BYTES = 16 * 1024 * 1024
"""Of a checkpoint that is read at a time."""

LIST_SECONDS = 10.0
LOAD_SECONDS = 60.0
"""How long a store that does not answer holds up a restore, at any one range, before the logs are read instead."""

WRITE_SECONDS = 30.0
"""How long a decision that erases waits for the checkpoint without what is gone; then that is written beside."""

SAVE_SECONDS = 900.0
"""After this long a checkpoint is given up: a store that hangs must not keep all later ones from being written."""

_AWAY = (blob.BaseError, OSError)  # a TimeoutError is an OSError

_log = structlog.get_logger(__name__)


class Restored(Struct, kw_only=True):
    """A state with the positions that its next checkpoint needs; `folded` decisions are in no checkpoint yet.

    Of the inputs before `looked_up_to` none is undecided, though the last ones may all have been repeats.
    """

    state: State
    last_event: int = -1
    last_event_id: str = ""
    next_ticket: int = 0
    folded: int = 0
    looked_up_to: int = 0


async def newest(logs: Logs, blobs: ObjectStore, partition: int, policy: TicketPolicy) -> Restored:
    """Return the state of the newest checkpoint that is of these logs, an empty one where there is none."""
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
    """Take the state as it stands at this call, and return what writes it and drops the older checkpoints.

    The coroutine says whether that was done: a store that is away is no fault.
    """
    checkpoint = Checkpoint(
        last_event=restored.last_event,
        last_event_id=restored.last_event_id,
        next_ticket=restored.next_ticket,
        snapshot=restored.state.dump(),
    )
    path = f"{checkpoints(partition)}/v{FORMAT}-{restored.last_event:020d}.msgpack"
    pieces = frames(checkpoint)
    return _save(blobs, partition, path, _beside(next(pieces), pieces))


class Checkpoints:
    """Writes the checkpoints of a partition that we own."""

    def __init__(self, blobs: ObjectStore, partition: int, restored: Restored) -> None:
        self._blobs = blobs
        self._partition = partition
        self._restored = restored
        self._since = restored.folded  # a worker that is often restarted writes one, too
        self._began = time.monotonic()
        self._saving: asyncio.Task[bool] | None = None
        self._hanging: asyncio.Task[bool] | None = None
        """The one for which a decision waited in vain."""

    @property
    def pending(self) -> int:
        """Return how many decisions are in no checkpoint that was written."""
        is_saving = self._saving is not None and not self._saving.done()
        return max(self._since, CHECKPOINT_EVENTS) if is_saving else self._since

    def decided(self, decisions: int) -> None:
        """Let one be written now and then, beside the decisions: a slow blob store holds up none of them."""
        self._since += decisions
        if self._is_due() and (self._saving is None or self._saving.done()):
            self._since, self._began = 0, time.monotonic()
            self._saving = asyncio.create_task(self._save())

    def _is_due(self) -> bool:
        is_calm = time.monotonic() - self._began >= CALM_SECONDS
        return self._since >= (CALM_EVENTS if is_calm else CHECKPOINT_EVENTS)

    async def write(self) -> None:
        """Write one at once; when the blob store does not take it, or not in time, the next chunk tries again."""
        begun_before = await self._saved()
        self._since = CHECKPOINT_EVENTS
        if begun_before is not None:
            self.decided(0)
            self._since = 0 if await self._saved() else CHECKPOINT_EVENTS

    async def _saved(self) -> bool | None:
        """Wait for what is being written, and say whether it was; None when that goes on.

        For a store that hangs one decision waits, and not each that erases.
        """
        saving = self._saving
        if saving is None:
            return False
        await asyncio.wait({saving}, timeout=0 if saving is self._hanging else WRITE_SECONDS)
        self._hanging = None if saving.done() else saving
        return saving.result() if saving.done() else None

    def close(self) -> None:
        """Leave what is being written."""
        if self._saving is not None:
            self._saving.cancel()

    def _save(self) -> Coroutine[Any, Any, bool]:
        return save_checkpoint(self._blobs, self._partition, self._restored)


async def _beside(first: bytes, more: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the first piece, and make each of the others when it is asked for."""
    yield first
    for piece in more:
        yield piece


async def _save(blobs: ObjectStore, partition: int, path: str, pieces: AsyncIterator[bytes]) -> bool:
    try:
        async with asyncio.timeout(SAVE_SECONDS):
            await asyncio.to_thread(
                blob_store.clear, blobs, checkpoints(partition)
            )  # a killed owner's: it is whole bodies
            await obstore.put_async(blobs, path, pieces)
            for old in await _every(blobs, partition):
                if (
                    _last_event(old) < _last_event(path) or f"/v{FORMAT}-" not in old
                ):  # nobody reads another format again, and it may hold what is erased
                    await obstore.delete_async(blobs, old)
    except _AWAY as error:
        _pass_over("save", partition, error)
        return False
    return True


async def _there(blobs: ObjectStore, partition: int) -> list[str]:
    try:
        async with asyncio.timeout(LIST_SECONDS):
            return await _checkpoints(blobs, partition)
    except _AWAY as error:
        _pass_over("list", partition, error)
        return []


async def _load(blobs: ObjectStore, partition: int, path: str) -> Checkpoint | None:
    try:
        return await checkpoint_of(_chunks(blobs, path))
    except (*_AWAY, *UNREADABLE) as error:
        _pass_over("load", partition, error)
        return None


async def _chunks(blobs: ObjectStore, path: str) -> AsyncIterator[obstore.Bytes]:
    """Yield an object by ranges: as a stream, a folder's file comes in pieces of 8 KB, each by a thread of its own."""
    async with asyncio.timeout(LOAD_SECONDS):
        size = (await obstore.head_async(blobs, path))["size"]
    for start in range(0, size, RANGE_BYTES):
        async with asyncio.timeout(LOAD_SECONDS):
            chunk = await obstore.get_range_async(blobs, path, start=start, end=min(start + RANGE_BYTES, size))
        yield chunk


async def _checkpoints(blobs: ObjectStore, partition: int) -> list[str]:
    return [path for path in await _every(blobs, partition) if _is_ours(path)]


async def _every(blobs: ObjectStore, partition: int) -> list[str]:
    found = await obstore.list(blobs, checkpoints(partition)).collect_async()
    return sorted(one["path"] for one in found)


def _is_ours(path: str) -> bool:
    return any(f"/v{one}-" in path for one in READABLE)


def _last_event(path: str) -> str:
    return path.rpartition("-")[2]


def _pass_over(operation: str, partition: int, error: Exception) -> None:
    metrics.CHECKPOINT_ERRORS.labels(operation=operation).inc()
    _log.warning("checkpoint_failed", operation=operation, partition=partition, error=type(error).__name__)
