"""Stores a fetched file in the folder of its message, so that both are erased together, with its outcome beside it."""

from collections.abc import Callable
from typing import BinaryIO

import msgspec
import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore

from schemas import ids
from schemas.codec import UNREADABLE
from schemas.errors import UnreachableError
from schemas.records.media import Media
from storage import blob_store
from storage.paths import ERASED, folder

FATE = ".media"
"""Suffix after the hashed media id in the name of the object with the file's outcome."""


class Shelf:
    """Blob store for the files of one message; raises UnreachableError if the store does not answer."""

    def __init__(self, store: ObjectStore, jurisdiction: str, message_id: str) -> None:
        self._store = store
        self._folder = folder(jurisdiction, message_id)

    def path(self, sha256: str) -> str:
        """Return the path of bytes with this digest."""
        return f"{self._folder}/{sha256}"

    @property
    def is_erased(self) -> bool:
        """Return whether the message was erased: its folder must stay empty."""
        return self._get(f"{self._folder}/{ERASED}") is not None

    def fate(self, media_id: str) -> Media | None:
        """Return an earlier outcome of the file; None if it is unknown or unreadable."""
        found = self._get(self._fate_path(media_id))
        try:
            return None if found is None else msgspec.json.decode(found, type=Media)
        except UNREADABLE:  # torn by a crash of the store: the file is fetched again
            return None

    def keep(self, media: Media, data: BinaryIO | None = None) -> bool:
        """Store the bytes, and then the outcome; return False if the message was erased meanwhile.

        The eraser writes its mark before it deletes, and this function checks for the mark after writing: the later
        of both deletes.
        """
        paths = [self._fate_path(media.media_id)]
        if media.dataref is not None and data is not None:
            data.seek(0)
            self._put(media.dataref, data)
            paths.append(media.dataref)
        self._put(paths[0], msgspec.json.encode(media))
        self._on_disk(lambda: blob_store.settle(self._store, paths))
        if not self.is_erased:
            return True
        for path in paths:
            self._delete(path)
        self._on_disk(lambda: blob_store.clear(self._store, self._folder))
        return False

    def _fate_path(self, media_id: str) -> str:
        return f"{self._folder}/{ids.b32(self._folder, media_id)[:26]}{FATE}"

    def _get(self, path: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _fault(error) from error

    def _put(self, path: str, data: BinaryIO | bytes) -> None:
        try:
            # In one piece: a bucket keeps the parts of an interrupted upload and does not list them.
            obstore.put(self._store, path, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _fault(error) from error

    def _on_disk(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            raise _fault(error) from error

    def _delete(self, path: str) -> None:
        try:
            obstore.delete(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _fault(error) from error


def _fault(error: Exception) -> UnreachableError:
    return UnreachableError(f"the blob store does not answer ({type(error).__name__}): check that it can be reached")
