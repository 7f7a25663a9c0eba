"""The blob store as sinks use it: puts, lists and deletes."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import obstore
from obstore.store import ObjectStore

from storage import blob_store
from storage.blob_store import MISSING, Folder, translated


class Blobs:
    """Raises UnauthorizedError if the store refuses the credentials, UnreachableError for every other fault."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._folder = Folder(store)

    async def require(self) -> None:
        """Raise UnreachableError for a missing folder: without the volume, writes would go to the disk below it."""
        await self._folder.require()

    async def put(self, path: str, data: bytes) -> None:
        """Return when the store has the object; in one piece, as a bucket keeps and does not list parts of a broken
        upload.
        """
        with translated():
            await obstore.put_async(self._store, path, data, use_multipart=False)

    async def settle(self, paths: Iterable[str]) -> None:
        """Return when these writes or deletions survive a power cut."""
        with translated():
            await asyncio.to_thread(blob_store.settle, self._store, list(paths))

    async def clear(self, folder: str) -> None:
        """Delete the leftovers of interrupted writes in a folder."""
        with translated():
            await asyncio.to_thread(blob_store.clear, self._store, folder)

    async def names(self, folder: str) -> set[str]:
        """Return the names of the objects in a folder."""
        with translated():
            there = await obstore.list(self._store, f"{folder}/").collect_async()
        return {one["path"].rsplit("/", 1)[1] for one in there}

    async def delete(self, folder: str, names: Iterable[str]) -> None:
        """Delete objects of a folder; a missing one is no error."""
        await asyncio.gather(*(self._delete(f"{folder}/{name}") for name in names))

    async def _delete(self, path: str) -> None:
        with translated(), suppress(*MISSING):
            await obstore.delete_async(self._store, path)
