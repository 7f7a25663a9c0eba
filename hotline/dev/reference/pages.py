"""Renders every generated page, says which are stale, and writes them.

`root` is the whole command line, as `typer.main.get_command` returns it.
"""

from pathlib import Path
from typing import Any

from hotline.dev.reference import commands, metrics, records, settings, topics
from hotline.dev.reference.markdown import MARK
from hotline.translation import in_language

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
"""Checked in; an installed `hotline` has no documentation beside it, so nothing there can be stale."""

_PAGES = {
    "metrics.md": metrics.render,
    "records.md": records.render,
    "settings.md": settings.render,
    "topics.md": topics.render,
}


def files(root: Any) -> dict[str, bytes]:
    """Return every generated page by its name."""
    with in_language("en"):
        pages = {name: render() for name, render in _PAGES.items()}
        return {name: page.encode() for name, page in {"commands.md": commands.render(root), **pages}.items()}


def check(root: Any, folder: Path = FOLDER) -> list[str]:
    """Return the pages that differ from what the code says now: stale, missing or left over."""
    if not folder.is_dir():
        return []
    wanted = files(root)
    there = {path.name: path.read_bytes() for path in folder.glob("*.md")}
    left_over = {name for name, content in there.items() if content.startswith(MARK.encode()) and name not in wanted}
    return sorted({name for name in wanted if there.get(name) != wanted[name]} | left_over)


def export(root: Any, folder: Path = FOLDER) -> list[str]:
    """Write what is stale, delete what is left over, and return the names that changed."""
    wanted, stale = files(root), check(root, folder)
    for name in stale:
        if name in wanted:
            (folder / name).write_bytes(wanted[name])
        else:
            (folder / name).unlink()
    return stale
