"""The inputs of `hotline try`: files and folders become raw records, the same ones every time."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, structs

from normalizers.weibo import items as pages
from schemas.errors import MisconfiguredError, PipelineError, TooLargeError, UnsupportedError
from schemas.records.raw import SIZE_LIMIT

RECORDS = ".jsonl"
BY_SUFFIX = {".eml": "mailbox", ".xml": "wechat", ".http": "web"}
"""The channel of a file without a named one."""


class UnreadableError(PipelineError):
    """The file system does not give the bytes of an input."""


class Input(Struct, frozen=True, kw_only=True):
    """One input: its bytes and channel, or its fault; `folder` is that of its files.

    `content_type` is that of a mapped webhook's message, which names the profile.
    """

    name: str
    channel: str = ""
    data: bytes = b""
    content_type: str = ""
    folder: Path = Path()
    fault: PipelineError | None = None

    @property
    def file_suffix(self) -> str:
        """Return the ending of the file's name in small letters."""
        return Path(self.name).suffix.lower()

    @property
    def sha256(self) -> str:
        """Return the digest of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def read(paths: Iterable[Path], channel: str | None = None) -> Iterator[Input]:
    """Yield every input of `paths` in order; folders are walked by path, hidden files are skipped.

    A `.jsonl` file always holds neutral records, one a line; `channel` names the channel of all other files. A page of
    Weibo's interfaces is one input for each item.
    Raises MisconfiguredError before the first input when a path is missing.
    """
    named = list(paths)
    for path in named:
        if not path.exists():
            raise MisconfiguredError(f"There is no {_name(path)}: name files or folders that exist.")
    for path in named:
        for file in _files(path):
            yield from _lines(file) if file.suffix.lower() == RECORDS else _apart(_whole(file, channel))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _whole(file: Path, channel: str | None) -> Input:
    chosen = channel or BY_SUFFIX.get(file.suffix.lower())
    if chosen is None:
        ending = f"the ending {file.suffix}" if file.suffix else "a name without an ending"
        table = "for a table, `hotline import --dry-run` shows the result"
        fault = UnsupportedError(f"{ending} does not name a channel: use --channel; {table}")
        return Input(name=_name(file), fault=fault)
    try:
        if file.stat().st_size > SIZE_LIMIT:
            return Input(name=_name(file), channel=chosen, fault=_too_large())
        return Input(name=_name(file), channel=chosen, data=file.read_bytes(), folder=file.parent)
    except OSError as error:
        return Input(name=_name(file), channel=chosen, fault=_unreadable(error))


def _apart(one: Input) -> list[Input]:
    """Return one input an item of a page of Weibo's interfaces; anything else as it is."""
    items = pages.items(one.data) if one.channel == "weibo" else []
    named = [structs.replace(one, name=f"{one.name}:{number}", data=item) for number, item in enumerate(items, 1)]
    return named or [one]


def _lines(file: Path) -> Iterator[Input]:
    """Yield one input a line; blank lines are none."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if data := line.removeprefix(b"\xef\xbb\xbf").strip():
                    yield _record(f"{_name(file)}:{number}", data, file.parent)
    except OSError as error:
        yield Input(name=_name(file), channel="record", fault=_unreadable(error))


def _record(name: str, data: bytes, folder: Path) -> Input:
    fault = _too_large() if len(data) > SIZE_LIMIT else None
    return Input(name=name, channel="record", data=data, folder=folder, fault=fault)


def _too_large() -> TooLargeError:
    return TooLargeError(f"larger than {SIZE_LIMIT >> 20} MiB")


def _unreadable(error: OSError) -> UnreadableError:
    return UnreadableError(f"the file cannot be read ({error.strerror}): let this user read it")


def _name(path: Path) -> str:
    """Return a path as text, also one that is no UTF-8."""
    return os.fsencode(path).decode(errors="replace")
