"""The blob store as sinks use it: puts, lists and deletes."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import obstore
from obstore.store import ObjectStore

from storage import blob_store
from storage.blob_store import MISSING, Folder, translated


class Blobs:
    """Raises UnauthorizedError when the store refuses our credentials, UnreachableError for every other fault."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._folder = Folder(store)

    async def require(self) -> None:
        """Tell an empty store from a folder that is gone: a volume not mounted would be written beside."""
        await self._folder.require()

    async def put(self, path: str, data: bytes) -> None:
        """Return when the store has it; in one piece, as a bucket keeps the parts of a broken-off upload unlisted."""
        with translated():
            await obstore.put_async(self._store, path, data, use_multipart=False)

    async def settle(self, paths: Iterable[str]) -> None:
        """Return when no power cut undoes that these were put, or deleted."""
        with translated():
            await asyncio.to_thread(blob_store.settle, self._store, list(paths))

    async def clear(self, folder: str) -> None:
        """Delete what writes that were broken off left in a folder, and nobody lists."""
        with translated():
            await asyncio.to_thread(blob_store.clear, self._store, folder)

    async def names(self, folder: str) -> set[str]:
        """Return the names of the objects in a folder."""
        with translated():
            there = await obstore.list(self._store, f"{folder}/").collect_async()
        return {one["path"].rsplit("/", 1)[1] for one in there}

    async def delete(self, folder: str, names: Iterable[str]) -> None:
        """Delete objects of a folder; one that is gone already is no fault."""
        await asyncio.gather(*(self._delete(f"{folder}/{name}") for name in names))

    async def _delete(self, path: str) -> None:
        with translated(), suppress(*MISSING):
            await obstore.delete_async(self._store, path)
