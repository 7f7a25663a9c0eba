"""What an import did: totals, and every message that was refused with its line and the reason."""

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from schemas.errors import MisconfiguredError
from schemas.spreadsheet import no_formula
from storage.private_files import for_us_alone

SHOWN = 20
"""Refusals that are shown at the end; the report file has all of them."""


class Refusal(Struct, frozen=True):
    """One message, row or file that was not imported. Nothing of what is in it stands in `reason`."""

    file: str
    line: int | None
    code: str
    reason: str


class Totals(Struct, kw_only=True):
    """What became of everything that was read: read = published + known + refused.

    Of it so many are `undated`: nobody can read their time, and that of the file stands for it.
    """

    files: int = 0
    read: int = 0
    published: int = 0
    known: int = 0
    undated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    first: list[Refusal] = field(default_factory=list)
    stopped: bool = False

    @property
    def refusals(self) -> int:
        """Return how many were refused."""
        return self.refused.total()


class Report:
    """Writes refusals to a CSV file that Excel opens, as they come; without a file it only counts."""

    def __init__(self, totals: Totals, writer: Any = None) -> None:
        self._totals = totals
        self._writer = writer

    def refuse(self, refusal: Refusal) -> None:
        """Count one, keep the first few, and write it down."""
        self._totals.refused[refusal.code] += 1
        if len(self._totals.first) < SHOWN:
            self._totals.first.append(refusal)
        if self._writer is not None:
            # Citizens name the files that they send.
            self._writer.writerow([no_formula(refusal.file), refusal.line or "", refusal.code, refusal.reason])


@contextmanager
def opened(totals: Totals, file: Path | None) -> Iterator[Report]:
    """Open the report. Raises MisconfiguredError when the file cannot be written."""
    if file is None:
        yield Report(totals)
        return
    try:
        stream = open(file, "w", encoding="utf-8-sig", newline="", opener=for_us_alone)  # noqa: SIM115 - closed below
    except OSError as error:
        raise MisconfiguredError(
            f"The report {file} cannot be written ({error.strerror}): name another file."
        ) from error
    with stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "line", "code", "reason"])
        yield Report(totals, writer)
