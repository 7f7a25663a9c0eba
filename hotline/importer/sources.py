"""Which files an import reads, in which order, and what each of them is: by its content first, by its name else."""

import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, cast

from msgspec import Struct, field

from schemas.errors import MisconfiguredError

Kind = Literal["records", "table", "sheet", "mbox", "mail", "unknown"]

BY_SUFFIX: dict[str, Kind] = {
    ".jsonl": "records",
    ".ndjson": "records",
    ".csv": "table",
    ".tsv": "table",
    ".xlsx": "sheet",
    ".xlsm": "sheet",
    ".mbox": "mbox",
    ".mbx": "mbox",
    ".eml": "mail",
}
PACKED = ".gz"

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_HEADER = re.compile(rb"(?:Return-Path|Received|Delivered-To|From|To|Date|Subject|Message-ID|MIME-Version):", re.I)
_DELIVERED = re.compile(r"(\d{9,10})\.")
_LOOK = 512


class Source(Struct, frozen=True, kw_only=True):
    """One file and what it is; `advice` says what to do about an `unknown` one."""

    path: Path
    kind: Kind
    time: datetime | None = None
    advice: str = ""
    handles: list[BinaryIO] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the path as text, also one that is no UTF-8."""
        return os.fsencode(self.path).decode(errors="replace")

    def open(self) -> BinaryIO:
        """Open the file for its bytes, unpacked. Raises OSError."""
        self.handles[:] = [opened(self.path)]
        return self.handles[0]

    def position(self) -> int:
        """Return how many bytes of the file have been read, about; 0 where nobody can tell."""
        handle = next(iter(self.handles), None)
        inner = getattr(handle, "fileobj", None) or handle  # of a gzipped file, the packed bytes
        return inner.tell() if inner is not None and not inner.closed and self.kind != "sheet" else 0


def opened(path: Path) -> BinaryIO:
    """Open a file for its bytes; a gzipped one is unpacked as it is read. Raises OSError."""
    return cast("BinaryIO", gzip.open(path)) if path.suffix.lower() == PACKED else path.open("rb")


def find(paths: Iterable[Path]) -> Iterator[Source]:
    """Return every file in order; folders are walked by name, hidden files are skipped unless they are mail folders.

    Raises MisconfiguredError at once when a path is missing.
    """
    named = list(paths)
    for path in named:
        if not path.exists():
            raise MisconfiguredError(f"There is no {path}: name files or folders that exist.")
    return (source for path in named for source in (_walk(path) if path.is_dir() else [_source(path)]))


def _walk(folder: Path) -> Iterator[Source]:
    """Walk one folder; what cannot be walked is a source that says so, and the others go on."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        yield Source(path=folder, kind="unknown", advice=f"the folder cannot be read ({error.strerror})")
        return
    if _is_maildir(folder):
        yield from _maildir(folder, names)
        return
    for name in names:
        path = folder / name
        if name.startswith("."):
            continue
        if not _is_folder(path):
            yield _source(path)
        elif path.is_symlink():  # it may lead back here
            yield Source(path=path, kind="unknown", advice="a link to a folder is not followed: name the folder itself")
        else:
            yield from _walk(path)


def _is_maildir(folder: Path) -> bool:
    return _is_folder(folder / "cur") and _is_folder(folder / "new")


def _is_folder(path: Path) -> bool:
    """Say whether it is one; of what may not be asked, opening it tells more."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _maildir(folder: Path, names: Iterable[str]) -> Iterator[Source]:
    """Yield the mails of a Maildir and of its subfolders, whose names begin with a dot in Maildir++."""
    for name in names:
        path = folder / name
        if name in ("cur", "new"):
            yield from _delivered(path)
        elif name != "tmp" and path.is_dir() and not path.is_symlink() and _is_maildir(path):
            yield from _walk(path)


def _delivered(folder: Path) -> Iterator[Source]:
    """Yield the mails of one folder; their names begin with the second of their delivery."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        yield Source(path=folder, kind="unknown", advice=f"the folder cannot be read ({error.strerror})")
        return
    for name in names:
        if not name.startswith("."):
            second = _DELIVERED.match(name)
            time = datetime.fromtimestamp(int(second[1]), UTC) if second else None
            yield Source(path=folder / name, kind="mail", time=time)


def _source(path: Path) -> Source:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, for good
            return Source(path=path, kind="unknown", advice="it is not a regular file: save its contents to one")
        with opened(path) as file:
            beginning = file.read(_LOOK)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None)
        mend = f"({reason}): allow this user to read it" if reason else "in the format of its name: correct one of them"
        return Source(path=path, kind="unknown", advice=f"the file cannot be read {mend}")
    inner = path.with_suffix("") if path.suffix.lower() == PACKED else path
    kind = _kind(inner.suffix.lower(), beginning)
    return Source(path=path, kind=kind, advice=_advice(inner, beginning) if kind == "unknown" else "")


def _kind(suffix: str, beginning: bytes) -> Kind:
    named = BY_SUFFIX.get(suffix)
    if beginning.startswith(_ZIP):
        return "sheet" if named in ("sheet", "table") or suffix == "" else "unknown"
    if beginning.startswith(_OLE):
        return "unknown"
    if named == "sheet":
        return "unknown"
    if named is not None and not (named == "mail" and beginning.startswith(b"From ")):
        return named
    return _by_content(suffix, beginning)


def _by_content(suffix: str, beginning: bytes) -> Kind:
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if beginning.startswith(b"From "):
        return "mbox"
    if text.startswith(b"{") and suffix in ("", ".json", ".txt"):
        return "records"
    return "mail" if _HEADER.match(text) else "unknown"


def _advice(path: Path, beginning: bytes) -> str:
    if beginning.startswith(_ZIP) and path.suffix.lower() == ".zip":
        return "an archive: unpack it, and name the folder"
    if beginning.startswith(_OLE) and BY_SUFFIX.get(path.suffix.lower()) == "sheet":
        return "a workbook with a password, or an old one with a new name: save it as .xlsx without a password"
    if beginning.startswith((_OLE, _ZIP)):
        return "a spreadsheet of another kind: save it as .xlsx or .csv"
    return "the format cannot be imported: use .jsonl, .csv, .tsv, .xlsx, .mbox, .eml or a Maildir"
