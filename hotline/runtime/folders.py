"""The folders of this machine that a process may write to, and how much room each may come to need."""

import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hotline.config import clients
from hotline.runtime import components

if TYPE_CHECKING:
    from hotline.config.settings import Settings

BLOBS = "the blob store"

LEAST_FREE_BYTES = 256 << 20
"""A disk with less room is reported before it is full."""


class Folder(NamedTuple):
    """A folder to write to: its purpose, its setting, and the room that it may need.

    The room is computed on demand, because it looks at the disk, which may hang.
    """

    what: str
    path: Path
    setting: str
    room: Callable[[], int]


def written_to(settings: "Settings") -> Iterator[Folder]:
    """Yield every folder of this machine that we write to."""
    yield Folder("the data folder", settings.data_dir, "local.data_dir", _least)
    if "receiver" in components.names(settings):
        path, most = clients.journal_folder(settings), settings.receiver.journal_max_bytes
        yield Folder("the journal", path, "receiver.journal_folder", partial(_wanted, path, most))
    if "lmtp" in components.names(settings):
        path, most = clients.lmtp_journal_folder(settings), settings.lmtp.journal_max_bytes
        yield Folder("the journal of LMTP", path, "lmtp.journal_folder", partial(_wanted, path, most))
    for name in settings.connectors.sections["asterisk"]:
        path = clients.listener_journal_folder(settings, name)
        yield Folder(f"the journal of {name}", path, "local.data_dir", partial(_wanted_to_listen, path))
    url = clients.blob_url(settings)
    if url.startswith("file:"):
        yield Folder(BLOBS, clients.folder_of(url), "blobs.url", _least)


def _least() -> int:
    return LEAST_FREE_BYTES


def _wanted(journal: Path, most: int) -> int:
    """Return the room that a journal may still take, and that of the large messages in it as much."""
    return max(2 * most - _size(journal), LEAST_FREE_BYTES)


def _wanted_to_listen(journal: Path) -> int:
    from connectors.publish.durable_publisher import (
        BROADCAST_JOURNAL_BYTES,  # with Kafka's client, for which no start waits
    )

    return _wanted(journal, BROADCAST_JOURNAL_BYTES)


def _size(folder: Path) -> int:
    return sum(map(_size_of, folder.rglob("*")))


def _size_of(file: Path) -> int:
    try:
        found = file.stat()
    except FileNotFoundError:  # a receiver has just brought it to Kafka
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
