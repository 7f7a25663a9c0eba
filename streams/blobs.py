"""The blob store for streams: raw bytes are read, attachments are written."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import obstore
from msgspec.structs import replace
from obstore.store import LocalStore, ObjectStore

from broker.heartbeat import beat
from normalizers.finalize import Blob
from schemas.errors import ErasedError, MalformedError, MissingBlobError, TooLargeError, UnreachableError
from schemas.records import RawMessage
from schemas.records.raw import SIZE_LIMIT
from storage import blob_store
from storage.blob_store import MISSING, NO_PATH, Folder, waited_out
from storage.paths import ERASED, RAW, REDACTED

T = TypeVar("T")

PARALLEL = 4
"""Concurrent transfers: each may hold SIZE_LIMIT bytes in memory."""

LOOKS = 32
"""Concurrent looks for a mark, which hold no bytes: an import asks about each of its messages."""


WRITE_SECONDS = 30.0
"""Seconds after which a write is reported as hanging, and its chunk waits for it again.

A local folder has no limit of its own; a worker that ended for it would serve no city that needs no store.
"""


class Blobs:
    """Loads and stores with bounded concurrency; raises only errors of `schemas.errors`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._turn = asyncio.Semaphore(PARALLEL)
        self._looks = asyncio.Semaphore(LOOKS)
        self._folder = Folder(store)
        self._is_folder = isinstance(store, LocalStore)
        self._hanging: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def loaded(self, raw: RawMessage) -> RawMessage:
        """Return a claim-checked message with its bytes.

        Raises MissingBlobError only if the store says that the object does not exist, and ErasedError if the eraser
        removed it: the raw record of an erased message was read again.
        """
        path = raw.envelope.dataref or ""
        try:
            value = await self.fetch(path)
        except MissingBlobError as error:
            if await self.erased({_folder(path)}):
                raise ErasedError("the message or its raw bytes were erased") from error
            raise
        if raw.envelope.sha256 and await asyncio.to_thread(_sha256, value) != raw.envelope.sha256:
            raise MalformedError("the stored bytes differ from ce_sha256: fetch the message from its source again")
        return replace(raw, value=value)

    async def fetch(self, path: str) -> bytes:
        """Return the object under a path. Raises MissingBlobError as `loaded` does."""
        async with self._turn:
            found = await self._get(path)
            beat()
            return found

    async def erased(self, folders: Collection[str]) -> set[str]:
        """Return the message folders that the eraser marked: nothing of these messages may be stored again."""
        if not folders:
            return set()
        await self._folder.require()  # without its volume no mark would be found
        gone, blacked_out = await asyncio.gather(self._erased(folders, ERASED), self._erased(folders, REDACTED))
        return gone | blacked_out

    async def store(self, blobs: Sequence[Blob]) -> None:
        """Return when the store holds all objects; a path always has the same bytes.

        Bytes of an erased message are not stored, although its raw record is read again; nor are the raw bytes of a
        redacted one, which a dead letter may bring.
        """
        paths = [one.path for one in blobs]
        await _all(self._put(one) for one in blobs)
        await _all(self._settle(path) for path in paths)
        raw = {name for path in paths if path.endswith(RAW) for name in (path, path.removesuffix(RAW))}
        gone, blacked_out = await asyncio.gather(
            self._erased({_folder(path) for path in paths}, ERASED),
            self._erased({_folder(path) for path in raw}, REDACTED),
        )
        away = [path for path in paths if _folder(path) in gone or (path in raw and _folder(path) in blacked_out)]
        await _all(self._delete(path) for path in away)
        await _all(self._clear(folder) for folder in {_folder(path) for path in away})

    async def settle(self, datarefs: Sequence[str]) -> None:
        """Delete raw bytes that were stored again although their message, or its raw bytes, had been erased."""
        folders = {_folder(path) for path in datarefs}
        gone = await self.erased(folders)
        again = [path for path in datarefs if _folder(path) in gone]
        await _all(self._delete(f"{path}{suffix}") for path in again for suffix in ("", RAW))
        await _all(self._clear(folder) for folder in gone)

    async def _get(self, path: str) -> bytes:
        await self._folder.require()  # before as well: a volume mounted meanwhile must not make an object missing
        with waited_out():
            try:
                found = await obstore.get_async(self._store, path)
                if found.meta["size"] > SIZE_LIMIT:
                    raise TooLargeError(f"the stored bytes exceed {SIZE_LIMIT}")
                return bytes(await found.bytes_async())
            except MISSING as error:
                await self._folder.require()
                raise MissingBlobError("the blob store has no object for ce_dataref") from error
            except NO_PATH as error:
                raise MalformedError("ce_dataref is not a path of the blob store") from error

    async def _put(self, one: Blob) -> None:
        # In one piece: a bucket keeps the parts of an interrupted upload and does not list them.
        await self._written("put", one.path, lambda: self._put_whole(one))

    async def _put_whole(self, one: Blob) -> None:
        await obstore.put_async(self._store, one.path, one.data, use_multipart=False)

    async def _settle(self, path: str) -> None:
        await self._on_disk("settle", path, lambda: blob_store.settle(self._store, (path,)))

    async def _clear(self, folder: str) -> None:
        await self._on_disk("clear", folder, lambda: blob_store.clear(self._store, folder))

    async def _on_disk(self, what: str, path: str, work: Callable[[], None]) -> None:
        await self._written(what, path, lambda: asyncio.to_thread(work))

    async def _written(self, what: str, path: str, write: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Return when the write is done. A hanging write is not repeated but awaited again, as each takes a thread.

        Raises UnreachableError if it takes too long.
        """
        if not self._is_folder:  # its client has limits of its own, and an abandoned request has no effect
            with waited_out():
                return await self._in_turn(write)
        writing = self._hanging.pop((what, path), None) or asyncio.create_task(self._in_turn(write))
        writing.add_done_callback(_look_at)
        try:
            await asyncio.wait({writing}, timeout=WRITE_SECONDS)
        except asyncio.CancelledError:
            writing.cancel()
            raise
        if not writing.done():
            self._hanging[what, path] = writing
            raise UnreachableError(
                f"the blob store has not accepted a file for {WRITE_SECONDS:.0f} s: check that its disk can be reached"
            )
        with waited_out():
            writing.result()

    async def _in_turn(self, write: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self._turn:
            await write()

    async def _erased(self, folders: Collection[str], mark: str) -> set[str]:
        there = await _all(self._has(folder, mark) for folder in folders)
        return {folder for folder, has in zip(folders, there, strict=True) if has}

    async def _has(self, folder: str, mark: str) -> bool:
        """Return whether the eraser's mark exists: the eraser writes it before it deletes, and this stage looks after
        it wrote.
        """
        async with self._looks:
            with waited_out():
                try:
                    await obstore.head_async(self._store, f"{folder}/{mark}")
                except (*MISSING, *NO_PATH):
                    return False
            return True

    async def _delete(self, path: str) -> None:
        async with self._turn:
            with waited_out(), suppress(*MISSING):
                await obstore.delete_async(self._store, path)


def _look_at(writing: "asyncio.Task[None]") -> None:
    if not writing.cancelled():
        writing.exception()  # no caller may await it any more, and asyncio would log its exception as never retrieved


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


async def _all(work: Iterable[Awaitable[T]]) -> list[T]:
    """Return all results when all have ended; then raise the first error."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
