"""Blob store: errors of its client become errors of the pipeline; a missing folder is not taken for an empty one."""

import asyncio
import os
import re
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from obstore import exceptions as blob
from obstore.store import LocalStore, ObjectStore

from schemas.errors import PipelineError, UnauthorizedError, UnreachableError

# A blob store in a local folder: obstore does not sync files, and does not list interrupted writes.

_UNFINISHED = re.compile(r".*#\d+")
"""obstore writes to `name#1` beside an object and renames it; a killed process leaves such a file behind."""

_FEW, _AT_ONCE = 4, 16
"""Threads that sync: concurrent syncs of a disk take little more time than one; 1,000 files in 0.4 s instead of 14."""


def settle(store: ObjectStore, paths: Iterable[str]) -> None:
    """Return when the disk has synced the writes or deletions of these paths, so that a power cut undoes none.

    An object store does so itself. Raises OSError.
    """
    root = _root(store)
    if root is None:
        return
    places = [root / path for path in paths]
    _sync_all(places)
    _sync_all({above for place in places for above in place.parents if above.is_relative_to(root)})


def unfinished(store: ObjectStore, folder: str) -> int:
    """Return the number of unfinished writes in a folder, interrupted or in progress. Raises OSError."""
    return sum(1 for _ in _unfinished(store, folder))


def clear(store: ObjectStore, folder: str) -> None:
    """Delete what interrupted writes left in a folder; a write in progress fails and is repeated.

    Raises OSError.
    """
    for place in _unfinished(store, folder):
        place.unlink(missing_ok=True)


def _unfinished(store: ObjectStore, folder: str) -> Iterator[Path]:
    root = _root(store)
    if root is not None:
        with suppress(FileNotFoundError):
            yield from [place for place in (root / folder).iterdir() if _UNFINISHED.fullmatch(place.name)]


def _root(store: ObjectStore) -> Path | None:
    prefix = store.prefix if isinstance(store, LocalStore) else None
    return None if prefix is None else Path(prefix)


def _sync_all(places: Collection[Path]) -> None:
    if len(places) <= _FEW:
        for place in places:
            _sync(place)
    else:
        with ThreadPoolExecutor(_AT_ONCE, "sync") as pool:
            list(pool.map(_sync, places))


def _sync(place: Path) -> None:
    """Sync a file or a folder, unless it is gone."""
    with suppress(FileNotFoundError):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


FOLDER_SECONDS = 30.0
"""Limit in seconds for a look at the folder: an unreachable network disk may hang for ever."""

MISSING = (blob.NotFoundError, FileNotFoundError)
"""Errors of the store for a missing object."""

NO_PATH = (blob.InvalidPathError, ValueError)
"""Errors of the store for an invalid path."""

_REFUSED = (blob.PermissionDeniedError, blob.UnauthenticatedError, PermissionError)
_ANY = (blob.BaseError, OSError)


class Folder:
    """Folder of a local store; an object store has none."""

    def __init__(self, store: ObjectStore) -> None:
        prefix = store.prefix if isinstance(store, LocalStore) else None
        self._path = Path(prefix) if prefix is not None else None
        self._hanging: asyncio.Task[bool] | None = None

    async def require(self) -> None:
        """Raise UnreachableError if the folder is missing, such as an unmounted volume, or does not answer.

        While one look hangs no other is started: each takes a thread.
        """
        if self._path is None:
            return
        looking = self._hanging
        if looking is None or looking.done():
            looking = asyncio.create_task(asyncio.to_thread(self._path.is_dir))
            await asyncio.wait({looking}, timeout=FOLDER_SECONDS)
        if not looking.done():
            self._hanging = looking
            raise UnreachableError("the folder of the blob store does not respond: check that its disk can be reached")
        if not looking.result():
            raise UnreachableError("the folder of the blob store does not exist: mount it, or correct `blobs.url`")


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors of the client into errors of the pipeline."""
    try:
        yield
    except _ANY as error:
        raise _ours(error) from error


@contextmanager
def waited_out() -> Iterator[None]:
    """The same for callers that also wait for refused credentials to be mended; other work goes on meanwhile."""
    try:
        yield
    except _ANY as error:
        raise UnreachableError(str(_ours(error))) from error


def _ours(error: Exception) -> PipelineError:
    if isinstance(error, _REFUSED):
        return UnauthorizedError("the blob store refused our credentials: check `blobs` in the settings")
    return UnreachableError(
        f"the blob store does not answer ({type(error).__name__}): check that it can be reached and has room"
    )
