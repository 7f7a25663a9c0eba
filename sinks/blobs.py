"""The blob store as sinks use it: puts, lists and deletes; what a store says becomes an error of ours."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
from obstore import exceptions as blob
from obstore.store import LocalStore, ObjectStore

from schemas import local_store
from schemas.errors import UnauthorizedError, UnreachableError


class Blobs:
    """Raises UnauthorizedError when the store refuses our credentials, UnreachableError for every other fault."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def require(self) -> None:
        """Tell an empty store from a folder that is gone: a volume not mounted would be written beside."""
        prefix = self._store.prefix if isinstance(self._store, LocalStore) else None
        if prefix is not None and not await asyncio.to_thread(Path(prefix).is_dir):
            raise UnreachableError("the blob store's folder is not there: mount it, or correct `blobs.url`")

    async def put(self, path: str, data: bytes) -> None:
        """Return when the store has it; in one piece, as a bucket keeps the parts of a broken-off upload unlisted."""
        with _translated():
            await obstore.put_async(self._store, path, data, use_multipart=False)

    async def settle(self, paths: Iterable[str]) -> None:
        """Return when no power cut undoes that these were put, or deleted."""
        with _translated():
            await asyncio.to_thread(local_store.settle, self._store, list(paths))

    async def clear(self, folder: str) -> None:
        """Delete what writes that were broken off left in a folder, and nobody lists."""
        with _translated():
            await asyncio.to_thread(local_store.clear, self._store, folder)

    async def names(self, folder: str) -> set[str]:
        """Return the names of the objects in a folder."""
        with _translated():
            there = await obstore.list(self._store, f"{folder}/").collect_async()
        return {one["path"].rsplit("/", 1)[1] for one in there}

    async def delete(self, folder: str, names: Iterable[str]) -> None:
        """Delete objects of a folder; one that is gone already is no fault."""
        await asyncio.gather(*(self._delete(f"{folder}/{name}") for name in names))

    async def _delete(self, path: str) -> None:
        with _translated():
            try:
                await obstore.delete_async(self._store, path)
            except (blob.NotFoundError, FileNotFoundError):
                return


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (blob.PermissionDeniedError, blob.UnauthenticatedError, PermissionError) as error:
        raise UnauthorizedError("the blob store refused our credentials: check `blobs` in the settings") from error
    except (blob.BaseError, OSError) as error:
        raise UnreachableError(
            f"the blob store does not answer ({type(error).__name__}): see that it can be reached and has room"
        ) from error
