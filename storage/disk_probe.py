"""A disk may hang, as a network's whose server is away: who looks at one waits no longer than it makes sense to."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from schemas.errors import UnreachableError
from storage.private_files import make_private

if TYPE_CHECKING:
    from obstore.store import LocalStore


Seen = TypeVar("Seen")

OPEN_SECONDS = 10.0
"""So long whoever begins waits for the disk of the blob store, or the data folder: then it ends, and says why."""


def blob_folder(folder: Path) -> "LocalStore":
    """Open the blob store in a folder, which is made when it is missing. Raises OSError, and as `in_time` does."""

    def opened() -> "LocalStore":
        from obstore.store import LocalStore

        make_private(folder)  # letters of citizens lie in it
        return LocalStore(folder, mkdir=True)

    return in_time(opened, f"the blob store {folder}", OPEN_SECONDS)


def in_time(look: Callable[[], Seen], disk: str, seconds: float) -> Seen:
    """Return what a look at a disk finds; the thread that waits for one that hangs keeps no process alive.

    Raises what the look does, and UnreachableError when it takes longer. `disk` says whose it is, and where.
    """
    found: Future[Seen] = Future()

    def work() -> None:
        try:
            found.set_result(look())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            found.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError:
        if found.done():
            raise
        raise UnreachableError(f"The disk of {disk} does not respond: check that it can be reached.") from None
