"""The blob store: what its client raises becomes an error of ours; a folder that is gone is told from an empty one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obstore import exceptions as blob
from obstore.store import LocalStore, ObjectStore

from schemas.errors import PipelineError, UnauthorizedError, UnreachableError

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
