"""The blob store: what its client raises becomes an error of ours; a folder that is gone is told from an empty one."""

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

# A blob store in a local folder: obstore syncs nothing there, and lists nothing of a write that was broken off.

_UNFINISHED = re.compile(r".*#\d+")
"""obstore writes beside an object, `name#1`, and renames at the end; a killed process leaves such a file behind."""

_FEW, _AT_ONCE = 4, 16
"""A disk syncs what is asked of it at once in little more time than one: a thousand files in 0.4 s instead of 14."""


def settle(store: ObjectStore, paths: Iterable[str]) -> None:
    """Return when the disk holds what was put under these paths, or that it was deleted; a power cut undoes neither.

    A store that is no folder sees to that itself. Raises OSError.
    """
    root = _root(store)
    if root is None:
        return
    places = [root / path for path in paths]
    _sync_all(places)
    _sync_all({above for place in places for above in place.parents if above.is_relative_to(root)})


def unfinished(store: ObjectStore, folder: str) -> int:
    """Return how many writes that were broken off, or go on, a folder holds. Raises OSError."""
    return sum(1 for _ in _unfinished(store, folder))


def clear(store: ObjectStore, folder: str) -> None:
    """Delete what writes that were broken off left in a folder; one that goes on fails, and is repeated.

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
    """Sync a file or a folder; one that is gone has nothing to keep."""
    with suppress(FileNotFoundError):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


FOLDER_SECONDS = 30.0
"""How long a folder may take to show that it is there: a network disk that is away may hang for ever."""

MISSING = (blob.NotFoundError, FileNotFoundError)
"""What the store raises for an object that it has not got."""

NO_PATH = (blob.InvalidPathError, ValueError)
"""The same for what can be no object's path."""

_REFUSED = (blob.PermissionDeniedError, blob.UnauthenticatedError, PermissionError)
_ANY = (blob.BaseError, OSError)


class Folder:
    """The folder of a local store; of any other there is none to look for."""

    def __init__(self, store: ObjectStore) -> None:
        prefix = store.prefix if isinstance(store, LocalStore) else None
        self._path = Path(prefix) if prefix is not None else None
        self._hanging: asyncio.Task[bool] | None = None

    async def require(self) -> None:
        """Raise UnreachableError for a folder that is gone, as a volume that is not mounted, or does not answer.

        While a look hangs no other is begun: each takes a thread.
        """
        if self._path is None:
            return
        looking = self._hanging
        if looking is None or looking.done():
            looking = asyncio.create_task(asyncio.to_thread(self._path.is_dir))
            await asyncio.wait({looking}, timeout=FOLDER_SECONDS)
        if not looking.done():
            self._hanging = looking
            raise UnreachableError("the blob store's folder does not answer: see that its disk can be reached")
        if not looking.result():
            raise UnreachableError("the blob store's folder is not there: mount it, or correct `blobs.url`")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client raises into an error of ours."""
    try:
        yield
    except _ANY as error:
        raise _ours(error) from error


@contextmanager
def waited_out() -> Iterator[None]:
    """The same for who waits out refused credentials, too: what needs no store goes on meanwhile."""
    try:
        yield
    except _ANY as error:
        raise UnreachableError(str(_ours(error))) from error


def _ours(error: Exception) -> PipelineError:
    if isinstance(error, _REFUSED):
        return UnauthorizedError("the blob store refused our credentials: check `blobs` in the settings")
    return UnreachableError(
        f"the blob store does not answer ({type(error).__name__}): see that it can be reached and has room"
    )
