"""Version of the running hotline: of the installed package, and the commit of a checkout."""

from functools import lru_cache
from importlib.metadata import version as installed
from pathlib import Path

from msgspec import Struct

_ROOT = Path(__file__).parents[1]


class Build(Struct, frozen=True):
    """Version of the installed package, and the commit of its checkout, "" without one."""

    version: str
    revision: str

    def __str__(self) -> str:
        return f"{self.version} ({self.revision[:12]})" if self.revision else self.version


@lru_cache(1)
def build() -> Build:
    """Return the version at the start of this process: later changes of a checkout do not count."""
    return Build(installed("hotline"), revision_of(_ROOT))


def revision_of(root: Path) -> str:
    """Return the commit of a checkout, "" if it is none.

    Reads git's files, as git refuses the folder of another user, and a host may have no git.
    """
    try:
        folder = root / ".git"
        if folder.is_file():  # a work tree of its own
            folder = root / folder.read_text("utf-8").removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        shared = folder / "commondir"
        if shared.is_file():
            folder = folder / shared.read_text("utf-8").strip()
        name = head.removeprefix("ref: ")
        loose = folder / name
        if loose.is_file():
            return loose.read_text("utf-8").strip()
        packed = (line.split() for line in (folder / "packed-refs").read_text("utf-8").splitlines())
        return next((line[0] for line in packed if line[1:] == [name]), "")
    except (OSError, UnicodeDecodeError):
        return ""
