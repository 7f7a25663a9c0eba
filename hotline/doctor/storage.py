"""Storage outside of Kafka and Elasticsearch: the blob store, and the folders on this machine's disk."""

import errno
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hotline.config import clients
from hotline.doctor.findings import Told
from hotline.runtime.folders import BLOBS, Folder, written_to
from schemas.errors import MisconfiguredError, PipelineError, UnauthorizedError, UnreachableError
from storage.disk_probe import in_time
from storage.private_files import make_private

if TYPE_CHECKING:
    from hotline.config.settings import Settings

PROBE = f"doctor-probe-{socket.gethostname()}"
"""In no folder, which would stay; doctors of several hosts take nothing from each other."""

VALUE = b"hotline doctor"

DISK_SECONDS = 10.0
"""A disk that has not taken a few bytes by then hangs."""

_RETRIES = {"max_retries": 1, "retry_timeout": timedelta(seconds=5)}
"""obstore's default is to retry for three minutes."""

# Errors of stores and disks, in lower case. S3's codes: its API reference, "Error Responses".
_FULL = ("no space left", "quota exceeded", "os error 28", "os error 122")
_LOGIN = ("signaturedoesnotmatch", "invalidaccesskeyid", "expiredtoken", "invalidtoken")
_CLOCK = ("requesttimetooskewed",)
_ABSENT = ("nosuchbucket",)
_DENIED = ("permission denied", "read-only")


class Stored(NamedTuple):
    """A probe that the blob store took and gave, and when by its own clock."""

    size: int
    at: datetime


def blobs(settings: "Settings") -> Iterator[Told]:
    """Put a few bytes, get them, delete them; as root not into a folder of another user."""
    url = clients.blob_url(settings)
    if url.startswith("file:"):
        yield in_time(lambda: _tried(settings, url), f"{BLOBS} {clients.folder_of(url)}", DISK_SECONDS)
    else:
        yield _tried(settings, url)


def _tried(settings: "Settings", url: str) -> Told:
    if url.startswith("file:") and (fault := _of_another(BLOBS, clients.folder_of(url))):
        return fault
    return f"{clients.told_url(url)} accepts and returns {probe(settings).size} bytes"


def probe(settings: "Settings") -> Stored:
    """Write, read and delete a few bytes in the blob store; raises an error with the next action."""
    from obstore.exceptions import BaseError

    store = clients.blobs(settings, retry_config=_RETRIES)
    try:
        store.put(PROBE, VALUE)
        got = store.get(PROBE)
        same, at = bytes(got.bytes()) == VALUE, got.meta["last_modified"]
        store.delete(PROBE)
    except (BaseError, OSError) as error:
        raise _refusal(clients.told_url(clients.blob_url(settings)), error) from None
    if not same:
        raise MisconfiguredError("The blob store returns other bytes than it was given: choose another one.")
    return Stored(len(VALUE), at)


def _refusal(url: str, error: Exception) -> PipelineError:
    """The store's own text is left out: it quotes requests, which are signed."""
    from obstore import exceptions as theirs

    said = str(error).lower()

    def says(words: tuple[str, ...]) -> bool:
        return any(word in said for word in words)

    if says(_FULL):
        return MisconfiguredError(
            f"The disk of the blob store {url} is full: free some space, or set `blobs.url` elsewhere."
        )
    if says(_CLOCK):
        return MisconfiguredError(
            f"The clock of the blob store {url} differs from that of this machine: synchronise the clocks."
        )
    if says(_LOGIN) or isinstance(error, theirs.UnauthenticatedError):
        return UnauthorizedError(
            f"The blob store {url} refuses our login: correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if says(_DENIED) or isinstance(error, theirs.PermissionDeniedError):
        return UnauthorizedError(f"The blob store {url} denies writing: give our user get, put, list and delete there.")
    if says(_ABSENT) or isinstance(error, FileNotFoundError):
        return MisconfiguredError(f"There is no blob store {url}: create the bucket, or correct `blobs.url`.")
    return UnreachableError(
        f"The blob store {url} does not answer ({type(error).__name__}): check that it runs, and `blobs.url`."
    )


def disks(settings: "Settings") -> Iterator[Told]:
    """Write to each of the program's folders on this machine, and check the room on its disk."""
    folders = list(written_to(settings))
    faults = [fault for folder in folders if (fault := _fault_in_time(folder)) is not None]
    yield from faults
    if not faults:
        yield "; ".join(f"{folder.path} has {_mib(_free(folder.path))} MiB left" for folder in folders)


def _fault_in_time(folder: Folder) -> PipelineError | None:
    """Return the same as `_fault`, or that the disk hangs."""
    try:
        return in_time(partial(_fault, folder), f"{folder.what} {folder.path}", DISK_SECONDS)
    except UnreachableError as error:
        return error


def _fault(folder: Folder) -> PipelineError | None:
    what, path, setting, room = folder
    try:
        if fault := _of_another(what, path):
            return fault
        _write(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return MisconfiguredError(
                f"The disk of {what} {path} is full: free some space, or set `{setting}` elsewhere."
            )
        return MisconfiguredError(
            f"Nothing can be written to {what} {path} ({error.strerror}): allow our user to write there, or "
            f"correct `{setting}`."
        )
    if (free := _free(path)) < (need := room()):
        return MisconfiguredError(
            f"The disk of {what} {path} has {_mib(free)} MiB left and needs {_mib(need)}: free some space, "
            f"or set `{setting}` elsewhere."
        )
    return None


def _of_another(what: str, folder: Path) -> PipelineError | None:
    """Return why root cannot write to a folder of a service's user."""
    try:
        owner = None if os.geteuid() else _owner(folder)
    except OSError:  # an NFS server that does not trust root: the component itself reports it
        return None
    if owner is None:
        return None
    return MisconfiguredError(
        f"Root may write to {what} {folder}, which belongs to {owner}, and would create files there that "
        f"{owner} may not touch: run this as {owner} (`runuser -u {owner} -- hotline doctor`)."
    )


def _owner(folder: Path) -> str | None:
    """Return the owner of a folder, or of the folder to be created; None for root's or an unknown user's."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    number = there.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name if number else None
    except KeyError:  # as a container sees a folder from outside: no service runs as an unknown user
        return None


def _write(folder: Path) -> None:
    """Write and sync, as the journal does: some disks report only at the sync that they are full."""
    make_private(folder)  # as a component would
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(64 << 10))
        file.flush()
        os.fsync(file.fileno())


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free


def _mib(size: int) -> int:
    return size >> 20
