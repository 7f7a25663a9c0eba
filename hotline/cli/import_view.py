"""What `hotline import` shows: a progress bar, how columns are understood, and what became of everything."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from hotline.cli.common import shown
from hotline.importer.columns import EXTRA, Plan
from hotline.importer.report import Totals
from hotline.importer.sources import Source
from hotline.terminal import Console
from hotline.translation import t
from schemas.records import RawMessage

SAMPLES = 3
FILES = 10
"""Files whose columns are shown; an export in many pieces has the same in each."""


class Bar:
    """A progress bar on standard error; bytes of all files."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
        )
        self._done = 0
        self._current: Source | None = None

    def __enter__(self) -> "Bar":
        """Show it."""
        self._task = self._progress.add_task("", total=sum(map(_size, self._paths)) or None)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it as it stands."""
        self._progress.stop()

    def tick(self, source: Source, totals: Totals) -> None:
        """Show where the import stands."""
        if self._current is not None and self._current is not source:
            self._done += _size(self._current.path)
        self._current = source
        told = t(f"{totals.read:,} read, {totals.known:,} known, {totals.refusals:,} refused")
        self._progress.update(self._task, completed=self._done + source.position(), description=told)


class Preview:
    """A dry run's destination: keeps the first records, and what is heard of the columns."""

    def __init__(self, clear: bool) -> None:
        self._clear = clear
        self._plans: dict[str, tuple[Plan, str]] = {}
        self._samples: list[RawMessage] = []

    def heard(self, place: str, plan: Plan, detail: str) -> None:
        """Keep how the columns of a file are understood."""
        if len(self._plans) < FILES:
            self._plans.setdefault(place, (plan, detail))

    def publish(self, messages: Iterable[RawMessage]) -> None:
        """Publish nothing."""
        self._samples = [*self._samples, *messages][:SAMPLES]

    def known(self, names: Sequence[int]) -> dict[int, int]:
        """Know nothing."""
        return {}

    def add(self, held: dict[int, int]) -> None:
        """Remember nothing."""

    def show(self) -> None:
        """Print the columns of each file, and the first records where they may be seen."""
        console = Console()
        for place, (plan, detail) in self._plans.items():
            columns = (Column(t(name), overflow="fold") for name in ("column", "becomes"))
            table = Table(*columns, title=f"{shown(place)} ({shown(detail)})", title_justify="left")
            for name, fields in zip(plan.header, plan.fields, strict=True):
                table.add_row(shown(name), ", ".join(f"[dim]{one}[/]" if one == EXTRA else one for one in fields))
            console.print(table)
        for raw in self._samples if self._clear else ():
            console.print(shown(raw.value[:2000].decode(errors="replace")), highlight=False, soft_wrap=True)


def show_totals(totals: Totals, report: Path | None, dry_run: bool, seconds: float) -> None:
    """Print the sum, and the first refusals."""
    console = Console()
    table = Table(title=t("This import"), title_justify="left", show_header=False)
    rows: list[tuple[str, Any]] = [
        ("files", totals.files),
        ("messages read", totals.read),
        ("would be published" if dry_run else "published", totals.published),
        ("imported before", totals.known),
        *([("unreadable times", totals.undated)] if totals.undated else ()),
        *((f"refused: {code}", count) for code, count in sorted(totals.refused.items())),
    ]
    for name, count in rows:
        table.add_row(t(name), f"{count:,}")
    console.print(table)
    for one in totals.first:
        where = f"{one.file}:{one.line}" if one.line else one.file
        console.print(f"{shown(where)}  {one.code}  {shown(t(one.reason))}", highlight=False, soft_wrap=True)
    left = totals.refusals - len(totals.first)
    if left > 0 and report is None:
        console.print(t(f"… and {left:,} more: name a file with --report to see all."), highlight=False)
    elif totals.refusals and report is not None:
        console.print(shown(t(f"All of them are in {report}.")), highlight=False)
    if totals.stopped:
        console.print(t("Stopped. Run the same command again to continue."), highlight=False)
    console.print(f"{seconds:.1f} s", highlight=False)


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(path) for name in names)
